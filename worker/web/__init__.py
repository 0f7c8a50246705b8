"""The web process: console, HTTP API, callbacks, metrics and probes on one Starlette application. It needs Redis and no worker."""
