"""The end of jobs: what still waits is ended, and a closed job is forgotten after its retention."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from smsline.ledger import inbox, jobs, statistics
from smsline.ledger.codes import tidy_code
from smsline.ledger.dead import IN_DEAD_LETTER, NO_CODE
from smsline.ledger.keys import ENDED_PART
from smsline.ledger.link import Ledger, ScriptCall, Value, argv
from smsline.names import LANES
from smsline.states import LETTERS, State

AT_ONCE: Final = 100
# Closed jobs that are made small in one script: some 20 µs each, in which Redis
# serves no other client.
COMPACT_AT_ONCE: Final = 50

# In the due set of closed jobs: what closed in an hour, counted from the epoch.
HOUR: Final = "hour:"

HOUR_MS: Final = 3_600_000


@dataclass(frozen=True, slots=True)
class Life:
    """Where a job is in its life.

    Attributes:
        cancelled: Whether it was cancelled.
        deadline_ms: When nothing of it may be sent any more, epoch ms.
        closed_ms: When it closed, or None while it is open.
        sending: Recipients whose call is under way.
        waiting: Recipients that wait.
    """

    cancelled: bool
    deadline_ms: int
    closed_ms: int | None
    sending: int
    waiting: int


def life_of(ledger: Ledger, job: str) -> Life | None:
    """Where a job is in its life; None when there is no such job."""
    return lives_of(ledger, [job])[0]


def lives_of(ledger: Ledger, names: Sequence[str]) -> list[Life | None]:
    """Where jobs are in their lives; None where there is no such job."""
    pipe = ledger.redis.pipeline(transaction=False)
    for job in names:
        pipe.hmget(ledger.keys.job(job), "state", "deadline_ms", "closed_ms", "sending", "waiting")
    lives = list[Life | None]()
    for state, deadline, closed, sending, waiting in pipe.execute():
        closed_ms = None if closed is None else int(closed)
        life = Life(state == b"cancelled", int(deadline or 0), closed_ms, int(sending or 0), int(waiting or 0))
        lives.append(None if state is None else life)
    return lives


def close_intake(ledger: Ledger, names: Sequence[str]) -> None:
    """Let jobs whose deadline has passed take no further part."""
    keys = ledger.keys
    if names:
        ledger.run_many([("close_intake", [*keys.book, keys.job(job), keys.got(job)], []) for job in names])


def end_waiting(ledger: Ledger, over: Mapping[str, State]) -> dict[str, int]:
    """End what still waits of jobs, in the inbox and in their blocks.

    Args:
        ledger: Where.
        over: In which state the recipients of each job end.

    Returns:
        How many ended of each job that had some.
    """
    keys, ended, names = ledger.keys, Counter[str](), list(over)
    # The inbox first: a part that is accepted meanwhile is in a block by the
    # time the blocks are read.
    pipe = ledger.redis.pipeline(transaction=False)
    for job in names:
        pipe.hmget(keys.job(job), "account", "lane", "template")
        pipe.hkeys(keys.got(job))
        pipe.hkeys(keys.blocks(job))
    found = pipe.execute()
    for job, facts, got, taken in zip(names, found[::3], found[1::3], found[2::3], strict=True):
        account, lane, template = ((fact or b"").decode() for fact in facts)
        for part_no in sorted(map(int, {*got} - {*taken})):
            part, state = inbox.read_part(ledger, job, part_no), over[job]
            if part is None:
                continue
            # Numbers and names stay for the results; the params, perhaps
            # one-time passwords, do not.
            named = inbox.Part(part.numbers, None, part.refs).extra()
            key_list = [*keys.book, keys.job(job), keys.part(job, part_no), keys.blocks(job)]
            told = argv(
                "drop_part",
                recipients=len(part.numbers),
                count=state.value,
                letter=LETTERS[state],
                part=part_no,
                extra=named,
                ended=ENDED_PART,
                counters=statistics.ended_in_inbox((account, lane, template), part.numbers, state.value),
            )
            ended[job] += int(ledger.run("drop_part", key_list, told))
    places = [
        (job, block) for job, blocks in zip(names, jobs.blocks_of_each(ledger, names), strict=True) for block in blocks
    ]
    # In pieces: one pipeline for a job of a million numbers would keep Redis from every
    # other client meanwhile.
    for i in range(0, len(places), AT_ONCE):
        some = places[i : i + AT_ONCE]
        calls: list[ScriptCall] = [
            ("sweep", [*keys.book, keys.block(block), keys.job(job)], [LETTERS[over[job]]]) for job, block in some
        ]
        for (job, _), recipients in zip(some, ledger.run_many(calls), strict=True):
            ended[job] += int(recipients)
    return dict(+ended)


def compact(ledger: Ledger, closed: Mapping[str, int], *, keep_ms: float) -> set[str]:
    """Keep closed jobs of one part in less space.

    Args:
        ledger: Where.
        closed: Job -> when it closed, epoch ms.
        keep_ms: How long closed jobs are kept.

    Returns:
        Those that are small now, and due for removal with their hour; nothing of them is due by
        itself any more.
    """
    keys, names, small = ledger.keys, list(closed), set[str]()
    for i in range(0, len(names), COMPACT_AT_ONCE):
        some = names[i : i + COMPACT_AT_ONCE]
        # A closed job gets no further block, so what is read here is what the script finds.
        found = ledger.run("hget_each", [keys.blocks(job) for job in some], ["0"])
        key_list, facts = [keys.closing, keys.jobs], list[Value]([ENDED_PART])
        for job, where in zip(some, found, strict=True):
            blocks, hour = (
                jobs.blocks_at(where.decode()) if where and where != b"-" else range(0),
                closed[job] // HOUR_MS,
            )
            key_list += [keys.job(job), keys.got(job), keys.blocks(job), keys.closed_in(hour), *map(keys.block, blocks)]
            due_ms = (hour + 1) * HOUR_MS + keep_ms
            facts += argv("compact", job=job, hour=hour, due_ms=due_ms, blocks=len(blocks))
        small.update(job.decode() for job in ledger.run("compact", key_list, facts))
    return small


def closed_in(ledger: Ledger, member: str, most: int) -> list[str]:
    """The first `most` jobs that closed in an hour, as a member of the due set names it.

    Pages of the list of jobs are among them, each behind its jobs: `remove` takes one out of the
    list, as it does a job.
    """
    names = ledger.redis.lrange(ledger.keys.closed_in(int(member.removeprefix(HOUR))), 0, most - 1)
    return [name.decode() for name in names]


def drop_closed_in(ledger: Ledger, member: str, removed: int) -> None:
    """Forget the first jobs of an hour's list, which have been removed."""
    ledger.redis.ltrim(ledger.keys.closed_in(int(member.removeprefix(HOUR))), removed, -1)


def remove(ledger: Ledger, job: str) -> None:
    """Forget a job: its blocks, its dead letters, its keys.

    What other jobs have left is not looked at.
    """
    keys = ledger.keys
    # The dead letters first, because which groups it has is read from its blocks; only a job
    # that has some is read.
    counts = ledger.redis.hmget(keys.job(job), "dead", "unknown", "undelivered")
    if any(int(count or 0) for count in counts):
        groups = {
            f"{account} {code or NO_CODE} {job} {letter}"
            for letter, account, row in jobs.block_rows(ledger, job)
            if letter in IN_DEAD_LETTER
            # Receipts' codes with blanks were once counted as one word.
            for code in {row["code"], tidy_code(row["code"])}
        }
        if groups:
            # Those that an older version wrote have no letter.
            fields = [*groups, *{field[:-2] for field in groups}]
            ledger.run("forget_dead", [*keys.book, keys.dead], fields)
    pieces = [keys.block(block) for block in jobs.blocks_of(ledger, job)]
    pieces += [keys.part(job, int(part)) for part in ledger.redis.hkeys(keys.got(job))]
    for i in range(0, len(pieces), AT_ONCE):
        ledger.redis.unlink(*pieces[i : i + AT_ONCE])
    key = (ledger.redis.hget(keys.job(job), "key") or b"").decode()
    # Compared, because the key may belong to a later job by now.
    if key and inbox.job_under(ledger, key) == job:
        ledger.redis.unlink(keys.idempotency(key))
    ledger.redis.unlink(keys.job(job), keys.got(job), keys.blocks(job), keys.held(job))
    # The due sets come last: a removal that was broken off is still due there, and is done again.
    for due_key in (keys.jobs, keys.expire, keys.open, *(keys.inbox(lane) for lane in LANES)):
        ledger.redis.zrem(due_key, job)
