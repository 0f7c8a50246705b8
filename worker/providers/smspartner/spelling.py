"""Numbers and times as SMSPartner spells them.

Requests always have `+33…`; answers are matched by number, and may have the national spelling `06…`
or no plus sign. The same field has several names and kinds on this wire: message_id, messageId and
msgId, a number or text; statut and status; errors and error; a date as epoch text or as a date
without a zone.
"""

import re
from collections.abc import Collection, Iterator
from typing import Final
from zoneinfo import ZoneInfo

from worker.providers.reading import DECORATION, dated, number_of, whole

_NATIONAL: Final = re.compile(r"0([1-9][0-9]{8})")
# At least seven digits, so that a date or a count in the message is not taken for a number.
_NUMBERS: Final = re.compile(r"\+?[0-9][0-9 .-]{5,}[0-9]")
_LAST: Final = 10**9
# Of dates without one; the pages name none, the provider and its voice answers are there.
_ZONE: Final = ZoneInfo("Europe/Paris")


def received(spelled: str) -> int | None:
    """The number a text stands for, or None; ten digits from 0 are a French one."""
    if national := _NATIONAL.fullmatch(DECORATION.sub("", spelled)):
        return int("33" + national[1])
    # Without any sign it is taken to be international: nothing but French numbers is written
    # nationally there.
    return number_of(spelled)


def asked(spelled: str, numbers: Collection[int]) -> int | None:
    """Which of the numbers asked about is meant, or None.

    A national spelling belongs to an overseas department as well (+262, +590 …): then the last nine
    digits decide.
    """
    number = received(spelled)
    if number is None or number in numbers:
        return number
    if not _NATIONAL.fullmatch(DECORATION.sub("", spelled)):
        return None
    # Two numbers with the same nine digits, from France and from Réunion: then it cannot be told
    # which is meant.
    same = [each for each in numbers if each % _LAST == number % _LAST]
    return same[0] if len(same) == 1 else None


def named(message: str, numbers: Collection[int]) -> Iterator[int]:
    """The numbers asked about that a message names, as in `not valid (+33612345678)`."""
    for found in _NUMBERS.findall(message):
        entire = asked(found, numbers)
        # Blanks are within a number or between two.
        meant = [entire] if entire is not None else [asked(part, numbers) for part in found.split()]
        yield from (number for number in meant if number is not None)


def moment(value: object) -> int:
    """Epoch seconds of an epoch or of `2015-02-07 22:39:46` in French time; else 0."""
    return whole(value) or dated(value, _ZONE)
