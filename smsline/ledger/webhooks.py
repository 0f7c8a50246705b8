"""Endpoints of webhooks: who is told of which events, how that fares, and telling it again."""

import json
import re
import secrets
import zlib
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias, TypedDict, get_args
from urllib.parse import urlsplit

from smsline.errors import BadInput, Conflict, NotFound
from smsline.ledger.jobs import iso
from smsline.ledger.link import Ledger

EventType: TypeAlias = Literal[
    "job.closed", "recipients.final", "account.parked", "account.resumed", "reply.received", "number.opted_out"
]

EVENT_TYPES: Final[tuple[EventType, ...]] = get_args(EventType)
# The type of the event that `smsline webhooks test` sends; every endpoint gets it when asked.
TEST: Final = "webhook.test"

# As the Standard Webhooks libraries expect a secret: this prefix, then base64 of at least 24 bytes.
SIGNING_PREFIX: Final = "whsec_"
SECRET_BYTES: Final = 32
TEST_KEPT_S: Final = 86_400
LONGEST_URL: Final = 2_000
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_PARTS: Final = ("state", "queue", "flying", "kept", "failed")
_AT_ONCE: Final = 1_000


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where events go.

    Attributes:
        name: Its own.
        id: Of its keys in the ledger; another endpoint that gets the name later has another one.
        url: Where events are posted.
        events: Types of events it wants.
        secret: What they are signed with.
        since_ms: When it was added, epoch ms.
    """

    name: str
    id: str
    url: str
    events: tuple[str, ...]
    secret: str
    since_ms: int

    def text(self) -> str:
        """As the ledger keeps it."""
        held = {"id": self.id, "url": self.url, "events": self.events, "secret": self.secret, "since": self.since_ms}
        return json.dumps(held, separators=(",", ":"))

    @classmethod
    def read(cls, name: str, text: bytes | str) -> "Endpoint":
        """The inverse of `text`."""
        held = json.loads(text)
        return cls(name, held["id"], held["url"], tuple(held["events"]), held["secret"], held["since"])


class ListedWebhook(TypedDict):
    """An endpoint and how it fares.

    `waiting` events are not delivered yet, the last try of `failed` ones was in vain.
    """

    name: str
    url: str
    events: list[str]
    state: Literal["active", "failing", "suspended"]
    since: str | None
    waiting: int
    failed: int
    failing_since: str | None
    delivered_at: str | None
    answer: str


class WebhookFailure(TypedDict):
    """An event whose last try was in vain.

    `next_at` is None when it is not tried again by itself.
    """

    endpoint: str
    event: str
    type: str
    job: str
    seq: int | None
    at: str | None
    tries: int
    tried_at: str | None
    answer: str
    next_at: str | None


class WebhookDelivery(TypedDict):
    """What became of one event; `delivered` is None before the first try has ended."""

    event: str
    delivered: bool | None
    answer: str


def add(ledger: Ledger, name: str, url: str, events: Sequence[str]) -> str:
    """Add an endpoint.

    Args:
        ledger: Where.
        name: 1 to 40 small letters, digits, `-` or `_`.
        url: Where events are posted, http or https.
        events: Types of events it wants.

    Returns:
        The secret that its events are signed with: `whsec_` and base64. It is never shown again.

    Raises:
        BadInput: A value breaks its rule.
        Conflict: There is an endpoint of this name.
    """
    if not _NAME.fullmatch(name):
        raise BadInput("NAME", name, "must be 1 to 40 small letters, digits, - or _, a letter or digit first")
    where = _checked_url(url)
    wanted = tuple(dict.fromkeys(events))  # each once: the script counts who wants a type
    for event in wanted or ("",):  # no event at all is refused in the words for a wrong one
        if event not in EVENT_TYPES:
            raise BadInput("events", event, f"must be some of {', '.join(EVENT_TYPES)}")
    secret = SIGNING_PREFIX + b64encode(secrets.token_bytes(SECRET_BYTES)).decode()
    # An id of its own besides the name: what was meant for a removed endpoint must not reach
    # one that takes its name.
    endpoint = Endpoint(name, secrets.token_hex(4), where, wanted, secret, ledger.now_ms())
    keys = ledger.keys
    key_list = [keys.webhooks, keys.webhook_wants, keys.webhooks_due]
    if not ledger.run("webhook_change", key_list, ["add", name, endpoint.text(), *endpoint.events]):
        raise Conflict(f"there is an endpoint {name}; remove it first, or choose another name")
    return secret


def remove(ledger: Ledger, name: str) -> None:
    """Remove an endpoint; what was not delivered to it never is.

    Raises:
        NotFound: There is no such endpoint.
    """
    endpoint, keys = find(ledger, name), ledger.keys
    own = [keys.webhook(part, endpoint.id) for part in _PARTS]
    key_list = [keys.webhooks, keys.webhook_wants, keys.webhooks_due, *own]
    ledger.run("webhook_change", key_list, ["remove", name, endpoint.text(), *endpoint.events])


def find(ledger: Ledger, name: str) -> Endpoint:
    """The endpoint of a name.

    Raises:
        NotFound: There is none.
    """
    text = ledger.redis.hget(ledger.keys.webhooks, name)
    if text is None:
        raise NotFound(f"no endpoint {name}; `smsline webhooks list` has all")
    return Endpoint.read(name, text)


def endpoints(ledger: Ledger) -> list[Endpoint]:
    """All of them, by name."""
    held = ledger.redis.hgetall(ledger.keys.webhooks)
    return [Endpoint.read(name.decode(), text) for name, text in sorted(held.items())]


def listed(ledger: Ledger) -> list[ListedWebhook]:
    """All endpoints, by name, and how each fares."""
    keys, found = ledger.keys, endpoints(ledger)
    pipe = ledger.redis.pipeline(transaction=False)
    for each in found:
        pipe.hgetall(keys.webhook("state", each.id))
        pipe.zcard(keys.webhook("queue", each.id))
        pipe.zcard(keys.webhook("failed", each.id))
    answers = pipe.execute()
    shown = list[ListedWebhook]()
    for each, state, waiting, failed in zip(found, answers[::3], answers[1::3], answers[2::3], strict=True):
        held = {name.decode(): value.decode() for name, value in state.items()}
        listing = ListedWebhook(
            name=each.name,
            url=each.url,
            events=list(each.events),
            state="suspended" if "suspended_ms" in held else "failing" if "failing_ms" in held else "active",
            since=iso(int(held.get("suspended_ms", each.since_ms))),
            waiting=waiting,
            failed=failed,
            failing_since=iso(int(held.get("failing_ms", 0))),
            delivered_at=iso(int(held.get("ok_ms", 0))),
            answer=held.get("answer", ""),
        )
        shown.append(listing)
    return shown


def send_test(ledger: Ledger, name: str) -> str:
    """Send an endpoint an event for trial, which also ends its suspension.

    Returns:
        The event's id, for `delivery`.

    Raises:
        NotFound: There is no such endpoint.
    """
    endpoint, keys = find(ledger, name), ledger.keys
    event = "msg_" + secrets.token_hex(12)
    body = body_of(TEST, ledger.now_ms(), {"endpoint": name})
    key_list = [*_own(ledger, endpoint), keys.webhook_event(event)]
    ledger.run("webhook_again", key_list, [name, event, TEST_KEPT_S, TEST, packed(body)])
    return event


def delivery(ledger: Ledger, event: str) -> WebhookDelivery:
    """What became of an event so far."""
    done_ms, answer = ledger.redis.hmget(ledger.keys.webhook_event(event), "done_ms", "answer")
    # An answer alone is that of a try in vain; without one the first try is still to end.
    delivered = True if done_ms is not None else None if answer is None else False
    return WebhookDelivery(event=event, delivered=delivered, answer=(answer or b"").decode())


def replay(ledger: Ledger, name: str, *, since_ms: int) -> int:
    """Send every kept event of an endpoint again, which also ends its suspension.

    Each keeps its `webhook-id`.

    Args:
        ledger: Where.
        name: The endpoint's.
        since_ms: Of events that happened from then on, epoch ms.

    Returns:
        How many events are due now.

    Raises:
        NotFound: There is no such endpoint.
    """
    endpoint, keys = find(ledger, name), ledger.keys
    names = ledger.redis.zrangebyscore(keys.webhook("kept", endpoint.id), since_ms, "+inf")
    count = 0
    # Once even without an event: the script also ends the suspension.
    for i in range(0, len(names) or 1, _AT_ONCE):
        some = [event.decode() for event in names[i : i + _AT_ONCE]]
        key_list = [*_own(ledger, endpoint), *map(keys.webhook_event, some)]
        count += int(
            ledger.run("webhook_again", key_list, [name, *(arg for event in some for arg in (event, "", "", ""))])
        )
    return count


def replayable(ledger: Ledger, name: str, *, since_ms: int) -> int:
    """How many events `replay` would send again.

    Raises:
        NotFound: There is no such endpoint.
    """
    return int(ledger.redis.zcount(ledger.keys.webhook("kept", find(ledger, name).id), since_ms, "+inf"))


def _own(ledger: Ledger, endpoint: Endpoint) -> list[str]:
    keys = ledger.keys
    return [keys.webhooks_due, *(keys.webhook(part, endpoint.id) for part in _PARTS[:4])]


def failures(ledger: Ledger, *, name: str = "", limit: int = 100) -> list[WebhookFailure]:
    """Events whose last try was in vain, the newest first.

    Args:
        ledger: Where.
        name: Only of this endpoint; empty for all.
        limit: At most so many of each endpoint.

    Raises:
        NotFound: There is no such endpoint.
    """
    found: list[WebhookFailure] = []
    keys = ledger.keys
    for endpoint in [find(ledger, name)] if name else endpoints(ledger):
        events = [event.decode() for event in ledger.redis.zrevrange(keys.webhook("failed", endpoint.id), 0, limit - 1)]
        pipe = ledger.redis.pipeline(transaction=False)
        for event in events:
            pipe.hgetall(keys.webhook_event(event))
            pipe.zscore(keys.webhook("queue", endpoint.id), event)
        answers = pipe.execute()
        for event, held, next_ms in zip(events, answers[::2], answers[1::2], strict=True):
            if not held:
                continue  # the time of its being kept is over; the next try takes it off the list
            data = json.loads(zlib.decompress(held[b"body"]))["data"]
            failure = WebhookFailure(
                endpoint=endpoint.name,
                event=event,
                type=held[b"type"].decode(),
                job=data.get("job", ""),
                seq=data.get("seq"),
                at=iso(int(held[b"at"])),
                tries=int(held.get(b"tries", 0)),
                tried_at=iso(int(held.get(b"tried_ms", 0))),
                answer=held.get(b"answer", b"").decode(),
                next_at=iso(next_ms),
            )
            found.append(failure)
    return sorted(found, key=lambda failure: failure["tried_at"] or "", reverse=True)


def body_of(kind: str, at_ms: int, data: Mapping[str, Any]) -> bytes:
    """An event as it is sent: type, when it happened, what."""
    event = {"type": kind, "timestamp": iso(at_ms), "data": data}
    return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()


def packed(body: bytes) -> bytes:
    """A body as the ledger keeps it: rows of results shrink to a sixth."""
    return zlib.compress(body, 6)


def host_of(url: str) -> str:
    """The host of an endpoint's URL."""
    return urlsplit(url).hostname or ""


def _checked_url(url: str) -> str:
    rule = "must be such as https://shop.example/webhooks/smsline"
    if len(url) > LONGEST_URL or not url.isascii() or not url.isprintable() or " " in url:
        raise BadInput("URL", url, f"{rule}, at most {LONGEST_URL:,} characters of ASCII without spaces")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise BadInput("URL", "…", rule) from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or port == 0:
        raise BadInput("URL", url, rule)
    # A password in a URL ends up in logs and in the audit trail; a fragment is never sent.
    if "@" in parts.netloc or parts.fragment:
        raise BadInput(
            "URL", f"{parts.scheme}://…", f"{rule}, without a password and without #; the signature says who sends"
        )
    return url
