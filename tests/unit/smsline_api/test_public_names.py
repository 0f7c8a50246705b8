"""The public names, and those that cross a process boundary, are pinned here: changing one breaks somebody."""

import inspect

import smsline
from smsline import Client, names
from smsline.testing import Collector


def test_the_public_list_is_sorted_and_complete() -> None:
    """What is imported from smsline is listed, in order."""
    assert sorted(smsline.__all__) == list(smsline.__all__)
    assert all(hasattr(smsline, name) for name in smsline.__all__)


def test_names_on_the_wire() -> None:
    """Tasks and queues keep their names: messages in a broker, and producers in other languages, use them."""
    assert names.TASKS == (
        "smsline.submit",
        "smsline.accept",
        "smsline.send",
        "smsline.drain",
        "smsline.probe",
        "smsline.close",
    )
    assert names.QUEUES == ("smsline.otp", "smsline.notify", "smsline.marketing", "smsline.receipts")
    assert names.DEFAULT_URL == "redis://127.0.0.1:6390/0"


def test_the_collector_has_the_clients_signatures() -> None:
    """A producer's test that passes with the collector calls the client rightly."""
    for name in ("send", "campaign", "status", "results", "wait", "pause", "resume", "cancel", "close"):
        assert inspect.signature(getattr(Collector, name)) == inspect.signature(getattr(Client, name)), name
