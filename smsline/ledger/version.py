"""The ledger's layout has a number: a process that does not know it says so and does nothing."""

from typing import Any, Final

from smsline.errors import OtherVersion
from smsline.ledger.keys import Keys

# Counts up when a reader of the old layout would misread the new one. Layout 1 had no such key: its
# workers counted ids instead. Workers of layout 2 look for receipts in the index of serials alone,
# which lacks most since layout 3.
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


def questions(keys: Keys) -> list[tuple[str, ...]]:
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
