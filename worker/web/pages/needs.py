"""What waits for a person: parks, holds, unknown codes, stuck lanes, credit that runs out."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from smsline.counted import counted
from smsline.health import AccountHealth
from smsline.ledger.hours import NeverSent, in_words
from smsline.names import GONE_MS, Lane, lane_queue
from worker.web.pages.rendering import span

OTP_WAITS_S: Final = 30.0
"""People give up on a one-time password after about as long."""


@dataclass(frozen=True, slots=True)
class Need:
    """Something that waits for a person.

    Attributes:
        grade: `bad` or `warn`.
        what: What it is, and why.
        advice: What to do.
        at: The page where it is done.
        label: What the link says.
    """

    grade: str
    what: str
    advice: str
    at: str
    label: str


@dataclass(frozen=True, slots=True)
class LaneWait:
    """What waits in a lane, and since when the oldest of it could have gone out, seconds."""

    lane: Lane
    waiting: int
    oldest_s: float


def of_lanes(lanes: Sequence[LaneWait], looks: Mapping[str, int], now_ms: int) -> Iterator[Need]:
    """Lanes in which recipients wait for no good reason.

    Hours of sending and paces are good ones, which otp has not.

    Args:
        lanes: What waits.
        looks: When a scheduler last looked after each queue, epoch ms.
        now_ms: The present by Redis, epoch ms.
    """
    for each in lanes:
        at = f"/jobs?state=open&lane={each.lane}"
        # A queue without recipients needs no worker, and a service may leave a lane out.
        if each.waiting and looks.get(lane_queue(each.lane), 0) < now_ms - GONE_MS:
            told = f"lane {each.lane} is stuck: {counted(each.waiting, 'recipient waits', 'recipients wait')}, and no worker looks after it"
            advice = "Start a worker for it; where one runs, python -m worker alive says whether it makes progress."
            yield Need("bad", told, advice, at, "Jobs")
        elif each.lane == "otp" and each.waiting and each.oldest_s > OTP_WAITS_S:
            told = f"a one-time password has waited for {span(each.oldest_s)}"
            yield Need("bad", told, "Is an account parked or held, or at its limit?", at, "Jobs")


def of_hours(found: Sequence[NeverSent]) -> Iterator[Need]:
    """Recipients for whom no hour ever comes; they wait until their ttl ends."""
    for each in found:
        advice = "Widen the account's hours, or cancel the job and hand it over with another window."
        yield Need("bad", in_words(each), advice, f"/jobs/{each['jobs'][0]}", "Job")


def of_account(account: AccountHealth, waiting: int) -> Iterator[Need]:
    """What an account needs.

    Args:
        account: How it stands.
        waiting: Recipients that wait, for any account.
    """
    name, page = account["account"], f"/accounts#{account['account']}"
    # Parks are bad and all below only warns: a park ends by a person alone,
    # the others by themselves.
    for park in account["parked"]:
        what = f"template {park['template']} at {name}" if park["template"] else f"account {name}"
        told = f"{what} is parked: {park['meaning']} ({park['code']})"
        yield Need("bad", told, "Mend the cause at the provider, then resume.", page, "Account")
    if account["state"] == "unserved":
        told = f"no running worker has account {name}"
        yield Need(
            "bad", told, "What waits for it goes on when one has: compare the workers' settings.", page, "Account"
        )
    for worker, code in account["refused"].items():
        told = f"{name} refuses the machine {worker} ({code})"
        yield Need("warn", told, "Allow its address at the provider; others send meanwhile.", page, "Account")
    yield from _ending_by_itself(account, page)
    # Compared with all that waits, for whatever account: traffic of the others may
    # fail over to this one.
    if (credit := account["credit"]) is not None and credit["messages"] < waiting:
        left, waits = counted(credit["messages"], "message"), counted(waiting, "recipient waits", "recipients wait")
        told = f"{name} has credit for {left}, and {waits}"
        yield Need("warn", told, "Top up before the account is parked for it.", page, "Account")
    # Not urgent, but each is judged by its family or taken for unsure until a
    # row says what it means.
    for code, count in account["unknown_codes"].items():
        times = "once" if count == 1 else counted(count, "time")
        told = f"{name} answered with a code that no table knows: {code} ({times})"
        yield Need(
            "warn", told, "Look it up at the provider, then add a row to the codes file.", f"/codes?q={code}", "Code"
        )


def _ending_by_itself(account: AccountHealth, page: str) -> Iterator[Need]:
    """What keeps an account from sending for a while."""
    name = account["account"]
    if held := account["held"]:
        told = f"account {name} is held: {held['meaning']} ({held['code']})"
        yield Need("warn", told, "It is tried again by itself; its recipients wait.", page, "Account")
    if account["throttled_until"]:
        told = f"account {name} is throttled: its provider takes no calls until {account['throttled_until']}"
        yield Need("warn", told, "It is tried again by itself; its recipients wait.", page, "Account")
    if late := account["late_calls"]:
        calls = counted(late["calls"], f"call of account {name} is", f"calls of account {name} are")
        told = f"{calls} under way for longer than usual"
        advice = "Its provider, or its worker, does not go on; they are asked about when they time out."
        yield Need("warn", told, advice, page, "Account")
    if failing := account["failover"]:
        told = f"account {name} keeps failing, its traffic fails over: {failing['meaning']} ({failing['code']})"
        yield Need("warn", told, "It is tried again by itself.", page, "Account")
