"""Large jobs from submit to closed: time, memory of Redis and workers, receipts per second.

The receipts are held back until the provider has accepted every recipient. So there is a moment
when all are in flight and none is final, at which memory is counted, and sending and receiving are
timed apart; nothing is left out of the total.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from bench.baselines.loop import PER_CALL
from bench.campaign import PARAMS, PATIENCE_S, PER_200, TEMPLATE, accepted, phones, plain
from bench.children import wait
from bench.rows import Row, TargetRow
from bench.show import Show
from bench.sizes import Sizes
from bench.stack import ACCOUNT, NEVER_S, Stack
from bench.usage import Cpu, cpu, peak_rss, used_memory
from smsline.ledger.jobs import Status
from worker.supervisor.child import Running

LOOK_S: Final = 0.1
MEGABYTE: Final = 1_000_000


@dataclass(slots=True)
class Volume:
    """One job, followed.

    Attributes:
        recipients: How many.
        submit_s: Handing it over.
        accept_s: From then until the provider has accepted all.
        receipts_s: From then until the job is closed.
        in_flight: Bytes of Redis memory for it when all were accepted and none was final.
        most: The most bytes of Redis memory for it at any look.
        cpu_s: CPU seconds from submit to closed, by kind of process.
        rss: The most memory of each worker process so far, bytes.
    """

    recipients: int
    submit_s: float = 0.0
    accept_s: float = 0.0
    receipts_s: float = 0.0
    in_flight: int = 0
    most: int = 0
    cpu_s: dict[str, float] = field(default_factory=dict)
    rss: list[int] = field(default_factory=list)

    @property
    def total_s(self) -> float:
        """From the beginning of submit until the job is closed."""
        return self.submit_s + self.accept_s + self.receipts_s


def follow(stack: Stack, running: Sequence[Running], recipients: int, show: Show) -> Volume:
    """Submit a job and follow it until it is closed."""
    found, before, used = Volume(recipients), used_memory(stack.ledger.redis), _cpu(stack, running)
    began_s = time.monotonic()
    job = stack.client.campaign(to=phones(recipients), template=TEMPLATE, params=PARAMS)
    found.submit_s = time.monotonic() - began_s
    watch = _Watch(stack, job, found, show, before)
    wait(watch.all_accepted, "all to be accepted", running, PATIENCE_S, every_s=LOOK_S)
    found.accept_s = time.monotonic() - began_s - found.submit_s
    found.in_flight = used_memory(stack.ledger.redis) - before
    stack.ledger.redis.zadd(stack.ledger.keys.drain, {ACCOUNT: 0})
    wait(watch.closed, "the job to be closed", running, PATIENCE_S, every_s=LOOK_S)
    found.receipts_s = time.monotonic() - began_s - found.submit_s - found.accept_s
    found.cpu_s = _cpu(stack, running).since(used)
    found.rss = [rss for each in running if (rss := peak_rss(each.pid)) is not None]
    return found


@dataclass(slots=True)
class _Watch:
    """Looks at a job: how far it is, and how much memory Redis holds."""

    stack: Stack
    job: str
    found: Volume
    show: Show
    before: int

    def all_accepted(self) -> bool:
        self._look()
        return accepted(self.stack.client, self.job, self.found.recipients)

    def closed(self) -> bool:
        return bool(self._look()["closed_at"])

    def _look(self) -> Status:
        status = self.stack.client.status(self.job)
        self.found.most = max(self.found.most, used_memory(self.stack.ledger.redis) - self.before)
        counts = status["counts"]
        self.show(
            f"{self.found.recipients:,} recipients",
            f"{counts['accepted']:,} accepted, {counts['delivered']:,} delivered",
        )
        return status


def _cpu(stack: Stack, running: Sequence[Running]) -> Cpu:
    groups = {"workers": [each.pid for each in running], "redis": [stack.redis_pid], "sandbox": [stack.sandbox_pid]}
    return cpu(groups)


def measure(stack: Stack, sizes: Sizes, procs: int, show: Show) -> tuple[list[Row], list[Volume]]:
    """The rows about large jobs, and the jobs in detail."""
    show(f"{PER_200}, to compare with")
    plain_per_s = plain(stack, sizes.per_200, PER_CALL, procs)
    stack.clear()
    volumes = []
    with stack.service(procs=procs, lanes=("marketing",), FIRST_POLL_S=NEVER_S) as running:
        for recipients in sizes.volumes:
            volumes.append(follow(stack, running, recipients, show))
            stack.sandbox.reset()
    return rows(volumes, plain_per_s), volumes


def rows(volumes: Sequence[Volume], plain_per_s: float) -> list[Row]:
    """The table's lines, from the smallest to the largest job.

    Args:
        volumes: The jobs.
        plain_per_s: Numbers a second of plain Celery, which closes nothing.
    """
    small, large = volumes[0], volumes[-1]
    count, million = f"{large.recipients:,}", large.recipients / 1_000_000
    made = [
        Row(
            key="volume_total",
            measure=f"{count} recipients, submit to all closed",
            values=[large.total_s],
            unit="s",
            target=TargetRow("most", 120 * million, "value"),
            note=f"submit {large.submit_s:.1f}, accept {large.accept_s:.1f}, receipts {large.receipts_s:.1f} s",
        ),
        Row(
            key="volume_closed",
            measure=f"{count} recipients: closed, from submit to the last receipt",
            values=[large.recipients / large.total_s],
            unit="/s",
            baseline=f"{PER_200}, no receipts",
            baselines=[plain_per_s],
            target=TargetRow("least", 0.75),
        ),
        Row(
            key="volume_memory",
            measure="Redis memory per recipient, all in flight",
            values=[large.in_flight / large.recipients],
            unit="B",
            target=TargetRow("most", 60, "value"),
        ),
        Row(
            key="volume_memory_peak",
            measure="Redis memory per recipient, peak",
            values=[large.most / large.recipients],
            unit="B",
        ),
        Row(
            key="receipts",
            measure="receipts applied",
            values=[large.recipients / large.receipts_s],
            unit="/s",
            target=TargetRow("least", 10_000, "value"),
        ),
    ]
    return [*made, _growth(small, large)] if small.rss and large.rss else made


def _growth(small: Volume, large: Volume) -> Row:
    grown = max(after - before for before, after in zip(small.rss, large.rss, strict=True))
    return Row(
        key="worker_growth",
        measure=f"memory of a worker process, {small.recipients:,} to {large.recipients:,}",
        values=[grown / MEGABYTE],
        unit="MB",
        target=TargetRow("most", 16, "value"),
        note=f"the one that grew most; {max(large.rss) / MEGABYTE:.0f} MB at its peak",
    )
