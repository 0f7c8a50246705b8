"""One client per process, made by the project's settings when it is first asked for."""

from functools import cache
from typing import Any

from django.core.signals import setting_changed

from smsline import AsyncClient, Client
from smsline.contrib.django import conf


# Made when first asked for, not with the settings: a web server forks its workers, and a connection
# must not be shared by two processes.
@cache
def client() -> Client:
    """The process' client.

    Raises:
        BadInput: A value of SMSLINE, or of the environment, cannot be used.
    """
    return Client.from_env(conf.environ())


@cache
def async_client() -> AsyncClient:
    """The process' client for asynchronous views.

    Raises:
        BadInput: A value of SMSLINE, or of the environment, cannot be used.
    """
    return AsyncClient.from_env(conf.environ())


def forget() -> None:
    """Make new clients from now on."""
    client.cache_clear()
    async_client.cache_clear()


def follow_settings() -> None:
    """Forget the clients when a test overrides SMSLINE."""

    def changed(*, setting: str, **_: Any) -> None:  # noqa: ANN401 - a signal's receiver
        if setting == "SMSLINE":
            forget()

    # Not weak: nothing else holds this function, and a receiver that is collected
    # is forgotten in silence.
    setting_changed.connect(changed, weak=False, dispatch_uid="smsline.contrib.django")
