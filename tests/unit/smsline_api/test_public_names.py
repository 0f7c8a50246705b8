"""The public names, and those that cross a process boundary, are pinned here.

Changing one breaks a user's program.
"""

import ast
import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import get_args, get_type_hints

import smsline
from smsline import Admin, AsyncClient, Client, names
from smsline.testing import AsyncCollector, Collector


def test_the_public_list_is_sorted_and_complete() -> None:
    """What is imported from smsline is listed, in order."""
    assert sorted(smsline.__all__) == list(smsline.__all__)
    assert all(hasattr(smsline, name) for name in smsline.__all__)
    # A type checker reads the imports alone: a name that only `__getattr__` gives is no type to it.
    imports = [
        node for node in ast.walk(ast.parse(Path(smsline.__file__).read_text())) if isinstance(node, ast.ImportFrom)
    ]
    typed = {alias.name for node in imports if (node.module or "").startswith("smsline.") for alias in node.names}
    assert typed == set(smsline.__all__)


def test_every_type_of_a_public_call_is_public() -> None:
    """What a call takes or returns, and what that holds, is imported from smsline alone."""
    seen: set[object] = set()
    for owner in (Client, AsyncClient, Admin):
        for name, call in inspect.getmembers(owner, inspect.isfunction):
            if not name.startswith("_"):
                collect(get_type_hints(call), seen)
    named = {found.__name__ for found in seen if isinstance(found, type)}
    assert {"Status", "Counts", "Result", "DeadRow", "Failover", "JobOptions", "Rejected"} <= named
    assert named <= set(smsline.__all__)


def collect(hints: Mapping[str, object], seen: set[object]) -> None:
    """Our own types in these hints, and in the fields of those."""
    waiting = list(hints.values())
    while waiting:
        found = waiting.pop()
        waiting += found if isinstance(found, list) else get_args(found)  # a callable's arguments are a list
        if isinstance(found, type) and found.__module__.startswith("smsline") and found not in seen:
            seen.add(found)
            waiting += get_type_hints(found).values()


def test_people_and_producers_have_their_own_levers() -> None:
    """A web application's client cannot requeue dead letters, nor lift a park or a suppression."""
    people = {
        "jobs",
        "dead_groups",
        "dead_summary",
        "dead_rows",
        "requeue",
        "drop",
        "accounts",
        "resume_account",
        "suppress",
    }
    assert not [name for name in people if hasattr(Client, name)]
    assert not [name for name in (*people, "status", "results", "pause") if not hasattr(Admin, name)]
    assert not hasattr(Admin, "send")


def test_names_on_the_wire() -> None:
    """Tasks and queues keep their names.

    Messages in a broker, and producers in other languages, use them.
    """
    assert names.TASKS == (
        "smsline.submit",
        "smsline.accept",
        "smsline.send",
        "smsline.drain",
        "smsline.probe",
        "smsline.close",
        "smsline.webhooks",
    )
    assert names.QUEUES == (
        "smsline.otp",
        "smsline.notify",
        "smsline.marketing",
        "smsline.receipts",
        "smsline.webhooks",
    )
    assert names.DEFAULT_URL == "redis://127.0.0.1:6390/0"


def test_the_collector_has_the_clients_signatures() -> None:
    """A producer's test that passes with the collector calls the client rightly."""
    public = {name for name, value in vars(Client).items() if inspect.isfunction(value) and name[0] != "_"}
    for name in {*public, "status", "results", "wait", "pause", "resume", "cancel", "close"}:
        assert inspect.signature(getattr(Collector, name)) == inspect.signature(getattr(Client, name)), name
        theirs, ours = (inspect.signature(getattr(kind, name)) for kind in (AsyncCollector, AsyncClient))
        assert list(theirs.parameters) == list(ours.parameters), name
