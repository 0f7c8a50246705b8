"""The sentences people read of a row: what smsline does about it, and what a person should do."""

from dataclasses import replace
from typing import Final

from smsline.codes.row import CodeRow, Kind, Window
from smsline.verdicts import Scope, Verdict

Key = tuple[Kind, Verdict, Scope | None]

# A person who sees `unsure` is tempted to send again, which is how one text becomes two.
_ASK_FIRST: Final = (
    "Nothing to do: smsline asks for the receipt before anything else. Do not send again by hand while the job is open."
)
_ADVICE: Final[dict[Key, str]] = {
    ("send", Verdict.OK, None): "Nothing to do.",
    ("send", Verdict.RETRY, None): "Nothing to do: it is tried again. If it lasts, look at the provider's status page.",
    ("send", Verdict.THROTTLE, None): "Nothing to do: it goes on by itself. If it happens often, lower the limit.",
    (
        "send",
        Verdict.PARK,
        None,
    ): "Mend what the meaning names, then resume the account; no recipient is lost meanwhile.",
    ("send", Verdict.REROUTE, None): "Add an account whose provider serves this number to the route, then requeue.",
    ("send", Verdict.DEAD, Scope.RECIPIENT): "Correct the number or take it off your lists.",
    ("send", Verdict.DEAD, Scope.CONTENT): "Change the text or its values and submit a new job.",
    ("send", Verdict.DEAD, None): "Correct the job and submit it again.",
    ("send", Verdict.UNSURE, None): _ASK_FIRST,
    ("receipt", Verdict.OK, None): "Nothing to do.",
    ("receipt", Verdict.RETRY, None): "Try again later. If many receipts carry this code, ask the provider's support.",
    ("receipt", Verdict.THROTTLE, None): "Send less to the same number.",
    ("receipt", Verdict.PARK, None): "Mend what the meaning names before sending more of the same.",
    ("receipt", Verdict.REROUTE, None): "Send over another account, or ask the provider's support for another route.",
    ("receipt", Verdict.DEAD, Scope.RECIPIENT): "Take the number off your lists.",
    ("receipt", Verdict.DEAD, None): "Change the text or its values before sending more of the same.",
    ("receipt", Verdict.UNSURE, None): "If many receipts carry this code, ask the provider's support what it means.",
    ("read", Verdict.RETRY, None): "Nothing to do: smsline asks again.",
    ("read", Verdict.OK, None): "Nothing to do.",
    ("manage", Verdict.OK, None): "Nothing to do.",
}
_OTHER_CALL: Final = "Sending is not concerned. Correct the call and make it again."

_SEND: Final[dict[tuple[Verdict, Scope | None], str]] = {
    (Verdict.OK, None): "Counts the number as accepted and waits for its receipt.",
    (Verdict.RETRY, None): "Nothing was sent: tries again {wait}, as often as the lane allows; then {after}.",
    (Verdict.THROTTLE, Scope.ACCOUNT): "Nothing was sent: closes the account's bucket for this action {wait}; "
    "the recipients wait and no try is used up.",
    (Verdict.THROTTLE, Scope.PROVIDER): "Nothing was sent: closes the account's bucket for this action {wait}; "
    "the recipients wait and no try is used up.",
    (Verdict.THROTTLE, Scope.TEMPLATE): "Nothing was sent: the recipients of this template wait {wait}; "
    "the account goes on and no try is used up.",
    (Verdict.THROTTLE, Scope.RECIPIENT): "Nothing was sent: this number waits {wait}; "
    "the account goes on and no try is used up.",
    (Verdict.PARK, Scope.ACCOUNT): "Nothing was sent: parks the account; its recipients keep waiting "
    "and one probe call a minute finds out when it works again.",
    (
        Verdict.PARK,
        Scope.REGION,
    ): "Nothing was sent: parks the account for this side, mainland or global; its recipients keep "
    "waiting, one probe call a minute finds out when it works again, and the other side goes on.",
    (
        Verdict.PARK,
        Scope.PROCESS,
    ): "Nothing was sent: this machine leaves the account to others and makes one probe call a "
    "minute; the recipients keep waiting.",
    (Verdict.PARK, Scope.TEMPLATE): "Nothing was sent: parks the template on this account; its recipients keep waiting "
    "and one probe call a minute finds out when it works again.",
    (Verdict.REROUTE, None): "Nothing was sent: tries the next account of the route; without one, the dead letter.",
    (Verdict.DEAD, Scope.RECIPIENT): "Nothing was sent: this number goes to the dead letter.",
    (Verdict.DEAD, Scope.CONTENT): "Nothing was sent: the recipients of this text go to the dead letter.",
    (Verdict.DEAD, Scope.REQUEST): "Nothing was sent: the recipients of this call go to the dead letter.",
    (Verdict.UNSURE, None): "Perhaps sent: asks the provider for a receipt instead of sending again; "
    "without one, the lane's rule decides.",
}
_RECEIPT: Final[dict[Verdict, str]] = {
    Verdict.OK: "The number ends as delivered.",
    Verdict.RETRY: "Tries the number again {wait}, within its ttl and as often as receipt_retry of its lane says; "
    "then it ends as undelivered.",
    Verdict.THROTTLE: "Leaves the number alone {wait}, then tries it again, within its ttl and as often as receipt_retry of "
    "its lane says; else it ends as undelivered.",
    Verdict.PARK: "The number ends as undelivered and is not tried again; the cause is one that a person mends.",
    Verdict.REROUTE: "Tries the number through the next account of its order at once, within its ttl and as often as "
    "receipt_retry of its lane says; else it ends as undelivered.",
    Verdict.DEAD: "The number ends as undelivered and is not tried again.",
    Verdict.UNSURE: "The provider's success flag decides; a failure is not tried again, because the message may be there.",
}
_READ: Final[dict[Verdict, str]] = {
    Verdict.OK: "Takes the answer.",
    Verdict.RETRY: "Asks again {wait}.",
    Verdict.THROTTLE: "Closes the bucket of this action {wait}, then asks again.",
    Verdict.PARK: "Stops this kind of question and shows it in `accounts`; sending finds out for itself.",
}
_PENDING: Final = "Keeps waiting: this is not the final word."
_READ_ELSE: Final = "Drops the question; sending is not concerned."
_MANAGE: Final = "smsline does not make this call; the row explains the code to a person."

_WINDOW_WORDS: Final[dict[Window, str]] = {
    "08:00": "until 08:00",
    "next_day": "until the next day",
    "next_day_08:00": "until 08:00 of the next day",
    "next_month": "until the next month",
    "next_working_day_08:00": "until 08:00 of the next working day",
    "from_message": "for the time that the answer names",
}


def what_smsline_does(row: CodeRow) -> str:
    """One plain sentence about what happens when this code comes.

    It says as much as `row.kind` tells of what the code answers.
    """
    # A row's own sentence first: it is there where the verdict's would be wrong.
    if row.does:
        return row.does
    if row.pending:
        return _PENDING
    after = "the next account of its route, or the dead letter" if row.reroute_ok else "the dead letter"
    if row.until_window:
        wait = _WINDOW_WORDS[row.until_window]
    elif row.delay_s is None:
        wait = "after growing pauses"
    else:
        # A throttle rests all of its scope `for` a time; a retry is one
        # recipient's, `after` a time.
        wait = f"{'for' if row.verdict is Verdict.THROTTLE else 'after'} {duration(row.delay_s)}"
    if row.kind == "receipt":
        sentence = _RECEIPT[row.verdict]
    elif row.kind == "read":
        sentence = _READ.get(row.verdict, _READ_ELSE)
    elif row.kind == "manage":
        sentence = _MANAGE
    else:
        sentence = _SEND.get((row.verdict, row.scope)) or _SEND[row.verdict, None]
    return sentence.format(wait=wait, after=after)


def default_advice(kind: Kind, verdict: Verdict, scope: Scope) -> str:
    """What a person should do, where the row has no words of its own."""
    return _ADVICE.get((kind, verdict, scope)) or _ADVICE.get((kind, verdict, None), _OTHER_CALL)


def as_read(row: CodeRow) -> CodeRow:
    """The row as it holds for a call that only reads.

    What a send must doubt, a read can simply repeat.
    """
    if row.kind != "send":
        return row
    if row.read_verdict is None or row.read_scope is None:
        return replace(row, kind="read")
    # The row's own advice speaks of the send; it holds for the read only where
    # the verdict is the same.
    same = row.read_verdict is row.verdict
    return replace(
        row,
        kind="read",
        verdict=row.read_verdict,
        scope=row.read_scope,
        read_verdict=None,
        read_scope=None,
        advice=row.advice if same else default_advice("read", row.read_verdict, row.read_scope),
    )


def duration(seconds: int) -> str:
    """A time in the largest unit that divides it: `30 s`, `5 min`, `2 h`, `1 day`."""
    if seconds and seconds % 86_400 == 0:
        days = seconds // 86_400
        return f"{days} day" if days == 1 else f"{days} days"
    if seconds and seconds % 3_600 == 0:
        return f"{seconds // 3_600} h"
    return f"{seconds // 60} min" if seconds and seconds % 60 == 0 else f"{seconds} s"
