"""The suppression list: numbers that must not be texted, whoever asks; looked at right before every call."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final

from smsline.ledger.link import Ledger

AT_ONCE: Final = 1_000


def add(ledger: Ledger, numbers: Iterable[int]) -> int:
    """Put numbers on the list; returns how many were not on it."""
    return sum(int(ledger.redis.sadd(ledger.keys.suppressed, *some)) for some in _some(numbers))


def remove(ledger: Ledger, numbers: Iterable[int]) -> int:
    """Take numbers off the list; returns how many were on it."""
    return sum(int(ledger.redis.srem(ledger.keys.suppressed, *some)) for some in _some(numbers))


def count(ledger: Ledger) -> int:
    """How many numbers are on the list."""
    return int(ledger.redis.scard(ledger.keys.suppressed))


def listed(ledger: Ledger) -> Iterator[int]:
    """Every number on the list, in no order, streamed; a number may come twice while the list is changed."""
    for number in ledger.redis.sscan_iter(ledger.keys.suppressed, count=AT_ONCE):
        yield int(number)


def _some(numbers: Iterable[int]) -> Iterator[list[int]]:
    rest = iter(numbers)
    while some := list(islice(rest, AT_ONCE)):
        yield some
