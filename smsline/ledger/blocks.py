"""What blocks tell: whose receipt is awaited, whose call is in doubt, how often each was tried."""

import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from smsline import numbers
from smsline.ledger.link import Ledger
from smsline.ledger.runs import Entry, decode, encode
from smsline.states import LETTERS, State


@dataclass(frozen=True, slots=True)
class SilentRecipient:
    """A recipient whose receipt has not come.

    Attributes:
        position: In its block.
        number: E.164 integer.
        accepted_ms: When the provider took it.
        serial: The provider's id of the message.
        account: Who sent it; empty when that is not written down.
    """

    position: int
    number: int
    accepted_ms: int
    serial: str = ""
    account: str = ""


def silent_of(ledger: Ledger, block: int, account: str) -> list[SilentRecipient]:
    """The block's recipients that the account had accepted and that wait for their receipt."""
    held = ledger.redis.hgetall(ledger.keys.block(block))
    letters = held.get(b"st", b"").decode()
    if LETTERS[State.ACCEPTED] not in letters:
        return []
    # Oldest first, so that of a recipient with two calls the newer one stays.
    accepted: dict[int, tuple[int, str, str]] = {}
    for note in call_notes(held):
        accepted |= {
            at: (note["t"], serial, note["a"]) for at, serial in zip(decode(note["r"]), note["s"], strict=True)
        }
    silent = [
        SilentRecipient(position, number, *accepted.get(position, (0, "", "")))
        for position, (number, letter) in enumerate(zip(numbers.unpack(held[b"n"]), letters, strict=True))
        if letter == LETTERS[State.ACCEPTED]
    ]
    return [each for each in silent if each.account in {"", account}]


# Begins a note in plain text; zlib's begin with another byte.
_SHORT: Final = b"="

# Redis keeps a hash in one piece, at a third of the memory, while none of its values is longer.
LONGEST_SHORT: Final = 64


def pack_note(account: str, at_ms: int, positions: Sequence[int], serials: Sequence[str], fees: Sequence[int]) -> bytes:  # noqa: PLR0917 - columns
    """What a call brought some recipients of a block: compressed JSON.

    A single recipient's, as in most small jobs, is plain text.

    Args:
        account: Whose call.
        at_ms: When it was begun, epoch ms.
        positions: Ascending; the other columns run along them.
        serials: Of each.
        fees: Billable segments of each.
    """
    if len(positions) == 1:
        words = [account, f"{at_ms:x}", str(positions[0]), serials[0], *map(str, filter(None, fees))]
        short = _SHORT + " ".join(words).encode()
        if len(short) <= LONGEST_SHORT and short.count(b" ") == len(words) - 1:
            return short
    # Nearly always all cost the same, and then one figure stands for them.
    fee = fees[0] if len(set(fees)) == 1 else list(fees)
    note = {"a": account, "t": at_ms, "r": encode(positions), "s": list(serials), "f": fee}
    # Level 1: half the time of the usual level 6, for 3 % more space.
    return zlib.compress(json.dumps(note, separators=(",", ":")).encode(), 1)


def read_note(value: bytes) -> dict[str, Any]:
    """The inverse: `a` account, `t` epoch ms, `r` runs, `s` serials.

    `f` the fee of each, or a list of fees.
    """
    if value.startswith(_SHORT):
        account, at_ms, position, serial, *fee = value[1:].decode().split(" ")
        return {"a": account, "t": int(at_ms, 16), "r": position, "s": [serial], "f": int(fee[0]) if fee else 0}
    return json.loads(zlib.decompress(value))  # type: ignore[no-any-return]


def fees_of(note: Mapping[str, Any]) -> dict[int, int]:
    """Position -> billable segments, of a note; empty in notes of an older version."""
    positions, fees = decode(note["r"]), note.get("f", [])
    return dict.fromkeys(positions, fees) if isinstance(fees, int) else dict(zip(positions, fees, strict=False))


def call_notes(block: Mapping[bytes, bytes]) -> list[dict[str, Any]]:
    """What a block keeps of each call that accepted some of it, oldest first; see `read_note`."""
    notes = [read_note(value) for name, value in block.items() if name.startswith(b"z")]
    return sorted(notes, key=lambda note: note["t"])


def unsure_of(ledger: Ledger, attempt: int, entries: Sequence[Entry]) -> list[tuple[Entry, int, int]]:
    """Entry, position and number of the recipients that are unsure because of this attempt.

    One that had its receipt, went out again and is in doubt anew is the later attempt's.
    """
    pipe = ledger.redis.pipeline(transaction=False)
    for entry in entries:
        pipe.hmget(ledger.keys.block(entry.block), "st", "n", "ua", "at")
    own = (attempt % 10**9 % 2**24).to_bytes(3)
    still: list[tuple[Entry, int, int]] = []
    for entry, (letters, packed, doubted, tries) in zip(entries, pipe.execute(), strict=True):
        if letters is not None:
            held, cells = numbers.unpack(packed), doubted or bytes(4 * len(letters))
            now = tries or bytes(len(letters))
            unsure = [at for at in decode(entry.runs) if chr(letters[at]) == LETTERS[State.UNSURE]]
            # As `lua/record.lua` writes it; none, or one that is left over, where an older worker
            # has not.
            still += [
                (entry, at, held[at])
                for at in unsure
                if cells[at * 4 : at * 4 + 4] in {bytes(4), now[at : at + 1] + own}
                or cells[at * 4 : at * 4 + 1] != now[at : at + 1]
            ]
    return still


def numbers_of(ledger: Ledger, entry: Entry) -> list[int]:
    """The numbers of an entry; none when its block is gone."""
    packed = ledger.redis.hget(ledger.keys.block(entry.block), "n")
    held = numbers.unpack(packed or b"")
    return [held[at] for at in decode(entry.runs)] if held else []


def tries_of(ledger: Ledger, block: int) -> dict[int, int]:
    """The attempts byte of each position that has one."""
    return dict(enumerate(ledger.redis.hget(ledger.keys.block(block), "at") or b""))


def asked_up_to(ledger: Ledger, block: int) -> int:
    """The position with which a round of questions goes on; 0 at its beginning."""
    return int(ledger.redis.hget(ledger.keys.block(block), "asked") or 0)


def note_asked(ledger: Ledger, block: int, position: int | None) -> None:
    """Remember where the round goes on; None when it is complete."""
    if position is None:
        ledger.redis.hdel(ledger.keys.block(block), "asked")
    else:
        ledger.redis.hset(ledger.keys.block(block), "asked", position)
