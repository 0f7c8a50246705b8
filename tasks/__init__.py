"""Celery entry points: a message comes in, one function of the engine is called."""
