"""The ledger's layout has a number: whoever does not understand it says so and does nothing."""

from typing import Final

from smsline.errors import OtherVersion
from smsline.ledger.link import Ledger

LAYOUT: Final = "2"
"""Counts up when a reader of the old layout would misread the new one. Layout 1 had no such key: its workers counted ids instead."""


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


def check(ledger: Ledger) -> None:
    """Look at the ledger's layout, and write it down where there is none yet.

    Raises:
        OtherVersion: It is not the one that this package reads and writes.
        redis.exceptions.RedisError: Redis cannot be reached.
    """
    refuse_other(ledger.run("version", [ledger.keys.version, ledger.keys.ids], [LAYOUT]).decode())
