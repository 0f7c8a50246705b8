"""`smsline tencent replies` and `receipts`: what is taken off a queue is printed.

What is asked by number stays.
"""

import json

import pytest

from tests.unit.commands.conftest import UNLIMITED, Run, account_of_sandbox
from tests.unit.providers.tencent.harness import CALL
from worker.providers.base import ReceiptPage
from worker.providers.tencent.client import open_provider
from worker.sandbox.background import Background


def test_replies_are_taken_once(tencent: Run, sandbox: Background) -> None:
    """Every page of the queue is printed, an object per line; afterwards it is empty."""
    for place in range(102):
        sandbox.reply("+8613711112222", f"text {place}", at_s=1_790_000_000 + place)

    ran = tencent("replies", "--json")
    rows = [json.loads(line) for line in ran.out.splitlines()]

    assert len(rows) == 102
    assert rows[0] == {
        "phone": "+8613711112222",
        "received_at": "2026-09-21T14:13:20Z",
        "sign": "",
        "extend": "",
        "text": "text 0",
    }
    assert tencent("replies").out == "no replies\n"


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_replies_that_were_taken_are_printed(tencent: Run, sandbox: Background, form: tuple[str, ...]) -> None:
    """When a later page cannot be had, those that have left the queue are not lost."""
    for _ in range(101):
        sandbox.reply("+8613711112222", "TD")
    sandbox.control(limits={"PullSmsReplyStatus": 1})

    ran = tencent("replies", *form)

    sandbox.control(limits=UNLIMITED)
    assert ran.code == 1
    assert ran.out.count("+8613711112222") == 100
    assert "RequestLimitExceeded" in ran.err


def test_replies_of_a_number_stay(tencent: Run, sandbox: Background) -> None:
    """Asked by number, replies are shown again and again."""
    sandbox.reply("+8613711112222", "TD", sign="ACME")
    sandbox.reply("+8613711113333", "hello")

    first, second = (tencent("replies", "--number", "+86 137 1111 2222", "--since", "1h") for _ in range(2))

    assert first.out == second.out
    assert "TD" in first.out
    assert "hello" not in first.out
    assert len(tencent("replies", "--json").out.splitlines()) == 2


def test_receipts_of_a_number(tencent: Run, sandbox: Background) -> None:
    """What the provider knows of messages to it, with the code's meaning; the queue keeps all."""
    assert tencent("receipts", "+8613711112222").out == "no receipts\n"
    provider = open_provider("main", account_of_sandbox(sandbox.url))
    provider.send(CALL)

    shown, found = tencent("receipts", "+8613711112222"), tencent("receipts", "+8613711112222", "--json").json
    page = provider.read_page(pulled) if isinstance(pulled := provider.pull(), bytes) else None
    provider.close()

    assert "DELIVRD" in shown.out
    assert [(row["delivered"], row["code"]) for row in found] == [(True, "DELIVRD")]
    assert found[0]["meaning"]
    assert isinstance(page, ReceiptPage)
    assert len(page.receipts) == 2
    assert tencent("receipts", "12").code == 2
    assert tencent("receipts", "+8613711112222", "--since", "9d").code == 2
