"""What concerns the account and not a message: its balance, the STOP list, cancelling."""

from dataclasses import dataclass

from worker.providers.base import Balance, Broken, Refused
from worker.providers.cleaning import Clean
from worker.providers.reading import first, rows, unreadable, whole, word
from worker.providers.smspartner.spelling import moment, received
from worker.providers.smspartner.wire import answered, succeeded


@dataclass(frozen=True, slots=True)
class StopEntry:
    """One number of the STOP list: the provider's id of the entry, the number, and since when, epoch seconds."""

    entry: str
    number: int
    since_s: int


def read_balance(body: bytes, *, low_cost: bool, clean: Clean) -> Balance | Refused | Broken:
    """The answer to /me; the low-cost range and the balance have two names each.

    Args:
        body: The answer's body.
        low_cost: Whether the account sends by the low-cost range, whose messages are counted apart.
        clean: Applied to the provider's messages.
    """
    row = answered(body, clean)
    if not isinstance(row, dict):
        return row
    held = row.get("credits")
    if not isinstance(held, dict):
        return unreadable("neither credits nor an error")
    amount = first(held, "balance", "solde")
    return Balance(
        amount=str(amount) if isinstance(amount, float) else word(amount),
        currency=word(held.get("currency")),
        messages=whole(first(held, "creditSmsECO", "creditSmsLowCost") if low_cost else held.get("creditSms")),
    )


def read_stop_list(body: bytes, *, clean: Clean) -> tuple[StopEntry, ...] | Refused | Broken:
    """The answer to stop-sms/list; entries without a number are left out."""
    row = answered(body, clean)
    if not isinstance(row, dict):
        return row
    listed = rows(row.get("data"))
    if listed is None:
        return unreadable("neither a list data nor an error")
    found = []
    for each in listed:
        # Landlines and aliases stand on the list too; what is no number cannot be texted anyway.
        number = received(word(first(each, "phoneNumber", "phone_number")))
        if number is not None:
            found.append(StopEntry(word(each.get("id")), number, moment(each.get("createdAt"))))
    return tuple(found)


def read_cancelled(body: bytes, *, clean: Clean) -> Refused | Broken | None:
    """The answer to message-cancel; None when the call's messages are cancelled."""
    row = answered(body, clean)
    if not isinstance(row, dict):
        return row
    return None if succeeded(row) else unreadable("neither success nor an error")
