"""The dead letter: a view on the ledger. What is dead or unknown, by code, account and job; sent again or dropped by a person."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Literal

from smsline.ledger.batch_queues import parse_queue
from smsline.ledger.jobs import Result, block_rows, blocks_of
from smsline.ledger.link import Ledger
from smsline.states import LETTERS, State

IN_DEAD_LETTER: Final = frozenset({LETTERS[State.DEAD], LETTERS[State.UNKNOWN]})
"""Letters of recipients a person can still decide about; once dropped they are written in capitals."""


NO_CODE: Final = "-"
"""In the place of a code that there is none."""


@dataclass(frozen=True, slots=True)
class Pick:
    """Which part of the dead letter; empty means any, and `NO_CODE` those that ended without a code."""

    code: str = ""
    job: str = ""
    account: str = ""

    def fits(self, group: "Group") -> bool:
        """Whether the group belongs to it."""
        return (
            self.code in {"", group.code or NO_CODE}
            and self.job in {"", group.job}
            and self.account in {"", group.account}
        )


@dataclass(frozen=True, slots=True)
class Group:
    """Recipients of one job that ended with the same code at the same account."""

    account: str
    code: str
    job: str
    count: int


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a requeue or a drop.

    Attributes:
        recipients: How many were sent again, or dropped.
        hindered: Jobs whose recipients cannot be sent again, and why: `params`, `deadline` or `cancelled`.
    """

    recipients: int
    hindered: dict[str, str]


def groups(ledger: Ledger, pick: Pick) -> list[Group]:
    """What is in the dead letter, largest group first."""
    found: dict[Group, None] = {}
    for field, count in ledger.redis.hscan_iter(ledger.keys.dead, count=500):
        account, code, job = field.decode().split(" ")
        group = Group(account, "" if code == "-" else code, job, int(count))
        if pick.fits(group):
            found[group] = None  # a scan may give a field twice
    return sorted(found, key=lambda group: -group.count)


def rows(ledger: Ledger, pick: Pick) -> Iterator[tuple[Group, Result]]:
    """Every recipient in the dead letter, job by job."""
    by_job: dict[str, dict[tuple[str, str], Group]] = {}
    for group in groups(ledger, pick):
        by_job.setdefault(group.job, {})[group.account, group.code] = group
    for job, wanted in by_job.items():
        for letter, account, row in block_rows(ledger, job):
            found = wanted.get((account, row["code"])) if letter in IN_DEAD_LETTER else None
            if found:
                yield found, row


def settle(
    ledger: Ledger, what: Literal["requeue", "drop"], pick: Pick, *, on_progress: Callable[[int], None] | None = None
) -> Done:
    """Send the picked recipients again, or drop them; block by block, and doing it twice does nothing more."""
    recipients, hindered = 0, dict[str, str]()
    for group in groups(ledger, pick):
        for block in blocks_of(ledger, group.job):
            count, why = _settle_block(ledger, what, group, block)
            recipients += count
            if why:
                hindered[group.job] = why
            if on_progress and count:
                on_progress(recipients)
    return Done(recipients, hindered)


def _settle_block(ledger: Ledger, what: str, group: Group, block: int) -> tuple[int, str]:
    keys = ledger.keys
    text = ledger.redis.hget(keys.block(block), "queue")
    queue = parse_queue(text.decode()) if text else None
    if queue is None:
        return 0, ""
    count, why = ledger.run(
        "requeue",
        [
            *keys.book,
            keys.block(block),
            keys.job(group.job),
            keys.dead,
            keys.names,
            keys.queue(queue.text()),
            keys.send(queue.lane),
        ],
        [what, group.account, block, group.job, queue.text(), group.code or "-", queue.account],
    )
    return int(count), why.decode()
