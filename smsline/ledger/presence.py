"""Which worker processes there are, which accounts each has, and which it had to leave to others.

A process speaks for itself: what it lacks stops its own share of the work and is told here, for
people and for the other processes.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Final, TypedDict

from smsline.ledger.link import Ledger
from smsline.names import GONE_MS

# After this its entry goes, too.
FORGOTTEN_MS: Final = 86_400_000


class AccountStop(TypedDict):
    """Why a process leaves an account to others.

    A code that speaks of the machine, and since when (epoch ms).
    """

    code: str
    since_ms: int


class Worker(TypedDict):
    """A worker process.

    When it announced itself, the accounts it has, and those it leaves to others.
    """

    at_ms: int
    accounts: list[str]
    stopped: dict[str, AccountStop]


def announce(ledger: Ledger, worker: str, accounts: Iterable[str], stopped: Mapping[str, AccountStop]) -> None:
    """Say that a process runs."""
    told = Worker(at_ms=ledger.now_ms(), accounts=sorted(accounts), stopped=dict(stopped))
    ledger.redis.hset(ledger.keys.workers, worker, json.dumps(told))


def leave(ledger: Ledger, worker: str) -> None:
    """Say that a process ends."""
    ledger.redis.hdel(ledger.keys.workers, worker)


def live(ledger: Ledger) -> dict[str, Worker]:
    """The processes that run."""
    now_ms, found = ledger.now_ms(), dict[str, Worker]()
    for name, held in ledger.redis.hgetall(ledger.keys.workers).items():
        worker: Worker = json.loads(held)
        if worker["at_ms"] > now_ms - GONE_MS:
            found[name.decode()] = worker
        elif worker["at_ms"] < now_ms - FORGOTTEN_MS:
            ledger.redis.hdel(ledger.keys.workers, name)
    return found
