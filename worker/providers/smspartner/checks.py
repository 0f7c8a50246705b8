"""Checks of numbers: lookup, which looks at the spelling for nothing, and HLR, which asks the carrier for money.

HLR answers come later, posted to a URL of yours, one number at a time; `smsline codes explain` has their error names.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from smsline.numbers import e164
from worker.providers.base import Broken, Refused
from worker.providers.cleaning import Clean
from worker.providers.reading import Row, first, flag, rows, unreadable, whole, word
from worker.providers.smspartner.spelling import received
from worker.providers.smspartner.wire import answered


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


def read_lookup(body: bytes, *, clean: Clean) -> tuple[NumberLookup, ...] | Refused | Broken:
    """The answer to a lookup, in its own order."""
    row = answered(body, clean)
    if not isinstance(row, dict):
        return row
    listed = rows(row.get("lookup"))
    if listed is None:
        return unreadable("neither a list lookup nor an error")
    return tuple(_looked(each, clean) for each in listed)


def _looked(row: Row, clean: Clean) -> NumberLookup:
    return NumberLookup(
        request=word(row.get("request")),
        ok=flag(row.get("success")) is True,
        number=received(word(row.get("phoneNumber"))),
        country=word(row.get("countryCode")),
        kind=word(row.get("type")),
        network=word(row.get("network")),
        message=clean(word(row.get("message"))),
    )


def read_hlr_campaign(body: bytes, *, clean: Clean) -> HlrCampaign | Refused | Broken:
    """The answer to an hlr/notify."""
    row = answered(body, clean)
    if not isinstance(row, dict):
        return row
    campaign = word(first(row, "campaign_id", "campaignId"))
    if not campaign:
        return unreadable("neither a campaign_id nor an error")
    return HlrCampaign(campaign, whole(row.get("number")), _amount(row.get("cost")), word(row.get("currency")))


def _amount(value: object) -> str:
    return str(value) if isinstance(value, float) else word(value)
