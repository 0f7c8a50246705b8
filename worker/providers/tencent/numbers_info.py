"""How the provider reads numbers: DescribePhoneNumberInfo."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from smsline.errors import BadInput
from smsline.numbers import mask
from worker.providers import reading
from worker.providers.base import Broken, Refused
from worker.providers.reading import Row
from worker.providers.tencent.api import Api
from worker.providers.tencent.facts import NUMBERS, NUMBERS_PER_CALL

# Longer than E.164 allows, because an international prefix may come before it (00, 011).
_WRITTEN: Final = re.compile(r"\+?[0-9]{5,20}")


@dataclass(frozen=True, slots=True)
class NumberInfo:
    """One number as the provider reads it (Tencent SMS API document, line 4795).

    Attributes:
        phone: In E.164, as messages to it are sent; as it was asked about when it could not be read.
        ok: Whether it could be read; the provider's word for it has two spellings (`OK` there, `Ok` in line 4009).
        code: The provider's word.
        message: What it says besides.
        calling_code: `86`.
        subscriber: The number without it.
        country: ISO 3166 code, `DEF` for none that is known.
        country_name: `China`.
    """

    phone: str
    ok: bool
    code: str
    message: str
    calling_code: str
    subscriber: str
    country: str
    country_name: str


def describe(api: Api, phones: Sequence[str]) -> tuple[NumberInfo, ...] | Refused | Broken:
    """What the provider makes of numbers, in the order in which it answers.

    Args:
        api: The account.
        phones: 1 to 200 numbers, in any spelling that has only digits and perhaps a `+`: to see how the provider reads
            such a spelling is what this is for.

    Raises:
        BadInput: None, too many, or what cannot be a number.
    """
    if not 1 <= len(phones) <= NUMBERS_PER_CALL:
        raise BadInput("number", len(phones), f"give 1 to {NUMBERS_PER_CALL} numbers")
    for phone in phones:
        # Any digits will do: how the provider reads an odd spelling is the question.
        if not _WRITTEN.fullmatch(phone):
            raise BadInput("number", mask(phone), "must be digits, with or without a + before them")
    clean = api.clean

    def read(row: Row) -> NumberInfo:
        code = reading.word(row.get("Code"))
        return NumberInfo(
            phone=reading.word(row.get("PhoneNumber")),
            ok=code.lower() == "ok",
            code=code,
            message=clean(reading.text(row.get("Message"))),
            calling_code=reading.word(row.get("NationCode")),
            subscriber=reading.word(row.get("SubscriberNumber")),
            country=reading.word(row.get("IsoCode")),
            country_name=reading.text(row.get("IsoName")),
        )

    return api.rows(NUMBERS, {"PhoneNumberSet": list(phones)}, "PhoneNumberInfoSet", read)
