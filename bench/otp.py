"""One-time passwords: how many jobs of one number a second, and how soon each reaches the provider.

Every number of a run has other last four digits, by which the provider's log tells when its call
arrived.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from bench.baselines.plain import TASK, plain_app
from bench.campaign import PARAMS, PATIENCE_S, POLL_S, TEMPLATE, phones, wait_sent
from bench.children import BenchFailed, wait
from bench.rows import Row, TargetRow, percentile
from bench.sandbox import Arrival, window_s
from bench.show import Show
from bench.sizes import Sizes
from bench.stack import NEVER_S, Stack
from smsline.numbers import mask
from worker.supervisor.child import Running

OTP_TEMPLATE: Final = "1234"
FIRST: Final = 8615900000000
WARM: Final = 10
"""Passwords sent first, so that connections are open and modules loaded; not counted."""

MOST: Final = 10_000 - WARM
"""Passwords in one run, or two would have the same last digits."""

LOG_SIZE: Final = 200_000

Hand = Callable[[int], None]
"""Hands a password for the nth number over."""


def code(nth: int) -> str:
    """The nth password."""
    return f"{nth:06d}"


def phone(nth: int) -> str:
    """The nth number."""
    return f"+{FIRST + nth}"


def by_engine(stack: Stack) -> Hand:
    """Hand over to the engine."""

    def hand(nth: int) -> None:
        stack.client.send(to=phone(nth), template=OTP_TEMPLATE, params=[code(nth)], lane="otp")

    return hand


@contextmanager
def by_celery(stack: Stack) -> Iterator[Hand]:
    """Hand over to plain Celery."""
    app: Any = plain_app(stack.redis_url)
    try:
        yield lambda nth: app.send_task(TASK, args=[[phone(nth)], OTP_TEMPLATE, [code(nth)]])
    finally:
        app.close()


def engine_rate(stack: Stack, otps: int) -> float:
    """Passwords per second, all submitted before the worker starts, from first call to last."""
    stack.clear()
    _hand_all(by_engine(stack), otps)
    with stack.service(lanes=("otp",), FIRST_POLL_S=NEVER_S) as running:
        wait_sent(stack, running, otps)
    return (otps - 1) / window_s(stack.sandbox.stats())


def celery_rate(stack: Stack, otps: int) -> float:
    """The same for one worker of plain Celery."""
    stack.clear()
    with by_celery(stack) as hand:
        _hand_all(hand, otps)
    with stack.plain_celery() as running:
        wait_sent(stack, running, otps)
    return (otps - 1) / window_s(stack.sandbox.stats())


def _hand_all(hand: Hand, otps: int) -> None:
    for nth in range(otps):
        hand(nth)


def ping(hand: Hand, pings: range, every_s: float, *, on: Callable[[], bool] = lambda: True) -> dict[str, float]:
    """Hand passwords over at an even pace; their masked numbers with the times.

    Args:
        hand: How.
        pings: Which.
        every_s: Between two.
        on: Asked before each whether to go on.
    """
    asked, next_s = {}, time.monotonic()
    for nth in pings:
        if not on():
            break
        asked[mask(phone(nth))] = time.time()
        hand(nth)
        next_s = max(next_s + every_s, time.monotonic())
        time.sleep(max(0.0, next_s - time.monotonic()))
    return asked


def latencies_ms(asked: dict[str, float], arrivals: Sequence[Arrival]) -> list[float]:
    """From hand-over to the call's arrival at the provider, milliseconds.

    Raises:
        BenchFailed: One has not arrived.
    """
    came = {arrival.first: arrival.at_s for arrival in arrivals if arrival.template == OTP_TEMPLATE}
    if missing := asked.keys() - came.keys():
        raise BenchFailed(f"{len(missing)} of {len(asked)} one-time passwords have not reached the provider")
    return [(came[number] - at_s) * 1000 for number, at_s in asked.items()]


def idle(stack: Stack, running: Sequence[Running], hand: Hand, sizes: Sizes) -> list[float]:
    """Latencies with nothing else to do, milliseconds."""
    ping(hand, range(WARM), sizes.ping_every_s)
    asked = ping(hand, range(WARM, WARM + sizes.pings), sizes.ping_every_s)
    wait_sent(stack, running, WARM + sizes.pings)
    return latencies_ms(asked, stack.sandbox.arrivals())


def busy(stack: Stack, running: Sequence[Running], sizes: Sizes, show: Show) -> tuple[list[float], float]:
    """Latencies while a campaign is under way (ms), and how long until it was closed (s)."""
    hand, client = by_engine(stack), stack.client
    ping(hand, range(WARM), sizes.ping_every_s)
    began_s = time.monotonic()
    job = client.campaign(to=phones(sizes.busy), template=TEMPLATE, params=PARAMS)

    def on() -> bool:
        status = client.status(job)
        show(f"one-time passwords beside {sizes.busy:,} recipients", f"{status['counts']['delivered']:,} delivered")
        return not status["closed_at"]

    asked = ping(hand, range(WARM, MOST), sizes.ping_every_s, on=on)
    wait(lambda: not on(), "the campaign to be closed", running, PATIENCE_S, every_s=POLL_S)
    took_s = time.monotonic() - began_s
    wait_sent(stack, running, WARM + len(asked) + sizes.busy)
    return latencies_ms(asked, stack.sandbox.arrivals()), took_s


def measure(stack: Stack, sizes: Sizes, procs: int, show: Show) -> list[Row]:
    """The rows about one-time passwords."""
    ours, theirs = [], []
    for turn in range(1, sizes.rounds + 1):
        show(f"one-time passwords, round {turn} of {sizes.rounds}: the engine")
        ours.append(engine_rate(stack, sizes.otps))
        show(f"one-time passwords, round {turn} of {sizes.rounds}: a Celery task for each")
        theirs.append(celery_rate(stack, sizes.otps))
    rate = Row(
        key="otp_rate",
        measure="one-time passwords, one worker process",
        values=ours,
        unit="/s",
        baseline="a Celery task per password, SDK",
        baselines=theirs,
        target=TargetRow("least", 1.5),
    )
    return [rate, *latency(stack, sizes, procs, show)]


def latency(stack: Stack, sizes: Sizes, procs: int, show: Show) -> list[Row]:
    """The rows about latency."""
    show("latency of one-time passwords: plain Celery, idle")
    stack.clear(log_size=LOG_SIZE)
    with stack.plain_celery() as running, by_celery(stack) as hand:
        plain = idle(stack, running, hand, sizes)
    show("latency of one-time passwords: the engine, idle")
    stack.clear(log_size=LOG_SIZE)
    with stack.service(procs=procs) as running:
        calm = idle(stack, running, by_engine(stack), sizes)
    stack.clear(log_size=LOG_SIZE)
    with stack.service(procs=procs) as running:
        beside, took_s = busy(stack, running, sizes, show)
    return latency_rows(plain, calm, beside, note=f"beside {sizes.busy:,} recipients, closed after {took_s:.0f} s")


def latency_rows(plain: Sequence[float], calm: Sequence[float], beside: Sequence[float], *, note: str) -> list[Row]:
    """The table's lines from latencies in milliseconds."""
    celery, what = "a Celery task per password, SDK", "one-time password, submit to call"
    return [
        Row(
            key="otp_p50",
            measure=f"{what}, idle, p50",
            values=[percentile(calm, 0.5)],
            unit="ms",
            baseline=celery,
            baselines=[percentile(plain, 0.5)],
            target=TargetRow("most", 1.2),
        ),
        Row(
            key="otp_p99",
            measure=f"{what}, idle, p99",
            values=[percentile(calm, 0.99)],
            unit="ms",
            baseline=celery,
            baselines=[percentile(plain, 0.99)],
        ),
        Row(
            key="otp_p99_busy",
            measure=f"{what}, under a campaign, p99",
            values=[percentile(beside, 0.99)],
            unit="ms",
            baseline="the same, idle",
            baselines=[percentile(calm, 0.99)],
            target=TargetRow("most", 2),
            note=f"{len(beside):,} {note}",
        ),
    ]
