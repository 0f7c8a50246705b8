"""The Django app: it registers the checks."""

from django.apps import AppConfig


class SmslineConfig(AppConfig):
    """`smsline.contrib.django` in INSTALLED_APPS."""

    name = "smsline.contrib.django"
    label = "smsline"
    verbose_name = "smsline"

    def ready(self) -> None:
        """Register the checks, and make new clients when a test overrides the settings."""
        from smsline.contrib.django import checks, clients  # noqa: PLC0415 - after the settings are there

        checks.register()
        clients.follow_settings()
