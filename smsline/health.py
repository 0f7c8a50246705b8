"""The health of an account, for people: parked, held, failing or unserved, by which code."""

from collections.abc import Mapping
from typing import TypedDict

from smsline import codes
from smsline.ledger import accounts, breaker, presence
from smsline.ledger.batch_queues import ONLY, SIGNED, template_id
from smsline.ledger.breaker import BreakerFailover
from smsline.ledger.jobs import iso
from smsline.ledger.late_calls import LateCalls


class ParkInfo(TypedDict):
    """Why something of an account is parked.

    `scope` is `account`, `region` for one side (`side`: mainland or global), `template`, or `job`
    for the messages of one job's params alone; `own_sign`: only with a signature that a job
    brought.
    """

    scope: str
    template: str
    side: str
    own_sign: bool
    code: str
    meaning: str
    since: str | None


class CreditInfo(TypedDict):
    """What was left on an account when the provider was asked last."""

    balance: str
    currency: str
    messages: int
    at: str | None


class Failover(TypedDict):
    """Why traffic fails over from an account.

    From `until` on its share of the numbers (0 to 1) grows, and is whole at `whole_again`.
    """

    code: str
    meaning: str
    since: str | None
    until: str | None
    whole_again: str | None
    share: float


class HoldInfo(TypedDict):
    """Why an account is held.

    `next_probe`: when a call finds out whether it still must be; `returning`: the last such call
    went well.
    """

    code: str
    meaning: str
    since: str | None
    next_probe: str | None
    returning: bool


class LateCallsInfo(TypedDict):
    """Calls that are under way for longer than usual: how many, and the recipients they carry.

    `since`: when the oldest was begun.
    """

    calls: int
    recipients: int
    since: str | None


class AccountHealth(TypedDict):
    """What is known of an account.

    `state` is `parked` when a person must act, `held` while its provider is down, `unserved` when
    no running worker has it, `failing` while traffic fails over from it, `throttled` while its
    provider takes no calls for a minute or longer (`throttled_until`), `slow` while calls are under
    way for longer than usual (`late_calls`), else `ok`. `workers` have it; `refused` are
    those among them whose machine the provider refuses, with the code.

    `waiting` recipients are accepted and their receipt has not come. `failed_over` counts
    recipients that moved on to the next account, by `<accounts>:<why>`.
    """

    account: str
    provider: str
    state: str
    parked: list[ParkInfo]
    held: HoldInfo | None
    throttled_until: str | None
    late_calls: LateCallsInfo | None
    workers: list[str]
    refused: dict[str, str]
    waiting: int
    receipts: int
    late_receipts: int
    unmatched_receipts: int
    last_error: str
    unknown_codes: dict[str, int]
    credit: CreditInfo | None
    failover: Failover | None
    failed_over: dict[str, int]


def health_of(
    held: accounts.Health, live: Mapping[str, presence.Worker], late: LateCalls | None = None
) -> AccountHealth:
    """What the ledger keeps of an account, with its codes explained and its workers named.

    Args:
        held: As the ledger has it.
        live: Running workers by name.
        late: Its calls that are under way for longer than usual.
    """
    name = held["account"]
    left = held["credit"]
    credit = None
    if left is not None:
        at = iso(left["at_ms"])
        credit = CreditInfo(balance=left["balance"], currency=left["currency"], messages=left["messages"], at=at)
    workers = sorted(worker for worker, its in live.items() if name in its["accounts"])
    # The first that holds: a park needs a person, so it stands before what ends by itself, and
    # after that no running worker has the account, for which the ledger parks it too.
    states = {
        "unserved": live and not workers,  # without any worker the fault is not the account's
        "parked": held["parked"],
        "held": held["held"],
        "failing": held["out"],
        "throttled": held["throttled_ms"],
        "slow": late,
    }
    return AccountHealth(
        account=name,
        provider=held["provider"],
        state=next((state for state, so in states.items() if so), "ok"),
        parked=[
            ParkInfo(
                scope=park["scope"],
                template=template_id(park["template"]),
                side=park["template"].removeprefix(SIGNED).replace("-", " ") if park["scope"] == "region" else "",
                own_sign=SIGNED in park["template"].partition(ONLY)[0].lstrip(SIGNED),
                code=park["code"],
                meaning=_meaning(park["code"], held["provider"], otherwise=park["message"]),
                since=iso(park["since_ms"]),
            )
            for park in held["parked"]
        ],
        held=_held(held["held"], held["provider"]),
        throttled_until=iso(held["throttled_ms"]) if held["throttled_ms"] else None,
        late_calls=late
        and LateCallsInfo(calls=late["calls"], recipients=late["recipients"], since=iso(late["since_ms"])),
        workers=workers,
        refused={
            worker: live[worker]["stopped"][name]["code"] for worker in workers if name in live[worker]["stopped"]
        },
        waiting=held["outstanding"],
        receipts=held["receipts"],
        late_receipts=held["late"],
        unmatched_receipts=held["orphans"],
        last_error=held["last_error"],
        unknown_codes=held["unknown_codes"],
        credit=credit,
        failover=_failover(held["out"], held["provider"]),
        failed_over=held["failed_over"],
    )


def _meaning(code: str, provider: str, otherwise: str = "no table knows this code") -> str:
    # As for a person, with patience for spellings: the ledger has the code as
    # the provider wrote it.
    matches = codes.explain(code, provider)
    return matches[0].row.meaning if matches else otherwise


def _held(held: breaker.BreakerHold | None, provider: str) -> HoldInfo | None:
    if held is None:
        return None
    return HoldInfo(
        code=held["code"],
        meaning=_meaning(held["code"], provider),
        since=iso(held["since_ms"]),
        next_probe=iso(held["probe_ms"]),
        returning=held["returning"],
    )


def _failover(held: BreakerFailover | None, provider: str) -> Failover | None:
    if held is None:
        return None
    return Failover(
        code=held["code"],
        meaning=_meaning(held["code"], provider),
        since=iso(held["since_ms"]),
        until=iso(held["out_ms"]),
        whole_again=iso(held["back_ms"]),
        share=held["share"],
    )
