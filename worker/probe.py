"""Accepted recipients without a receipt go in; receipts asked for by number come out, or `unknown` at the deadline."""

import json
import zlib
from dataclasses import dataclass

from smsline.ledger import due, receipts
from smsline.ledger.receipts import Place
from smsline.ledger.runs import decode
from smsline.states import LETTERS, State
from worker.engine import Engine
from worker.matching import SLACK_S
from worker.receipts import apply_rows, ask


@dataclass(frozen=True, slots=True)
class Silent:
    """A recipient whose receipt has not come.

    Attributes:
        position: In its block.
        number: E.164 integer.
        accepted_ms: When the provider took it.
    """

    position: int
    number: int
    accepted_ms: int


def probe_block(engine: Engine, member: str, seconds: float = 2.0) -> None:
    """Ask about a block's accepted recipients that are due; `member` is `<account> <block>`."""
    key = engine.ledger.keys.probe
    lease = due.claim_one(engine.ledger, key, member, lease_ms=engine.settings.lease_s * 1000)
    if lease is None:
        return
    account, block = member.split(" ")
    now_ms, over = engine.now_ms(), engine.slice_ends(seconds)
    overdue_ms = engine.settings.receipt_deadline_s * 1000
    silent = silent_of(engine, int(block))
    _give_up(engine, account, int(block), [each for each in silent if now_ms - each.accepted_ms >= overdue_ms])
    asking = [each for each in silent if now_ms - each.accepted_ms < overdue_ms]
    if account in engine.providers:
        for each in asking:
            if over() or not _ask_one(engine, account, each, now_ms):
                break
    oldest_ms = min((each.accepted_ms for each in silent_of(engine, int(block))), default=None)
    due.finish(engine.ledger, key, lease, None if oldest_ms is None else next_probe_ms(engine, now_ms - oldest_ms))


def next_probe_ms(engine: Engine, age_ms: float) -> float:
    """Ms until an accepted recipient of that age is asked about again, or given up."""
    settings = engine.settings
    steps = [
        at * 1000
        for at in (*settings.receipt_probes_s, settings.receipt_deadline_s)
        if at <= settings.receipt_deadline_s
    ]
    return min((at - age_ms for at in steps if at > age_ms + 1), default=0.0)


def _ask_one(engine: Engine, account: str, silent: Silent, now_ms: int) -> bool:
    rows = ask(
        engine, account, silent.number, since_s=silent.accepted_ms // 1000 - SLACK_S, until_s=now_ms // 1000 + SLACK_S
    )
    apply_rows(engine, account, rows or [])
    return rows is not None


def _give_up(engine: Engine, account: str, block: int, silent: list[Silent]) -> None:
    jobs = receipts.jobs_of(engine.ledger, [block]) if silent else {}
    if jobs:
        places = [(Place(block, each.position), each.number) for each in silent]
        receipts.give_up(engine.ledger, account, places, jobs=jobs, at_s=engine.now_ms() // 1000)


def silent_of(engine: Engine, block: int) -> list[Silent]:
    """The block's recipients that are accepted and wait for their receipt."""
    held = engine.ledger.redis.hgetall(engine.ledger.keys.block(block))
    letters = held.get(b"st", b"").decode()
    if LETTERS[State.ACCEPTED] not in letters:
        return []
    accepted_ms: dict[int, int] = {}
    for name in sorted((name for name in held if name.startswith(b"z")), key=lambda name: int(name[1:])):
        note = json.loads(zlib.decompress(held[name]))
        accepted_ms |= dict.fromkeys(decode(note["r"]), note["t"])
    packed = held[b"n"]
    return [
        Silent(position, int.from_bytes(packed[position * 8 : position * 8 + 8], "big"), accepted_ms.get(position, 0))
        for position, letter in enumerate(letters)
        if letter == LETTERS[State.ACCEPTED]
    ]
