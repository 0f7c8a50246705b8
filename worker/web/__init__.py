"""The web process: console, HTTP API, callbacks, metrics and probes in one application.

It needs Redis and no worker.
"""
