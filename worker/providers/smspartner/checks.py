"""Checks of numbers: lookup, which looks at the spelling for nothing, and HLR, which asks the carrier for money.

Numbers in and a request's body out; an answer's body in and typed values out. HLR answers come later, posted to a URL of
yours: `read_hlr` reads what is posted there.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from smsline.codes import Match, lookup
from smsline.numbers import e164
from worker.providers.base import Broken, Refused
from worker.providers.cleaning import Clean
from worker.providers.smspartner.reading import Row, field, flag, moment, opened, rows, text, unreadable, whole
from worker.providers.smspartner.spelling import received
from worker.providers.smspartner.wire import refusal


@dataclass(frozen=True, slots=True)
class Looked:
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


@dataclass(frozen=True, slots=True)
class HlrResult:
    """The carrier's word on one number.

    Attributes:
        number: E.164 integer.
        message_id: The provider's id of this check, a UUID.
        network: Mobile country and network code, `20801`.
        ported: Whether the number has changed its carrier.
        error: The error's name, `NO_ERROR` or `EC_ABSENT_SUBSCRIBER`.
        match: What that means, from the code tables.
        at_s: Epoch seconds, 0 when none is given.
    """

    number: int
    message_id: str
    network: str
    ported: bool
    error: str
    match: Match
    at_s: int


def numbers_body(api_key: str, numbers: Sequence[int], *, notify_url: str = "", tag: str = "") -> bytes:
    """The body of a lookup, or with a URL of an hlr/notify, about at most 500 numbers."""
    fields = {"apiKey": api_key, "phoneNumbers": ",".join(map(e164, numbers)), "notifyUrl": notify_url, "tag": tag}
    return msgspec.json.encode({name: value for name, value in fields.items() if value})


def read_lookup(body: bytes, *, clean: Clean) -> tuple[Looked, ...] | Refused | Broken:
    """The answer to a lookup, in its own order."""
    row = opened(body)
    if isinstance(row, Broken):
        return row
    if refused := refusal(row, clean):
        return refused
    listed = rows(row.get("lookup"))
    if listed is None:
        return unreadable("neither a list lookup nor an error")
    return tuple(_looked(each, clean) for each in listed)


def _looked(row: Row, clean: Clean) -> Looked:
    return Looked(
        request=text(row.get("request")),
        ok=flag(row.get("success")) is True,
        number=received(text(row.get("phoneNumber"))),
        country=text(row.get("countryCode")),
        kind=text(row.get("type")),
        network=text(row.get("network")),
        message=clean(text(row.get("message"))),
    )


def read_hlr_campaign(body: bytes, *, clean: Clean) -> HlrCampaign | Refused | Broken:
    """The answer to an hlr/notify."""
    row = opened(body)
    if isinstance(row, Broken):
        return row
    if refused := refusal(row, clean):
        return refused
    campaign = text(field(row, "campaign_id", "campaignId"))
    if not campaign:
        return unreadable("neither a campaign_id nor an error")
    return HlrCampaign(campaign, whole(row.get("number")), _amount(row.get("cost")), text(row.get("currency")))


def read_hlr(body: bytes) -> HlrResult | Broken:
    """What SMSPartner posts to the notifyUrl of an hlr/notify, one number at a time.

    It names no number of the error, so the error is known by its name alone, which may have blanks around it.
    """
    row = opened(body)
    if isinstance(row, Broken):
        return row
    number, error = received(text(field(row, "phone", "phoneNumber"))), text(row.get("errorName"))
    if number is None or not error:
        return unreadable("a result without a number or an errorName")
    return HlrResult(
        number=number,
        message_id=text(field(row, "messageId", "message_id")),
        network=text(row.get("mccMnc")),
        ported=flag(row.get("ported")) is True,
        error=error,
        match=lookup("smspartner", "hlr_error", error),
        at_s=moment(row.get("date")),
    )


def hlr_status(name: str) -> Match:
    """What a status of a check (`DELIVERED_TO_HANDSET`, `REJECTED_DND`) means, from the code tables."""
    return lookup("smspartner", "hlr_status", name.strip())


def _amount(value: object) -> str:
    return str(value) if isinstance(value, float) else text(value)
