"""The queue of one endpoint of webhooks.

An event is taken for a request, and what that came to is written down.
"""

import zlib
from dataclasses import dataclass
from typing import Any

from smsline.ledger.link import Ledger, ScriptCall, argv
from smsline.ledger.webhooks import Endpoint, endpoints


@dataclass(frozen=True, slots=True)
class EventLease:
    """An event taken for a request.

    Attributes:
        id: Its `webhook-id`, the same over all tries.
        body: What is sent.
        tries: How often it was tried before.
        now_s: When it was taken, epoch s.
    """

    id: str
    body: bytes
    tries: int
    now_s: int


@dataclass(frozen=True, slots=True)
class TryResult:
    """What a request came to, and what follows.

    Attributes:
        outcome: `ok`, `failed`, `refused` (the address may not be connected to) or `gone` (410).
        answer: In words, for people.
        again_ms: When the event is tried again, in ms from now; None for never.
        pause_ms: For how long the endpoint is left alone.
    """

    outcome: str
    answer: str
    again_ms: float | None = None
    pause_ms: float = 0


def take(ledger: Ledger, endpoint: Endpoint, *, lease_ms: float) -> EventLease | None:
    """Take the next event that is due.

    None when none is, or when enough requests to the endpoint are under way.

    Args:
        ledger: Where.
        endpoint: Whose.
        lease_ms: After so long without a word of what the request came to, the event is due again.
    """
    return _opened(ledger, endpoint, ledger.run(*_taking(ledger, endpoint, lease_ms)), lease_ms)


def delivered(
    ledger: Ledger, endpoint: Endpoint, event: str, tried: TryResult, *, lease_ms: float
) -> EventLease | None:
    """Write down that a request went well, and take the next event in the same round trip."""
    calls = [_noting(ledger, endpoint, event, tried, patience_ms=0), _taking(ledger, endpoint, lease_ms)]
    return _opened(ledger, endpoint, ledger.run_many(calls)[1], lease_ms)


def note(ledger: Ledger, endpoint: Endpoint, event: str, tried: TryResult, *, patience_ms: float) -> bool:
    """Write down what a request came to.

    Args:
        ledger: Where.
        endpoint: Whose.
        event: The event's id.
        tried: What it came to.
        patience_ms: An endpoint that has failed alone for so long is suspended.

    Returns:
        Whether it has been suspended just now.
    """
    return bool(ledger.run(*_noting(ledger, endpoint, event, tried, patience_ms=patience_ms)))


def _taking(ledger: Ledger, endpoint: Endpoint, lease_ms: float) -> ScriptCall:
    keys = ledger.keys
    own = (keys.webhook(part, endpoint.id) for part in ("state", "queue", "flying"))
    return "webhook_take", [keys.webhooks_due, *own], [endpoint.name, lease_ms]


def _opened(ledger: Ledger, endpoint: Endpoint, answer: list[Any], lease_ms: float) -> EventLease | None:
    """The event that a script has taken, with its body."""
    keys = ledger.keys
    # The body is read after the claim, and a claim without a body is dropped: the script may not
    # name keys it was not given.
    while event := answer[0].decode():
        body, tries = ledger.redis.hmget(keys.webhook_event(event), "body", "tries")
        if body is not None:
            return EventLease(event, zlib.decompress(body), int(tries or 0), int(answer[1]))
        # Its time of being kept is over.
        ledger.redis.zrem(keys.webhook("queue", endpoint.id), event)
        ledger.redis.zrem(keys.webhook("flying", endpoint.id), event)
        answer = ledger.run(*_taking(ledger, endpoint, lease_ms))
    return None


def _noting(ledger: Ledger, endpoint: Endpoint, event: str, tried: TryResult, *, patience_ms: float) -> ScriptCall:
    keys = ledger.keys
    own = [keys.webhook(part, endpoint.id) for part in ("state", "queue", "flying", "failed")]
    facts = argv(
        "webhook_tried",
        name=endpoint.name,
        event=event,
        outcome=tried.outcome,
        answer=tried.answer[:200],
        again_ms="" if tried.again_ms is None else round(tried.again_ms),
        pause_ms=round(tried.pause_ms),
        patience_ms=round(patience_ms),
    )
    return "webhook_tried", [keys.webhooks_due, *own, keys.webhook_event(event), keys.stats], facts


def due_sooner(ledger: Ledger, by_ms: float, *, most: int) -> int:
    """Let all endpoints' waits end by so much sooner, after Redis' clock was set back.

    Returns how many waits those were.
    """
    keys, moved = ledger.keys, 0
    for endpoint in endpoints(ledger):
        own = (keys.webhook(part, endpoint.id) for part in ("state", "queue", "flying"))
        moved += ledger.run("webhook_sooner", [keys.webhooks_due, *own], [endpoint.name, by_ms, most])
    return moved


def failures_in_row(ledger: Ledger, endpoint: Endpoint) -> int:
    """How many requests to the endpoint have failed since the last good one."""
    return int(ledger.redis.hget(ledger.keys.webhook("state", endpoint.id), "in_row") or 0)
