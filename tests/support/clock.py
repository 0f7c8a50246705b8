"""A clock that tests can move, for a fake Redis and a real one.

Instead of the present, everything that is written is moved back. Where it stands still besides,
nothing a test says depends on how long the machine takes over it.
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from hashlib import sha1
from typing import Any, Final

import pytest
from redis.commands.core import ManagementCommands

from smsline.ledger import link, talk
from smsline.ledger.blocks import fees_of, pack_note, read_note
from smsline.ledger.link import Ledger
from smsline.ledger.runs import decode
from smsline.ledger.scripts import script_text
from smsline.ledger.talk import Command
from worker.engine import Engine
from worker.sending import send

_CLOCK: Final = "the clock of a test"

MS_FIELDS: Final = {
    "job": ("created_ms", "start_ms", "deadline_ms", "closed_ms", "pace_ms", "pace_tail"),
    "attempt": ("started_ms", "unsure_ms", "trial"),
    "account": ("pushed_ms", "pulled_ms", "throttled_ms"),
    "park": ("since_ms", "probe_ms", "prober_ms"),
    "bucket": ("shut_ms",),
    "webhook_state": ("suspended_ms", "failing_ms", "until_ms", "ok_ms"),
    "webhook_event": ("at", "tried_ms", "done_ms"),
    "breaker": ("at_ms", "since_ms", "out_ms", "back_ms", "held_ms", "probe_ms", "from_ms"),
}
"""Fields that hold a time in epoch ms, by kind of key."""


SETS: Final = {
    "due",
    "wakes",
    "jobs",
    "open",
    "webhook_queue",
    "webhook_flying",
    "webhook_kept",
    "webhook_failed",
    "replies:at",
}
"""Sorted sets whose scores are times in epoch ms, by kind of key."""


@cache
def _still_text(name: str) -> str:
    # A microsecond for each look: of two things that are done one after the other one is the
    # earlier, as it is in life.
    ticking = f"{{ redis.call('HGET', '{_CLOCK}', 's'), redis.call('HINCRBY', '{_CLOCK}', 'us', 1) }}"
    return script_text(name).replace("redis.call('TIME')", ticking)


@cache
def _still_sha(name: str) -> str:
    return sha1(_still_text(name).encode(), usedforsecurity=False).hexdigest()


@contextmanager
def standing_still(ledger: Ledger) -> Iterator[None]:
    """Redis' time stands still for everything that this process asks.

    But for `advance` and waits for the rate limit.
    """
    seconds, micros = ledger.redis.time()
    exchange, own_exchange = talk.exchange, Ledger._exchanged

    def told(client: Any) -> Any:
        answer = client.hmget(_CLOCK, "s", "us")
        # A pipeline has no answer yet.
        return tuple(map(int, answer)) if isinstance(answer, list) else answer

    def still(commands: Sequence[Command]) -> list[Command]:
        return [("HMGET", _CLOCK, "s", "us") if each == ("TIME",) else each for each in commands]

    def exchanged(client: Any, commands: Sequence[Command]) -> list[Any]:
        return exchange(client, still(commands))

    def asked(asking: Ledger, commands: Sequence[Command]) -> list[Any]:
        return own_exchange(asking, still(commands))

    def wait(_engine: Engine, seconds: float) -> None:
        # Forward, and nothing back: what is in hand meanwhile is known by the end of its lease.
        ledger.redis.hincrby(_CLOCK, "us", 1 + round(seconds * 1_000_000))

    with pytest.MonkeyPatch.context() as patch:
        ledger.redis.hset(_CLOCK, mapping={"s": seconds, "us": micros})
        for asking in (link, talk):
            patch.setattr(asking, "script_text", _still_text)
            patch.setattr(asking, "script_sha", _still_sha)
        patch.setattr(talk, "exchange", exchanged)
        patch.setattr(Ledger, "_exchanged", asked)
        patch.setattr(ManagementCommands, "time", told)
        patch.setattr(Engine, "sleep", wait)
        # A machine that is busy for half a second would else make a call late,
        # which is then not made.
        patch.setattr(send, "TOKEN_S", math.inf)
        yield
        ledger.redis.delete(_CLOCK)


def advance(ledger: Ledger, seconds: float) -> None:
    """Let seconds pass for the ledger: due times, deadlines, leases, buckets, expiries of keys.

    What is filed under a day (the index of serials) stays where it is.
    """
    client, ms = ledger.redis, round(seconds * 1000)
    found = [name.decode() for name in client.scan_iter(match=f"{ledger.keys.prefix}*", count=1000)]
    plain = {name: name.removeprefix(ledger.keys.prefix) for name in found}
    kinds = {name: each if each in SETS else each.split(":", maxsplit=1)[0] for name, each in plain.items()}
    names = [name for name, kind in kinds.items() if kind != "index"]
    moved = [name for name in names if kinds[name] in SETS or kinds[name] == "block" or kinds[name] in MS_FIELDS]
    pipe = client.pipeline(transaction=False)
    for name in names:
        pipe.pttl(name)
    for name in moved:
        pipe.zrange(name, 0, -1) if kinds[name] in SETS else pipe.hgetall(name)
    answers = pipe.execute()
    gone = set[str]()
    for name, expiry_ms in zip(names, answers, strict=False):
        if 0 <= expiry_ms <= ms:
            pipe.delete(name)
            gone.add(name)
        elif expiry_ms > 0:
            pipe.pexpire(name, expiry_ms - ms)
    for name, held in zip(moved, answers[len(names) :], strict=True):
        if name not in gone:
            _move(pipe, name, kinds[name], held, ms=ms)
    pipe.execute()


def _move(pipe: Any, name: str, kind: str, held: Any, *, ms: int) -> None:
    if kind in SETS:
        for member in held:
            pipe.zincrby(name, -ms, member)
    elif kind == "block":
        _move_block(pipe, name, held, ms)
    else:
        for field in MS_FIELDS[kind]:
            if (text := held.get(field.encode())) is not None:
                pipe.hset(name, field, int(float(text)) - ms)
        if kind == "bucket" and b"us" in held:
            pipe.hset(name, "us", int(float(held[b"us"])) - ms * 1000)


def _move_block(pipe: Any, name: str, held: dict[bytes, bytes], ms: int) -> None:
    for field, value in held.items():
        if field.startswith(b"z"):
            note = read_note(value)
            positions, fees = decode(note["r"]), fees_of(note)
            costs = [fees.get(position, 0) for position in positions]
            pipe.hset(name, field, pack_note(note["a"], note["t"] - ms, positions, note["s"], costs))
    if final := held.get(b"fi"):
        ends = [int.from_bytes(final[i : i + 4], "big") for i in range(0, len(final), 4)]
        moved = [max(1, end - ms // 1000) if end else 0 for end in ends]
        pipe.hset(name, "fi", b"".join(end.to_bytes(4, "big") for end in moved))
