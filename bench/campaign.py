"""Campaigns: numbers per second of the engine, a bare loop and two kinds of plain Celery."""

import time
from collections.abc import Iterable, Sequence
from typing import Final

from bench.baselines.loop import PER_CALL
from bench.baselines.plain import TASK, plain_app
from bench.children import importable, python, started, wait, wait_ended
from bench.rows import Row, TargetRow
from bench.sandbox import window_s
from bench.show import Show
from bench.sizes import Sizes
from bench.stack import NEVER_S, THREADS, Stack
from smsline import Client
from smsline.numbers import e164
from worker.supervisor.child import Child, Running

FIRST: Final = 8613700000000
TEMPLATE: Final = "5678"
PARAMS: Final = ("20",)
PER_200: Final = "a Celery task per 200 numbers, SDK, no ledger"
PATIENCE_S: Final = 600.0
POLL_S: Final = 0.05


def phones(count: int, first: int = FIRST) -> Iterable[str]:
    """Distinct numbers as a producer writes them, one by one."""
    return map(e164, range(first, first + count))


def accepted(client: Client, job: str, count: int) -> bool:
    """Whether the provider has taken all of a job's recipients."""
    counts = client.status(job)["counts"]
    return counts["total"] == count and not counts["waiting"] and not counts["sending"]


def engine(stack: Stack, numbers: int, procs: int) -> float:
    """Numbers accepted per second.

    From the moment the job is handed over until the ledger knows that all are accepted.

    So what the engine does first (reading the inbox, looking for doubles) counts; what the producer
    does before does not.
    """
    stack.clear()
    client = stack.client
    with stack.service(procs=procs, lanes=("marketing",), FIRST_POLL_S=NEVER_S) as running:
        job = client.campaign(to=phones(numbers), template=TEMPLATE, params=PARAMS)
        from_s = time.monotonic()
        wait(lambda: accepted(client, job, numbers), "the campaign to be accepted", running, PATIENCE_S, every_s=POLL_S)
        return numbers / (time.monotonic() - from_s)


def bare_loop(stack: Stack, numbers: int, procs: int) -> float:
    """Numbers per second of as many processes and threads that only make the calls.

    It is counted from the first call to the last.
    """
    stack.clear()
    share = numbers // procs
    children = [
        Child(
            f"loop{at}",
            python("bench.baselines.loop", stack.sandbox.url, str(share), str(FIRST + at * share), str(THREADS)),
            5.0,
            environ=importable(),
            probe=lambda: True,
        )
        for at in range(procs)
    ]
    with started(children) as running:
        wait_ended(running, PATIENCE_S)
    return share * procs / window_s(stack.sandbox.stats())


def plain(stack: Stack, numbers: int, per_task: int, procs: int) -> float:
    """Numbers per second of plain Celery.

    All tasks are in the queue before the workers start, and only the calls are timed.
    """
    stack.clear()
    app, wanted = plain_app(stack.redis_url), list(phones(numbers))
    for at in range(0, numbers, per_task):
        app.send_task(TASK, args=[wanted[at : at + per_task], TEMPLATE, PARAMS])
    app.close()
    with stack.plain_celery(procs=procs) as running:
        wait_sent(stack, running, numbers)
    return (numbers - per_task) / window_s(stack.sandbox.stats())


def wait_sent(stack: Stack, running: Sequence[Running], messages: int) -> None:
    """Wait until the provider has seen so many messages."""
    wait(
        lambda: stack.sandbox.stats()["messages"] >= messages,
        f"{messages:,} messages at the provider",
        running,
        PATIENCE_S,
        every_s=POLL_S,
    )


def measure(stack: Stack, sizes: Sizes, procs: int, show: Show) -> list[Row]:
    """The rows about campaigns."""
    found: dict[str, list[float]] = {name: [] for name in ("engine", "loop", "per_number", "per_200")}
    for turn in range(1, sizes.rounds + 1):
        show(f"campaigns, round {turn} of {sizes.rounds}: the engine")
        found["engine"].append(engine(stack, sizes.campaign, procs))
        show(f"campaigns, round {turn} of {sizes.rounds}: the bare loop")
        found["loop"].append(bare_loop(stack, sizes.campaign, procs))
        show(f"campaigns, round {turn} of {sizes.rounds}: a Celery task per number")
        found["per_number"].append(plain(stack, sizes.per_number, 1, procs))
        show(f"campaigns, round {turn} of {sizes.rounds}: a Celery task per {PER_CALL} numbers")
        found["per_200"].append(plain(stack, sizes.per_200, PER_CALL, procs))
    return rows(found)


def rows(found: dict[str, list[float]]) -> list[Row]:
    """The table's lines: the engine against each baseline."""
    against = (
        ("loop", "a bare loop of the same calls", TargetRow("least", 0.33)),
        ("per_number", "a Celery task per number, SDK", TargetRow("least", 80)),
        ("per_200", PER_200, TargetRow("least", 1.5)),
    )
    return [
        Row(
            key=f"campaign_vs_{name}",
            measure="campaign: numbers accepted",
            values=found["engine"],
            unit="/s",
            baseline=words,
            baselines=found[name],
            target=target,
        )
        for name, words, target in against
    ]
