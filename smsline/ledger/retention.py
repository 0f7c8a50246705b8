"""The end of jobs: what still waits is ended, and a closed job is forgotten after its retention."""

from dataclasses import dataclass
from typing import Final

from smsline.ledger import inbox, jobs, statistics
from smsline.ledger.keys import ENDED_PART
from smsline.ledger.link import Ledger, ScriptCall
from smsline.names import LANES
from smsline.states import LETTERS, State

AT_ONCE: Final = 100


@dataclass(frozen=True, slots=True)
class Life:
    """Where a job is in its life.

    Attributes:
        cancelled: Whether it was cancelled.
        deadline_ms: When nothing of it may be sent any more, epoch ms.
        closed_ms: When it closed, or None while it is open.
        sending: Recipients whose call is under way.
    """

    cancelled: bool
    deadline_ms: int
    closed_ms: int | None
    sending: int


def life_of(ledger: Ledger, job: str) -> Life | None:
    """Where a job is in its life; None when there is no such job."""
    state, deadline, closed, sending = ledger.redis.hmget(
        ledger.keys.job(job), "state", "deadline_ms", "closed_ms", "sending"
    )
    if state is None:
        return None
    return Life(state == b"cancelled", int(deadline or 0), None if closed is None else int(closed), int(sending or 0))


def shut(ledger: Ledger, job: str) -> None:
    """Let a job whose deadline has passed take no further part."""
    ledger.run("shut", [*ledger.keys.book, ledger.keys.job(job), ledger.keys.got(job)])


def end_waiting(ledger: Ledger, job: str, state: State) -> int:
    """End what still waits of a job, in the inbox and in its blocks; returns how many recipients."""
    return _end_parts(ledger, job, state) + _end_blocks(ledger, job, state)


def _end_parts(ledger: Ledger, job: str, state: State) -> int:
    """End the recipients that are still in the inbox, part by part; their numbers and names stay for the results."""
    keys, ended = ledger.keys, 0
    account, lane, template = ledger.redis.hmget(keys.job(job), "account", "lane", "template")
    job_facts = ((account or b"").decode(), (lane or b"").decode(), (template or b"").decode())
    for part_no in inbox.waiting_part_numbers(ledger, job):
        part = inbox.read_part(ledger, job, part_no)
        if part is not None:
            named = inbox.Part(part.numbers, None, part.refs).extra()
            key_list = [*keys.book, keys.job(job), keys.part(job, part_no), keys.blocks(job)]
            facts = [len(part.numbers), state.value, LETTERS[state], part_no, named, ENDED_PART]
            facts.append(statistics.ended_in_inbox(job_facts, part.numbers, state.value))
            ended += int(ledger.run("drop_part", key_list, facts))
    return ended


def _end_blocks(ledger: Ledger, job: str, state: State) -> int:
    keys, ended = ledger.keys, 0
    blocks = jobs.blocks_of(ledger, job)
    for i in range(0, len(blocks), AT_ONCE):
        calls: list[ScriptCall] = [
            ("sweep", [*keys.book, keys.block(block), keys.job(job)], [LETTERS[state]])
            for block in blocks[i : i + AT_ONCE]
        ]
        ended += sum(int(answer) for answer in ledger.run_many(calls))
    return ended


def remove(ledger: Ledger, job: str) -> None:
    """Forget a job: its blocks, its dead letters, its keys."""
    keys = ledger.keys
    pieces = [keys.block(block) for block in jobs.blocks_of(ledger, job)]
    pieces += [keys.part(job, int(part)) for part in ledger.redis.hkeys(keys.got(job))]
    for i in range(0, len(pieces), AT_ONCE):
        ledger.redis.unlink(*pieces[i : i + AT_ONCE])
    dead = [field for field in ledger.redis.hkeys(keys.dead) if field.decode().split(" ")[2] == job]
    if dead:
        ledger.redis.hdel(keys.dead, *dead)
    key = (ledger.redis.hget(keys.job(job), "key") or b"").decode()
    if key and inbox.job_under(ledger, key) == job:
        ledger.redis.unlink(keys.idempotency(key))
    ledger.redis.unlink(keys.job(job), keys.got(job), keys.blocks(job), keys.held(job))
    for due_key in (keys.jobs, keys.expire, keys.open, *(keys.inbox(lane) for lane in LANES)):
        ledger.redis.zrem(due_key, job)
