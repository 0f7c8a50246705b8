"""Calls about the account or a number: balance, STOP list, cancelling, lookup and HLR.

lookup looks at the spelling of numbers for nothing. HLR asks the carrier for money; its answers
come later, posted to a URL of yours, one number at a time, and `smsline codes explain` has their
error names. Each reader is given an answer that does not say it failed.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from smsline.numbers import e164
from worker.providers.base import Balance, Broken
from worker.providers.cleaning import Clean
from worker.providers.reading import Row, first, flag, rows, unreadable, whole, word
from worker.providers.smspartner.spelling import moment, received
from worker.providers.smspartner.wire import succeeded


@dataclass(frozen=True, slots=True)
class StopEntry:
    """One number of the STOP list: the provider's id of the entry, the number, and since when, epoch seconds."""

    entry: str
    number: int
    since_s: int


@dataclass(frozen=True, slots=True)
class NumberLookup:
    """What lookup says of one number.

    Attributes:
        request: The number as asked, as the answer repeats it.
        ok: Whether it can be a number.
        number: E.164 integer, or None.
        country: `France`.
        kind: `Mobile`, …
        network: The carrier, or empty.
        message: Why it cannot be a number.
    """

    request: str
    ok: bool
    number: int | None = None
    country: str = ""
    kind: str = ""
    network: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class HlrCampaign:
    """Numbers that are being checked with their carriers.

    Attributes:
        campaign: The provider's id, `HLR…`.
        numbers: How many.
        cost: As the answer writes it, or empty.
        currency: `EUR`.
    """

    campaign: str
    numbers: int
    cost: str
    currency: str


def numbers_body(api_key: str, numbers: Sequence[int], *, notify_url: str = "", tag: str = "") -> bytes:
    """The body of a lookup, or with a URL of an hlr/notify, about at most 500 numbers."""
    fields = {"apiKey": api_key, "phoneNumbers": ",".join(map(e164, numbers)), "notifyUrl": notify_url, "tag": tag}
    return msgspec.json.encode({name: value for name, value in fields.items() if value})


def read_balance(row: Row, *, low_cost: bool) -> Balance | Broken:
    """The answer to /me; the low-cost range and the balance have two names each.

    Args:
        row: The answer.
        low_cost: Whether the account sends by the low-cost range, whose messages are counted apart.
    """
    held = row.get("credits")
    if not isinstance(held, dict):
        return unreadable("neither credits nor an error")
    return Balance(
        amount=_amount(first(held, "balance", "solde")),
        currency=word(held.get("currency")),
        messages=whole(first(held, "creditSmsECO", "creditSmsLowCost") if low_cost else held.get("creditSms")),
    )


def read_stop_list(row: Row) -> tuple[StopEntry, ...] | Broken:
    """The answer to stop-sms/list; entries without a number are left out."""
    listed = rows(row.get("data"))
    if listed is None:
        return unreadable("neither a list data nor an error")
    found = []
    for each in listed:
        # Landlines and aliases stand on the list too; what is no number cannot be texted anyway.
        number = received(word(first(each, "phoneNumber", "phone_number")))
        if number is not None:
            found.append(StopEntry(word(each.get("id")), number, moment(each.get("createdAt"))))
    return tuple(found)


def read_cancelled(row: Row) -> Broken | None:
    """The answer to message-cancel; None when the call's messages are cancelled."""
    return None if succeeded(row) else unreadable("neither success nor an error")


def read_lookup(row: Row, clean: Clean) -> tuple[NumberLookup, ...] | Broken:
    """The answer to a lookup, in its own order."""
    listed = rows(row.get("lookup"))
    if listed is None:
        return unreadable("neither a list lookup nor an error")
    return tuple(
        NumberLookup(
            request=word(each.get("request")),
            ok=flag(each.get("success")) is True,
            number=received(word(each.get("phoneNumber"))),
            country=word(each.get("countryCode")),
            kind=word(each.get("type")),
            network=word(each.get("network")),
            message=clean(word(each.get("message"))),
        )
        for each in listed
    )


def read_hlr_campaign(row: Row) -> HlrCampaign | Broken:
    """The answer to an hlr/notify."""
    campaign = word(first(row, "campaign_id", "campaignId"))
    if not campaign:
        return unreadable("neither a campaign_id nor an error")
    return HlrCampaign(campaign, whole(row.get("number")), _amount(row.get("cost")), word(row.get("currency")))


def _amount(value: object) -> str:
    # Money stays text, as the provider writes it: a float of ours would round it once more.
    return str(value) if isinstance(value, float) else word(value)
