"""Acme, which does not exist: the whole of a fourth provider, made by following docs/adding-a-provider.md."""
