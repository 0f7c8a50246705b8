"""The suppression list: numbers that must not be texted, whoever asks; looked at right before every call."""

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from smsline.ledger.link import Ledger

AT_ONCE: Final = 1_000


def add(ledger: Ledger, numbers: Iterable[int]) -> int:
    """Put numbers on the list; returns how many were not on it. When the numbers end in an error, those before it are on the list."""
    return _in_pieces(numbers, lambda some: int(ledger.redis.sadd(ledger.keys.suppressed, *some)))


def remove(ledger: Ledger, numbers: Iterable[int]) -> int:
    """Take numbers off the list; returns how many were on it. When the numbers end in an error, those before it are off the list."""
    return _in_pieces(numbers, lambda some: int(ledger.redis.srem(ledger.keys.suppressed, *some)))


def count(ledger: Ledger) -> int:
    """How many numbers are on the list."""
    return int(ledger.redis.scard(ledger.keys.suppressed))


def holds(ledger: Ledger, number: int) -> bool:
    """Whether a number is on the list."""
    return bool(ledger.redis.sismember(ledger.keys.suppressed, str(number)))


def listed(ledger: Ledger) -> Iterator[int]:
    """Every number on the list, in no order, streamed; a number may come twice while the list is changed."""
    for number in ledger.redis.sscan_iter(ledger.keys.suppressed, count=AT_ONCE):
        yield int(number)


def _in_pieces(numbers: Iterable[int], change: Callable[[list[int]], int]) -> int:
    changed, some = 0, list[int]()
    try:
        for number in numbers:
            some.append(number)
            if len(some) == AT_ONCE:
                piece, some = some, []
                changed += change(piece)
    finally:
        if some:
            changed += change(some)
    return changed
