"""Look up a code by the kind of answer that held it: a send, a read or a receipt.

Providers cut their codes into namespaces of their own: one for all calls at Tencent, one for each
endpoint at SMSPartner. The first one of a kind in the table of namespaces is the one that the
engine's calls meet.
"""

from functools import lru_cache
from pathlib import Path

from smsline.codes.lookup import forget, lookup, rows
from smsline.codes.row import Kind, Match
from smsline.codes.store import bring, namespaces
from smsline.verdicts import Verdict


def for_send(provider: str, code: str) -> Match:
    """What the code of a call that sends means, or of one number in its answer."""
    return lookup(provider, _space(provider, "send"), code)


@lru_cache(maxsize=64)
def for_taken(provider: str) -> Match:
    """What it means that the provider took a number, whatever its spelling of that.

    Raises:
        LookupError: The provider's table has no row of verdict ok.
    """
    # An adapter knows by other signs than a code that a number was taken (an id, a count),
    # so it asks for the row.
    for row in rows(provider, _space(provider, "send")):
        if row.verdict is Verdict.OK:
            return Match(row, "exact", row.code)
    raise LookupError(f"the provider {provider} has no row for what went well in smsline/codes/data")


def for_read(provider: str, code: str) -> Match:
    """What the code of a call that only asks means.

    Where such calls have no codes of their own, those of a send hold.
    """
    return lookup(provider, _space(provider, "read") or _space(provider, "send"), code, read=True)


def for_receipt(provider: str, code: str) -> Match:
    """What the code of a receipt means."""
    return lookup(provider, _space(provider, "receipt"), code)


def add_provider(provider: str, file: Path, *, zone: str = "UTC", utc_offset_h: int = 0) -> None:
    """Make known, in this process, the codes of a provider whose table is not in this package.

    Args:
        provider: Its name.
        file: A table with the columns of `data/smspartner.tsv`, those that no row uses left out.
            Its namespaces are called as what their codes answer: `send`, `read`, `receipt` or
            `manage`.
        zone: The IANA time zone that the provider's days and hours are counted in.
        utc_offset_h: The zone's hours from UTC, for machines without a time zone database.

    Raises:
        OSError: The file cannot be read.
        ValueError: A row that contradicts itself, a namespace of another name, or no row for what
            went well; nothing of the table holds.
    """
    bring(provider, file, zone=zone, utc_offset_h=utc_offset_h)
    # Last, all that was remembered: an answer from before would say for ever that the
    # provider's codes are unknown.
    forget()
    _space.cache_clear()
    for_taken.cache_clear()


@lru_cache(maxsize=64)
def _space(provider: str, kind: Kind) -> str:
    """The name of the first namespace of the kind, or empty."""
    return next((name for (owner, name), space in namespaces().items() if owner == provider and space.kind == kind), "")
