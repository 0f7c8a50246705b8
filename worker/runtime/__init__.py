"""Celery's worker and the scheduler that wakes it."""
