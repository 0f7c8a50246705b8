"""smsline in a Django project: settings, `send_on_commit`, system checks, and hooks.

The hooks are for django-allauth and django-two-factor-auth.

Add `smsline.contrib.django` to INSTALLED_APPS; docs/django.md has a project of five files.
"""

from smsline.contrib.django.clients import async_client, client
from smsline.contrib.django.sending import send_on_commit, send_text

__all__ = ["async_client", "client", "send_on_commit", "send_text"]
