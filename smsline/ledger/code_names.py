"""The texts that the numbers in blocks stand for: the inverse of `smsline.ledger.codes`."""

from collections.abc import Iterable, Mapping
from struct import unpack

from smsline.ledger.keys import Keys
from smsline.ledger.talk import Talk, ask


class Names:
    """What the numbers in blocks stand for, read as they are met.

    Args:
        keys: Names of the ledger's keys.
    """

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self._texts: dict[int, tuple[str, str]] = {}

    def learn(self, blocks: Iterable[Mapping[bytes, bytes]]) -> Talk[None]:
        """Read the texts of the numbers in these blocks.

        It comes after the blocks, so that each number in them has a text.
        """
        met = set[int]()
        for held in blocks:
            for column in (held.get(b"cd", b""), held.get(b"ac", b"")):
                met.update(unpack(f">{len(column) // 2}H", column))
        new = sorted(met - self._texts.keys() - {0})
        if new:
            names, messages = yield from ask(("HMGET", self._keys.names, *new), ("HMGET", self._keys.messages, *new))
            for number, name, message in zip(new, names, messages, strict=True):
                self._texts[number] = (name or b"?").decode(), (message or b"").decode()

    def at(self, column: bytes, i: int) -> tuple[str, str]:
        """Code and message at a position of a column; empty for none."""
        number = int.from_bytes(column[i * 2 : i * 2 + 2], "big")
        return self._texts.get(number, ("?", "")) if number else ("", "")
