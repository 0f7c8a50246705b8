"""What the engine is compared with: a bare loop of calls, and plain Celery tasks with the provider's own SDK."""
