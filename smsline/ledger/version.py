"""The ledger's layout has a number: a process that does not know it says so and does nothing."""

from typing import TYPE_CHECKING, Any, Final

from smsline.errors import OtherVersion

if TYPE_CHECKING:
    from smsline.ledger.keys import Keys
    from smsline.ledger.link import Ledger

# Counts up when a reader of the old layout would misread the new one. Layout 1 had no such key: its workers counted
# ids instead. Workers of layout 2 look for receipts in the index of serials alone, which lacks most since layout 3.
LAYOUT: Final = "3"


def refuse_other(found: str) -> None:
    """Say what is to be done about a ledger of another layout.

    Raises:
        OtherVersion: It is not the one that this package reads and writes.
    """
    if found == LAYOUT:
        return
    if found.isdigit() and int(found) < int(LAYOUT):
        raise OtherVersion(
            f"the ledger has layout {found}, older than this smsline's {LAYOUT}: stop the old workers, then run `python -m worker migrate`"
        )
    raise OtherVersion(f"the ledger has layout {found}, newer than this smsline's {LAYOUT}: upgrade this process")


def questions(keys: "Keys") -> list[tuple[str, ...]]:
    """What to ask Redis about the layout, of which `refuse_answers` reads the answers.

    Nothing is written.
    """
    return [("GET", keys.version), ("HEXISTS", keys.ids, "block")]


def refuse_answers(version: bytes | None, counts_ids: Any) -> None:  # noqa: ANN401 - as redis-py gives it
    """Say what is to be done about a ledger of another layout; an empty one is of none.

    Raises:
        OtherVersion: It is not the one that this package reads and writes.
    """
    refuse_other(version.decode() if version else "1" if counts_ids else LAYOUT)


def check(ledger: "Ledger") -> None:
    """Look at the ledger's layout, and write it down where there is none yet.

    Raises:
        OtherVersion: It is not the one that this package reads and writes.
        redis.exceptions.RedisError: Redis cannot be reached.
    """
    refuse_other(ledger.run("version", [ledger.keys.version, ledger.keys.ids], [LAYOUT]).decode())


def seen(ledger: "Ledger") -> tuple[str, bool]:
    """The layout that is written down, and whether workers from before layouts have been at work.

    It is empty where none is written.

    Raises:
        redis.exceptions.RedisError: Redis cannot be reached.
    """
    # Those workers counted blocks and attempts here, and nothing else tells them.
    counted = ledger.redis.hmget(ledger.keys.ids, "block", "attempt")
    return (ledger.redis.get(ledger.keys.version) or b"").decode(), any(counted)
