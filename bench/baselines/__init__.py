"""Baselines of the engine: a bare loop of calls, and plain Celery with the provider's SDK."""
