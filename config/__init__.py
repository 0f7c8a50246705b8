"""What the service is configured with: settings, Celery options and logging."""
