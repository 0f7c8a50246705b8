"""The dead letter, a view on the ledger: what is undelivered, dead or unknown, by code.

A person sends it again or drops it.
"""

import itertools
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from smsline.errors import BadInput
from smsline.ledger import statistics
from smsline.ledger.batch_queues import parse_queue
from smsline.ledger.jobs import Result, block_rows, blocks_of
from smsline.ledger.link import Ledger, argv
from smsline.ledger.serials import mark_spent
from smsline.ledger.statistics import Counters, by_labels
from smsline.states import LETTERS, STATES, State

DEAD_STATES: Final = (State.UNDELIVERED, State.DEAD, State.UNKNOWN)

# Letters of recipients a person can still decide about; once dropped they are written in capitals.
IN_DEAD_LETTER: Final = frozenset(LETTERS[state] for state in DEAD_STATES)

# Fields that Redis looks at in one step; it gives back only those that fit.
AT_ONCE: Final = 5_000

# Fields that a look for some jobs reads at once, and at most: each single message that failed is a
# job, and has one of its own.
AT_A_LOOK: Final = 1_000
LOOKED_AT: Final = 2_000

_GLOB: Final = re.compile(r"[][*?\\]")

# In the place of a missing code: the field is divided by blanks, so no part may be empty.
NO_CODE: Final = "-"


@dataclass(frozen=True, slots=True)
class DeadFilter:
    """Which part of the dead letter.

    Empty means any, and `NO_CODE` those that ended without a code.
    """

    code: str = ""
    job: str = ""
    account: str = ""
    state: str = ""

    def fits(self, group: "DeadCount") -> bool:
        """Whether the group belongs to it."""
        pairs = zip(
            (self.code, self.job, self.account, self.state),
            (group.code or NO_CODE, group.job, group.account, group.state),
            strict=True,
        )
        return all(wanted in {"", is_so} for wanted, is_so in pairs)


def check_state(state: str) -> str:
    """A state of the dead letter, or empty for any.

    Raises:
        BadInput: No recipient in the dead letter has such a state.
    """
    if state not in {"", *DEAD_STATES}:
        raise BadInput("state", state, f"must be {', '.join(DEAD_STATES[:-1])} or {DEAD_STATES[-1]}")
    return state


@dataclass(frozen=True, slots=True)
class DeadCount:
    """Recipients of one job that ended in the same state with the same code at the same account.

    They are those of all jobs when `job` is empty.
    """

    account: str
    code: str
    job: str
    state: str
    count: int


@dataclass(frozen=True, slots=True)
class DeadChange:
    """What became of a requeue or a drop.

    Attributes:
        recipients: How many were sent again, or dropped.
        hindered: Jobs whose recipients cannot be sent again, and why: `params`, `deadline` or
            `cancelled`.
    """

    recipients: int
    hindered: dict[str, str]


def groups(ledger: Ledger, pick: DeadFilter) -> list[DeadCount]:
    """What is in the dead letter, largest group first."""
    found: dict[DeadCount, None] = {}
    # Redis filters by a pattern, so a code must not be one: its own * and ? are escaped.
    match = " ".join(_GLOB.sub(r"\\\g<0>", word) or "*" for word in (pick.account, pick.code, pick.job)) + "*"
    for field, count in ledger.redis.hscan_iter(ledger.keys.dead, match=match, count=AT_ONCE):
        if pick.fits(group := _group(field, count)):
            found[group] = None  # a scan may give a field twice
    return sorted(found, key=lambda group: -group.count)


def _group(field: bytes, count: bytes) -> DeadCount:
    # An older version did not count by state, and knew no undelivered recipients here.
    account, *words = field.decode().split(" ")
    letter = words.pop() if len(words[-1]) == 1 else LETTERS[State.DEAD]
    # What is left between account and job is the code, which may have blanks.
    code, job = " ".join(words[:-1]), words[-1]
    return DeadCount(account, "" if code == NO_CODE else code, job, STATES[letter].value, int(count))


def summary(ledger: Ledger, pick: DeadFilter) -> list[DeadCount]:
    """The same without saying which jobs, largest first.

    It costs as much as there are codes, however many jobs have them.
    """
    return sorted(filter(pick.fits, totals(statistics.totals(ledger))), key=lambda group: -group.count)


def totals(counters: Counters) -> Iterator[DeadCount]:
    """What is in the dead letter over all jobs, from the counters of the statistics."""
    for labels, count in by_labels(counters, "d"):
        account, *code, letter = labels  # a code may have the sign in it that joins labels
        if count > 0:
            named = "|".join(code)
            yield DeadCount(account, "" if named == NO_CODE else named, "", STATES[letter].value, count)


def of_jobs(ledger: Ledger, jobs: Sequence[str], pick: DeadFilter) -> list[DeadCount]:
    """What some jobs have in the dead letter, by the codes that there are, largest group first."""
    known = summary(ledger, replace(pick, job=""))
    asked = [(group, job) for job in jobs for group in known]
    fields = [f"{group.account} {group.code or NO_CODE} {job} {LETTERS[State(group.state)]}" for group, job in asked]
    counts = ledger.redis.hmget(ledger.keys.dead, fields) if fields else []
    found = [
        replace(group, job=job, count=int(count)) for (group, job), count in zip(asked, counts, strict=True) if count
    ]
    return sorted(found, key=lambda group: -group.count)


def some_jobs(ledger: Ledger, pick: DeadFilter, *, groups: int, each: int) -> dict[tuple[str, str, str], list[str]]:
    """Jobs that have some of it.

    (account, code, state) -> at most `each` of them, found by a look of bounded length.

    Args:
        ledger: Where.
        pick: Which part of the dead letter.
        groups: How many accounts with a code and a state it has: when all have their jobs, the look
            is over.
        each: Jobs of a group.
    """
    found: dict[tuple[str, str, str], list[str]] = {}
    cursor, looked = 0, 0
    while looked < LOOKED_AT and (not looked or cursor) and sum(map(len, found.values())) < groups * each:
        cursor, fields = ledger.redis.hscan(ledger.keys.dead, cursor, count=AT_A_LOOK)
        looked += AT_A_LOOK
        for group in filter(pick.fits, itertools.starmap(_group, fields.items())):
            jobs = found.setdefault((group.account, group.code, group.state), [])
            if len(jobs) < each and group.job not in jobs:
                jobs.append(group.job)
    return found


def recount(ledger: Ledger) -> int:
    """Count the dead letters of an older version, which did not keep the sums over all jobs.

    Returns how many groups there are.
    """
    found = groups(ledger, DeadFilter())
    sums = Counter[str]()
    for group in found:
        sums[f"d|{group.account}|{group.code or NO_CODE}|{LETTERS[State(group.state)]}"] += group.count
    if sums:
        ledger.redis.hset(ledger.keys.stats, mapping=dict(sums))
    return len(found)


def rows(ledger: Ledger, pick: DeadFilter) -> Iterator[tuple[DeadCount, Result]]:
    """Every recipient in the dead letter, job by job."""
    by_job: dict[str, dict[tuple[str, str, str], DeadCount]] = {}
    for group in groups(ledger, pick):
        by_job.setdefault(group.job, {})[group.account, group.code, group.state] = group
    for job, wanted in by_job.items():
        for letter, account, row in block_rows(ledger, job):
            found = wanted.get((account, row["code"], row["state"])) if letter in IN_DEAD_LETTER else None
            if found:
                yield found, row


def settle(
    ledger: Ledger,
    what: Literal["requeue", "drop"],
    pick: DeadFilter,
    *,
    on_progress: Callable[[int], None] | None = None,
) -> DeadChange:
    """Send the picked recipients again, or drop them, block by block; twice does nothing more."""
    recipients, hindered = 0, dict[str, str]()
    keys = ledger.keys
    for group in groups(ledger, pick):
        letter = LETTERS[State(group.state)]
        for block in blocks_of(ledger, group.job):
            text = ledger.redis.hget(keys.block(block), "queue")
            queue = parse_queue(text.decode()) if text else None
            if queue is None:
                continue
            if what == "requeue" and letter == LETTERS[State.UNDELIVERED]:
                # Its receipt has come, and may come again by the other way: it must say
                # nothing about the new try.
                mark_spent(ledger, block)
            key_list = [*keys.book, keys.block(block), keys.job(group.job), keys.dead, keys.names]
            key_list += [keys.queue(queue.text()), keys.send(queue.lane)]
            args = argv(
                "requeue",
                what=what,
                account=group.account,
                block=block,
                job=group.job,
                queue=queue.text(),
                code=group.code or NO_CODE,
                home=queue.account,
                wanted=letter,
            )
            answer = ledger.run("requeue", key_list, args)
            count, why = int(answer[0]), answer[1].decode()
            recipients += count
            if why:
                hindered[group.job] = why
            if on_progress and count:
                on_progress(recipients)
    return DeadChange(recipients, hindered)
