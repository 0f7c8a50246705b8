"""Compare the provider's record with the ledger, and tell whether the promises held."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from bench.chaos.receivers import Receiver
from bench.chaos.scrape import sums
from bench.chaos.work import OTP_FIRST, SIDE_FIRST, HandOver
from smsline import Client

FINAL = frozenset({"delivered", "undelivered", "dead", "expired", "cancelled", "suppressed", "unknown"})

TEXTED = frozenset({"delivered", "undelivered", "unknown", "accepted", "sending"})
"""States of whom a message may have gone out."""


@dataclass(slots=True)
class ChaosTally:
    """The count at both sides.

    Attributes:
        recipients: Handed over.
        states: How many ended in which state.
        lost: Recipients that are missing from the results or have no final state.
        silent: Recipients that are said to be delivered, of whom the provider has seen no message.
        denied: Recipients that are said to have got nothing (dead, expired), of whom the provider
            has seen a message.
        unheard: Recipients that ended as unknown although a message went out: neither a receipt nor
            an answer about them came in time.
        in_calls: Recipients that were in a call at a harm, in all: no more may be unknown.
        campaign_twice: Numbers of campaigns and notifications with two messages.
        again: Numbers texted again that were texted first in moments which Redis lost.
        lost_moments: Numbers texted in such moments.
        otp_twice: Numbers of otps with two messages: sent again once, as the outcome of the first
            was unknown.
        otp_more: Numbers of otps with more than two: against the policy.
        open_jobs: Jobs that did not close in time.
        provider_off: By how many the provider's numbers with a message differ from the ledger's.
        metrics_off: By how many recipients the sums of `/metrics` differ from the ledger's.
        receivers_off: By how many recipients and closed jobs each receiver's sums differ from the
            ledger's.
        gaps: Numbers of the events of those jobs of which a receiver lacks some.
        refused_badly: Ledgers of an older layout that were not refused.
    """

    recipients: int = 0
    states: "Counter[str]" = field(default_factory=Counter)
    lost: int = 0
    silent: int = 0
    denied: int = 0
    unheard: int = 0
    in_calls: int = 0
    campaign_twice: int = 0
    again: int = 0
    lost_moments: int = 0
    otp_twice: int = 0
    otp_more: int = 0
    open_jobs: int = 0
    provider_off: int = 0
    metrics_off: int = 0
    receivers_off: dict[str, int] = field(default_factory=dict)
    gaps: dict[str, list[int]] = field(default_factory=dict)
    refused_badly: int = 0

    @property
    def held(self) -> bool:
        """Whether every promise held."""
        broken = (
            self.lost,
            self.silent,
            self.denied,
            self.campaign_twice,
            self.otp_more,
            self.open_jobs,
            self.provider_off,
            self.metrics_off,
            sum(self.receivers_off.values()),
            len(self.gaps),
            self.refused_badly,
        )
        return not any(broken) and self.states["unknown"] <= self.in_calls


def count(client: Client, given: HandOver, sent: Mapping[str, int], lost_moments: Mapping[str, int]) -> ChaosTally:
    """Count the ledger against the provider.

    Args:
        client: To ask the ledger.
        given: What was handed over.
        sent: Messages the provider has carried out, per number.
        lost_moments: Those of them that went out in moments which Redis lost.
    """
    rows = [(row["phone"], row["state"]) for job in given.jobs for row in client.results(job)]
    strict = {phone: times for phone, times in sent.items() if not OTP_FIRST <= int(phone[1:]) < SIDE_FIRST}
    otps = [times for phone, times in sent.items() if phone not in strict]
    unheard = sum(state == "unknown" and bool(sent.get(phone)) for phone, state in rows)
    states = Counter(state for _, state in rows)
    return ChaosTally(
        recipients=given.recipients,
        states=states,
        lost=given.recipients - sum(state in FINAL for _, state in rows),
        silent=sum(state == "delivered" and not sent.get(phone) for phone, state in rows),
        denied=sum(state not in TEXTED and bool(sent.get(phone)) for phone, state in rows),
        unheard=unheard,
        campaign_twice=sum(times > 1 for times in strict.values()),
        again=sum(sent[phone] > 1 for phone in lost_moments),
        lost_moments=len(lost_moments),
        otp_twice=sum(times == 2 for times in otps),
        otp_more=sum(times > 2 for times in otps),
        open_jobs=sum(not client.status(job)["closed_at"] for job in given.jobs),
        provider_off=len(sent.keys() - {phone for phone, state in rows if state in TEXTED}),
    )


def off(these: Mapping[str, int], those: Mapping[str, int]) -> int:
    """By how many two counts of final states differ, the states added up."""
    return sum(abs(these.get(state, 0) - those.get(state, 0)) for state in FINAL)


def count_metrics(tally: ChaosTally, text: str) -> None:
    """Count the sums of a scrape against the ledger."""
    tally.metrics_off = off(sums(text, "recipients_total", "state"), tally.states)


def count_received(tally: ChaosTally, given: HandOver, receivers: Mapping[str, Receiver]) -> None:
    """Count what receivers have applied against the ledger."""
    jobs = set(given.jobs)
    for name, receiver in receivers.items():
        applied = receiver.applied
        missing = len(jobs - applied.closed.keys())
        # Jobs that Redis lost were told as well, before it lost them; they are
        # no part of the ledger.
        tally.receivers_off[name] = missing + off(applied.counts(jobs), tally.states)
        tally.gaps |= {f"{name} {job}": seqs for job, seqs in applied.gaps(jobs).items()}
