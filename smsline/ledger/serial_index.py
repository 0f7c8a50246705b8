"""Where a serial leads to: the entries of the index from a message's serial to its recipient."""

from collections.abc import Iterable
from hashlib import blake2b
from typing import Final, NamedTuple

from smsline.ledger.keys import INDEX_SHARDS
from smsline.ledger.link import Ledger

# Made once: a byte is made for every number that is accepted.
_BYTES: Final = tuple(bytes([value]) for value in range(256))


def serial_place(serial: str) -> tuple[int, bytes]:
    """Where a serial is indexed: the shard and a six-byte field."""
    # Six bytes of hash instead of the serial: that two of a day's million serials share both shard
    # and field has a probability of 1 in ten million, and a receipt is held against the
    # recipient's number besides.
    digest = blake2b(serial.encode(), digest_size=9).digest()
    return int.from_bytes(digest[:3], "big") % INDEX_SHARDS, digest[3:]


def index_value(block: int, position: int) -> bytes:
    """A block and a position as the index keeps them: six bytes."""
    return block.to_bytes(5, "big") + bytes([position])


# Bytes of such a value.
INDEX_BYTES: Final = 6

# Follows the value of a serial that has had its receipt, and whose recipient was tried again.
SPENT: Final = b"\1"


class IndexEntries(NamedTuple):
    """Entries of the serial index.

    Attributes:
        keys: The shard of each.
        packed: Field and value of each, twelve bytes.
        young: How many of them, from the first on, are in shards whose expiry may not be set yet.
    """

    keys: list[str]
    packed: bytes
    young: int


def index_entries(
    ledger: Ledger, account: str, day: int, accepted: Iterable[tuple[int, Iterable[tuple[int, str]]]]
) -> IndexEntries:
    """What the serials of accepted recipients add to the index.

    Written for speed, as it is done for every number.
    """
    # Only the first entry of a shard has to set its expiry; `known` remembers the shards whose
    # expiry this process has set.
    young: list[tuple[str, bytes]] = []
    old: list[tuple[str, bytes]] = []
    stem, known = ledger.keys.index_of(account, day), ledger.expiring.known()
    for block_id, serials in accepted:
        block = block_id.to_bytes(5, "big")
        for position, serial in serials:
            # As `serial_place`, in line: the remainder by 2^14 is the low 14 bits of three bytes.
            digest = blake2b(serial.encode(), digest_size=9).digest()
            key = f"{stem}{(digest[1] & 0x3F) << 8 | digest[2]}"
            (old if key in known else young).append((key, digest[3:] + block + _BYTES[position]))
    rows = young + old
    return IndexEntries([key for key, _ in rows], b"".join([row for _, row in rows]), len(young))
