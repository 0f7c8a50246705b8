"""Entries of the suppression list, as people and programs write them and the ledger keeps them."""

from datetime import UTC, datetime
from typing import Required, TypedDict

from smsline.errors import BadInput
from smsline.ledger import suppression
from smsline.ledger.jobs import iso
from smsline.ledger.suppression import Suppression
from smsline.numbers import e164, parse_number


class SuppressedNumber(TypedDict, total=False):
    """An entry of the suppression list; only `phone` must be there when one is added.

    `scope` is `marketing`, `notify` or `all`; the first word of `source` is `person`, `code` or
    `reply`; `at` is ISO 8601.
    """

    phone: Required[str]
    scope: str
    source: str
    reason: str
    at: str


def shown(entry: Suppression) -> SuppressedNumber:
    """An entry as it is shown."""
    return SuppressedNumber(
        phone=e164(entry.number), scope=entry.scope, source=entry.source, reason=entry.reason, at=iso(entry.at_ms) or ""
    )


def read(entry: SuppressedNumber, region: str | None) -> Suppression:
    """An entry as the ledger takes it.

    Args:
        entry: As `shown` gives it, or with less; a scope that is not given is `all`.
        region: Country of numbers without a country code.

    Raises:
        BadInput: The number, the scope or the time cannot be one.
    """
    at, at_ms = entry.get("at", ""), 0
    if at:
        try:
            moment = datetime.fromisoformat(at)
        except ValueError:
            raise BadInput("at", at, "must be an ISO 8601 time such as 2026-11-28T17:00:00Z") from None
        # Without a zone it is UTC: by the machine's zone the same file would say another
        # time on another machine.
        at_ms = round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
    return Suppression(
        # A number that is not assigned does no harm on the list, and would be missed on
        # the day it is assigned.
        parse_number(entry["phone"], region=region, field="phone", allow_unassigned=True),
        suppression.check_scope(entry.get("scope") or "all"),
        entry.get("source") or suppression.PERSON,
        entry.get("reason", ""),
        at_ms,
    )
