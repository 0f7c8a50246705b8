"""Compare what the provider has seen with what the ledger says, and tell whether the promises held."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from bench.chaos.work import Given
from smsline import Client


@dataclass(frozen=True, slots=True)
class Tally:
    """The count at both sides.

    Attributes:
        recipients: Handed over.
        states: How many ended in which state.
        lost: Recipients that are missing from the results or have no final state.
        silent: Recipients that are said to be delivered, of whom the provider has seen no message.
        denied: Recipients that are said to have got nothing (dead, expired), of whom the provider has seen a message.
        unheard: Recipients that ended as unknown although a message went out: neither a receipt nor an answer about them came in time.
        campaign_twice: Numbers of the campaign with two messages at the provider.
        otp_twice: Numbers of otps with two messages: sent again once, when nobody knew what became of the first.
        otp_more: Numbers of otps with more than two: against the policy.
        open_jobs: Jobs that did not close in time.
    """

    recipients: int
    states: Counter[str]
    lost: int
    silent: int
    denied: int
    unheard: int
    campaign_twice: int
    otp_twice: int
    otp_more: int
    open_jobs: int

    @property
    def held(self) -> bool:
        """Whether every promise held."""
        return not (self.lost or self.silent or self.denied or self.campaign_twice or self.otp_more or self.open_jobs)


FINAL = frozenset({"delivered", "undelivered", "dead", "expired", "cancelled", "suppressed", "unknown"})

TEXTED = frozenset({"delivered", "undelivered", "unknown", "accepted", "sending"})
"""States of whom a message may have gone out."""


def count(client: Client, given: Given, size: int, sent: Mapping[str, int]) -> Tally:
    """Count.

    Args:
        client: To ask the ledger.
        given: What was handed over.
        size: Numbers of the campaign.
        sent: Messages the provider has carried out, per number.
    """
    rows = [(row["phone"], row["state"]) for job in (given.campaign, *given.otps) for row in client.results(job)]
    recipients = size + len(given.otps)
    ours = {row["phone"] for row in client.results(given.campaign)}
    others = [times for phone, times in sent.items() if phone not in ours]
    return Tally(
        recipients=recipients,
        states=Counter(state for _, state in rows),
        lost=recipients - sum(state in FINAL for _, state in rows),
        silent=sum(state == "delivered" and not sent.get(phone) for phone, state in rows),
        denied=sum(state not in TEXTED and bool(sent.get(phone)) for phone, state in rows),
        unheard=sum(state == "unknown" and bool(sent.get(phone)) for phone, state in rows),
        campaign_twice=sum(times > 1 for phone, times in sent.items() if phone in ours),
        otp_twice=sum(times == 2 for times in others),
        otp_more=sum(times > 2 for times in others),
        open_jobs=sum(not client.status(job)["closed_at"] for job in (given.campaign, *given.otps)),
    )
