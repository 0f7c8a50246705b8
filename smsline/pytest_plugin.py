"""Fixtures for producers' tests, found by pytest itself where smsline is installed."""

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from smsline.testing import AsyncCollector, Collector


@pytest.fixture
def smsline_collector(monkeypatch: pytest.MonkeyPatch) -> "Iterator[Collector]":
    """A collector that every `Client.from_env()` returns during the test.

    It is behind every `AsyncClient.from_env()`, too.

    A client that was made before the test, as by an import, is not replaced; that of
    `smsline.contrib.django` is.
    """
    # Imported here: every pytest run of the producer loads this module, few of its tests send.
    from smsline import AsyncClient, Client  # noqa: PLC0415
    from smsline.testing import AsyncCollector, Collector  # noqa: PLC0415

    collector = Collector()
    monkeypatch.setattr(Client, "from_env", lambda *_: collector)
    monkeypatch.setattr(AsyncClient, "from_env", lambda *_: AsyncCollector(collector))
    # Before and after: Django keeps its clients for the process, those of the
    # test before this one too.
    _forget_django()
    yield collector
    _forget_django()


def _forget_django() -> None:
    """Have a Django project make its clients anew."""
    clients = sys.modules.get("smsline.contrib.django.clients")
    if clients is not None:
        clients.forget()


@pytest.fixture
def smsline_async_collector(smsline_collector: "Collector") -> "AsyncCollector":
    """The same collector, for code that is given an `AsyncClient`."""
    from smsline.testing import AsyncCollector  # noqa: PLC0415

    return AsyncCollector(smsline_collector)
