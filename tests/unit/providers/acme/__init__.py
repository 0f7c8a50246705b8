"""Acme, which does not exist.

The whole of a fourth provider, made by following docs/adding-a-provider.md.
"""
