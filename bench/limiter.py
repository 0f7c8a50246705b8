"""The limiter: calls in the fullest second, with four worker processes and too much work."""

from typing import Final

from bench.campaign import phones, wait_sent
from bench.rows import Row, TargetRow
from bench.sandbox import SEND, window_s
from bench.show import Show
from bench.sizes import Sizes
from bench.stack import ACCOUNT, NEVER_S, Stack
from smsline import Recipient
from smsline.ledger.buckets import Limit

PER_S: Final = 50
PROCS: Final = 4
TEMPLATE: Final = "5678"


def measure(stack: Stack, sizes: Sizes, _procs: int, show: Show) -> list[Row]:
    """The rows about the limiter.

    Each number brings its own params, so that it has a call of its own.
    """
    show(f"the limiter: {PROCS} processes at {PER_S} calls a second")
    stack.clear()
    calls = PER_S * sizes.limited_s
    people = [Recipient(phone, (f"{nth}",)) for nth, phone in enumerate(phones(calls))]
    limit = {f"ACCOUNTS__{ACCOUNT.upper()}__LIMITS__SENDSMS": str(PER_S)}
    with stack.service(procs=PROCS, lanes=("marketing",), FIRST_POLL_S=NEVER_S, **limit) as running:
        stack.client.campaign(to=people, template=TEMPLATE)
        wait_sent(stack, running, calls)
    stats = stack.sandbox.stats()
    return rows(int(stats["max_calls_per_second"][SEND]), (calls - 1) / window_s(stats))


def rows(most: int, per_s: float) -> list[Row]:
    """The table's lines.

    Args:
        most: Calls in the fullest sliding second, at the provider.
        per_s: Calls a second on average, from the first to the last.
    """
    return [
        Row(
            key="limiter_most",
            measure=f"limiter, {PROCS} processes at {PER_S} calls/s: fullest second",
            values=[float(most)],
            unit="calls",
            target=TargetRow("most", PER_S + Limit(PER_S).burst, "value"),
            note="as they arrived at the provider; the bound is the rate and one burst",
        ),
        Row(
            key="limiter_used",
            measure="limiter: share of the rate that is used",
            values=[per_s / PER_S * 100],
            unit="%",
            target=TargetRow("least", 95, "value"),
        ),
    ]
