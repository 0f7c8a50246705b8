"""What concerns the account and not a message: credit, the STOP list, cancelling. An answer's body in, typed values out."""

from dataclasses import dataclass

from worker.providers.base import Broken, Refused
from worker.providers.cleaning import Clean
from worker.providers.smspartner.reading import field, moment, opened, rows, text, unreadable, whole
from worker.providers.smspartner.spelling import received
from worker.providers.smspartner.wire import refusal, succeeded


@dataclass(frozen=True, slots=True)
class Credits:
    """What is left on the account.

    Attributes:
        balance: Money, as the provider writes it (`10225.119`).
        currency: `EUR`.
        premium: Messages of the premium range that it buys.
        low_cost: Messages of the low-cost range that it buys.
        hlr: Number checks that it buys.
        to_send: Messages that wait at the provider.
    """

    balance: str
    currency: str
    premium: int
    low_cost: int
    hlr: int
    to_send: int


@dataclass(frozen=True, slots=True)
class Stopped:
    """One number of the STOP list: the provider's id of the entry, the number, and since when, epoch seconds."""

    entry: str
    number: int
    since_s: int


def read_credits(body: bytes, *, clean: Clean) -> Credits | Refused | Broken:
    """The answer to /me; the low-cost range and the balance have two names each."""
    row = opened(body)
    if isinstance(row, Broken):
        return row
    if refused := refusal(row, clean):
        return refused
    held = row.get("credits")
    if not isinstance(held, dict):
        return unreadable("neither credits nor an error")
    balance = field(held, "balance", "solde")
    return Credits(
        balance=str(balance) if isinstance(balance, float) else text(balance),
        currency=text(held.get("currency")),
        premium=whole(held.get("creditSms")),
        low_cost=whole(field(held, "creditSmsECO", "creditSmsLowCost")),
        hlr=whole(held.get("creditHlr")),
        to_send=whole(held.get("toSend")),
    )


def read_stop_list(body: bytes, *, clean: Clean) -> tuple[Stopped, ...] | Refused | Broken:
    """The answer to stop-sms/list; entries without a number are left out."""
    row = opened(body)
    if isinstance(row, Broken):
        return row
    if refused := refusal(row, clean):
        return refused
    listed = rows(row.get("data"))
    if listed is None:
        return unreadable("neither a list data nor an error")
    found = []
    for each in listed:
        number = received(text(field(each, "phoneNumber", "phone_number")))
        if number is not None:
            found.append(Stopped(text(each.get("id")), number, moment(each.get("createdAt"))))
    return tuple(found)


def read_cancelled(body: bytes, *, clean: Clean) -> Refused | Broken | None:
    """The answer to message-cancel; None when the call's messages are cancelled."""
    row = opened(body)
    if isinstance(row, Broken):
        return row
    if refused := refusal(row, clean):
        return refused
    return None if succeeded(row) else unreadable("neither success nor an error")
