"""Accounts as the ledger knows them: which exist, what is parked and why, what is still awaited."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, TypedDict

from smsline.ledger import breaker
from smsline.ledger.batch_queues import GLOBAL, MAINLAND, ONLY
from smsline.ledger.breaker import BreakerFailover, BreakerHold
from smsline.ledger.keys import Keys
from smsline.ledger.link import Ledger, Value, argv
from smsline.ledger.talk import Talk, ask

# Of an account; above it codes that no table knows are counted together.
MOST_FIELDS: Final = 300


class Park(TypedDict):
    """Why an account, or one template of it, is parked."""

    scope: str
    template: str
    code: str
    message: str
    since_ms: int


class Credit(TypedDict):
    """What was left on an account when the provider was asked last.

    Money as it writes it, and the messages that buys.
    """

    balance: str
    currency: str
    messages: int
    at_ms: int


class Health(TypedDict):
    """What is known of an account.

    `throttled_ms`: until when its provider takes no calls; 0 while it does. `failed_over` counts
    recipients that moved on to the next account, by `<accounts>:<why>`.
    """

    account: str
    provider: str
    parked: list[Park]
    outstanding: int
    receipts: int
    late: int
    orphans: int
    last_error: str
    unknown_codes: dict[str, int]
    credit: Credit | None
    out: BreakerFailover | None
    held: BreakerHold | None
    throttled_ms: int
    failed_over: dict[str, int]


def register(
    ledger: Ledger,
    providers: Mapping[str, str],
    windows: Mapping[str, str] | None = None,
    *,
    questions: Mapping[str, Iterable[str]] | None = None,
) -> None:
    """Tell the ledger which accounts this service has.

    Args:
        ledger: Where.
        providers: The provider of each, by the account's name.
        windows: Their hours for marketing, empty where they have none.
        questions: What can be asked of each (`smsline.questions`), nothing where that is not said.
    """
    # Added to, never taken away: one that no worker has any more may still have recipients,
    # receipts and dead letters.
    if providers:
        ledger.redis.hset(ledger.keys.accounts, mapping=dict(providers))
    for name in providers:
        # Written even when there is none: the account may have had another provider before.
        told = {"questions": " ".join((questions or {}).get(name, ()))}
        if windows is not None:
            told["window"] = windows.get(name, "")
        ledger.redis.hset(ledger.keys.account(name), mapping=told)


def that_answer(keys: Keys, what: str) -> Talk[list[str]]:
    """Accounts that can be asked this, as workers have registered them, by name."""
    names = sorted((yield from ask(("HKEYS", keys.accounts)))[0])
    if not names:
        return []
    told = yield from ask(*(("HGET", keys.account(name.decode()), "questions") for name in names))
    return [name.decode() for name, held in zip(names, told, strict=True) if what in (held or b"").decode().split()]


def note_unserved(ledger: Ledger, account: str) -> None:
    """Let people see an account that recipients wait for and no worker has."""
    # NX: a worker that has the account has told its provider.
    ledger.redis.hsetnx(ledger.keys.accounts, account, "")


def registered(ledger: Ledger) -> dict[str, str]:
    """Accounts that any worker has registered, and their providers.

    The provider of one that only its recipients know is empty.
    """
    return {name.decode(): provider.decode() for name, provider in ledger.redis.hgetall(ledger.keys.accounts).items()}


def note_nameless(ledger: Ledger, account: str, *, nameless: bool) -> None:
    """Remember whether the account's receipts come without the context of their calls."""
    if nameless:
        ledger.redis.hset(ledger.keys.account(account), "nameless", 1)
    else:
        ledger.redis.hdel(ledger.keys.account(account), "nameless")


def nameless(ledger: Ledger, names: Sequence[str]) -> frozenset[str]:
    """Those of the accounts that are nameless by what `note_nameless` was told last."""
    found = ledger.run("hget_each", [ledger.keys.account(name) for name in names], ["nameless"])
    return frozenset(name for name, held in zip(names, found, strict=True) if held)


def park(ledger: Ledger, account: str, template: str, code: str, *, probe_ms: float, message: str = "") -> bool:
    """Park an account, or one template of it when given; True when it was not parked before."""
    key = ledger.keys.park(account, template)
    # One line, and no longer: a gateway may answer with a whole page of HTML.
    told = " ".join(message.split())[:200]
    args = argv("park", account=account, template=template, code=code, probe_ms=probe_ms, message=told)
    new = ledger.run("park", [key, *ledger.keys.telling], args)
    # Noted at the account too: what is parked of it is found without a scan of keys.
    field = f"park:{template}"
    ledger.redis.hset(ledger.keys.account(account), field, "1")
    return bool(new)


def put_off_probe(ledger: Ledger, account: str, for_ms: float) -> None:
    """Keep back probes of a parked account for a time: this worker cannot make the call."""
    ledger.redis.hset(ledger.keys.park(account), "probe_ms", ledger.now_ms() + int(for_ms))


def unpark(ledger: Ledger, account: str, template: str = "") -> bool:
    """Lift a park; what waited for it is due at once. False when nothing was parked."""
    keys = ledger.keys
    # The mark first: one whose park is gone is passed over, while a park without its mark would
    # hold on, and be shown to no person.
    ledger.redis.hdel(keys.account(account), f"park:{template}")
    if not ledger.run("unpark", [keys.park(account, template), *keys.telling], [account, template]):
        return False
    breaker.hurry(ledger, account, template)
    return True


def parks(ledger: Ledger, account: str) -> list[Park]:
    """What is parked of an account."""
    fields = ledger.redis.hkeys(ledger.keys.account(account))
    templates = [field.decode()[5:] for field in fields if field.startswith(b"park:")]
    found = []
    for template in templates:
        held = {k.decode(): v.decode() for k, v in ledger.redis.hgetall(ledger.keys.park(account, template)).items()}
        # The field may outlive the park for a moment, when a worker ends between the two writes.
        if held:
            found.append(
                Park(
                    scope=scope_of(template),
                    template=template,
                    code=held["code"],
                    message=held.get("message", ""),
                    since_ms=int(held["since_ms"]),
                )
            )
    return found


def scope_of(subject: str) -> str:
    """What a park holds up.

    The account, one side of it or a country of that, a template, or one job's messages of a
    template.
    """
    if ONLY in subject:
        return "job"
    return "region" if subject.startswith((MAINLAND, GLOBAL)) else "template" if subject else "account"


def note_error(ledger: Ledger, account: str, error: str) -> None:
    """Remember the newest trouble of an account, for people."""
    ledger.redis.hset(ledger.keys.account(account), "last_error", error[:200])


def ask_for_credit(ledger: Ledger, names: Iterable[str], *, at_ms: float) -> None:
    """Let the credit of these accounts be asked for, unless that has its time already."""
    due_ms = dict.fromkeys(names, at_ms)
    if due_ms:
        # NX: each process asks for it, and would put it off with every start.
        ledger.redis.zadd(ledger.keys.credit, due_ms, nx=True)


def note_throttled(ledger: Ledger, account: str, until_ms: int) -> None:
    """Remember, for people, until when the provider takes no calls of an account."""
    ledger.redis.hset(ledger.keys.account(account), "throttled_ms", until_ms)


def note_credit(ledger: Ledger, account: str, credit: Credit) -> None:
    """Remember what is left on an account."""
    ledger.redis.hset(ledger.keys.account(account), "credit", json.dumps(credit))


def note_unknown(ledger: Ledger, account: str, code: str) -> None:
    """Count a code that no table knows, so that a row can be added."""
    # At most so many fields: where a text stands in the place of a code, each one may be new.
    fields: list[Value] = [f"unknown:{code[:80]}", "unknown:other", MOST_FIELDS]
    ledger.run("count_unknown", [ledger.keys.account(account)], fields)


def note_page(ledger: Ledger, account: str, rows: int) -> int:
    """Remember how many receipts the last page had; returns how many pages in a row had none."""
    key = ledger.keys.account(account)
    if rows:
        ledger.redis.hset(key, "empty", 0)
        return 0
    return int(ledger.redis.hincrby(key, "empty", 1))


def note_pushed(ledger: Ledger, account: str, now_ms: int) -> None:
    """Remember that receipts which were pushed have found their recipients just now."""
    ledger.redis.hset(ledger.keys.account(account), "pushed_ms", now_ms)


def note_pulled(ledger: Ledger, account: str, now_ms: int) -> None:
    """Remember that the queue was looked at just now."""
    ledger.redis.hset(ledger.keys.account(account), "pulled_ms", now_ms)


def pushed_and_pulled(ledger: Ledger, account: str) -> tuple[int, int]:
    """When `note_pushed` and `note_pulled` were last told, epoch ms; 0 never."""
    pushed, pulled = ledger.redis.hmget(ledger.keys.account(account), "pushed_ms", "pulled_ms")
    return int(pushed or 0), int(pulled or 0)


def outstanding(ledger: Ledger, account: str) -> int:
    """Recipients whose receipt is still awaited."""
    return int(ledger.redis.hget(ledger.keys.account(account), "outstanding") or 0)


def health(ledger: Ledger, account: str, provider: str) -> Health:
    """Everything that a person asks of an account."""
    held = {k.decode(): v.decode() for k, v in ledger.redis.hgetall(ledger.keys.account(account)).items()}
    throttled_ms = int(held.get("throttled_ms", 0))
    return Health(
        account=account,
        provider=provider,
        parked=parks(ledger, account),
        outstanding=int(held.get("outstanding", 0)),
        receipts=int(held.get("receipts", 0)),
        late=int(held.get("late", 0)),
        orphans=int(held.get("orphans", 0)),
        last_error=held.get("last_error", ""),
        unknown_codes={name[8:]: int(count) for name, count in held.items() if name.startswith("unknown:")},
        credit=json.loads(held["credit"]) if "credit" in held else None,
        out=breaker.out(ledger, account),
        held=breaker.held(ledger, account),
        throttled_ms=throttled_ms if throttled_ms > ledger.now_ms() else 0,
        failed_over={name[12:]: int(count) for name, count in held.items() if name.startswith("failed_over:")},
    )
