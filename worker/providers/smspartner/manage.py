"""Calls about the account or a number: STOP list, cancelling, lookup and HLR.

lookup looks at the spelling of numbers for nothing. HLR asks the carrier for money; its answers
come later, posted to a URL of yours, one number at a time, and `smsline codes explain` has their
error names.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from smsline.numbers import e164
from worker.providers.adapter import Adapter
from worker.providers.base import Broken, Refused
from worker.providers.reading import flag, unreadable, whole, word, words
from worker.providers.smspartner.facts import CANCEL, HLR, LOOKUP, STOP_LIST
from worker.providers.smspartner.spelling import moment, received
from worker.providers.smspartner.wire import succeeded


def amount(value: object) -> str:
    """Money, which stays text as the provider writes it: a float would round it once more."""
    return str(value) if isinstance(value, float) else word(value)


@dataclass(frozen=True, slots=True)
class StopEntry:
    """One number of the STOP list, and since when it stands there, epoch seconds."""

    entry: Annotated[str, word, "id"]
    number: Annotated[int, lambda value: received(word(value)) or 0, "phoneNumber", "phone_number"]
    since_s: Annotated[int, moment, "createdAt"]


@dataclass(frozen=True, slots=True)
class NumberLookup:
    """What lookup says of one number, whose spelling it repeats; the message says why not."""

    request: Annotated[str, word, "request"]
    ok: Annotated[bool, lambda value: flag(value) is True, "success"]
    number: Annotated[int | None, lambda value: received(word(value)), "phoneNumber"] = None
    country: Annotated[str, word, "countryCode"] = ""
    kind: Annotated[str, word, "type"] = ""
    network: Annotated[str, word, "network"] = ""
    message: Annotated[str, words, "message"] = ""


@dataclass(frozen=True, slots=True)
class HlrCampaign:
    """Numbers that are being checked with their carriers, by the provider's id (`HLR…`)."""

    campaign: Annotated[str, word, "campaign_id", "campaignId"]
    numbers: Annotated[int, whole, "number"]
    cost: Annotated[str, amount, "cost"]
    currency: Annotated[str, word, "currency"]


def cancel(provider: Adapter, message_id: str) -> Refused | Broken | None:
    """Take back a scheduled call, until 5 minutes before its time; None when that is done."""
    return provider.manage(
        CANCEL,
        {"messageId": message_id},
        lambda row: None if succeeded(row) else unreadable("neither success nor an error"),
    )


def stop_list(provider: Adapter) -> tuple[StopEntry, ...] | Refused | Broken:
    """Numbers whose owners answered STOP."""
    found = provider.several(STOP_LIST, {}, StopEntry, "data")
    # Landlines and aliases stand on the list too; what is no number cannot be texted anyway.
    return tuple(entry for entry in found if entry.number) if isinstance(found, tuple) else found


def lookup(provider: Adapter, numbers: Sequence[int]) -> tuple[NumberLookup, ...] | Refused | Broken:
    """Whether these, at most 500, are spelt like numbers, in the answer's order; for nothing."""
    return provider.several(LOOKUP, {"phoneNumbers": ",".join(map(e164, numbers))}, NumberLookup, "lookup")


def hlr(provider: Adapter, numbers: Sequence[int], *, notify_url: str, tag: str = "") -> HlrCampaign | Refused | Broken:
    """Ask the carriers about these, at most 500; each costs money and is answered by post."""
    params = {"phoneNumbers": ",".join(map(e164, numbers)), "notifyUrl": notify_url, "tag": tag}
    found = provider.one(HLR, params, HlrCampaign)
    # Without its id the answers that are posted later cannot be told from those of another one.
    return unreadable("no campaign_id") if isinstance(found, HlrCampaign) and not found.campaign else found
