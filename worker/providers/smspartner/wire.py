"""A bulk-send on SMSPartner's wire: the request's body, and how its answer is read."""

import re
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Final

from config.accounts import Account
from smsline.numbers import e164
from worker.providers.base import Broken, Item, Refused, Sent, put_off
from worker.providers.cleaning import Clean
from worker.providers.reading import Oddities, Row, first, flag, items_of, opened, rows, unreadable, whole, word
from worker.providers.smspartner.spelling import asked, named

# The code of what went well; success counts more (another call answers success with code 2).
OK: Final = "200"

# Stands for the code of a failure that has none.
UNEXPLAINED: Final = "success.false"

# As `Engine.context` makes them; so long a tag can be read by people.
_CONTEXT: Final = re.compile(r"(sl):([0-9a-f]{6}):([0-9]{1,12})")
_ELEMENT: Final = re.compile(r"children\[(\w+)\]")

# The last field that an elementId of code 9 names, to the code that says whose fault it is; any
# other is the call's own.
FIELDS: Final[Mapping[str, str]] = {
    "phoneNumber": "9.phoneNumbers",
    "phoneNumbers": "9.phoneNumbers",
    "message": "9.message",
    "sender": "9.sender",
}

# Codes that speak of single numbers, and so of a whole call only because it holds one of them.
ABOUT_NUMBERS: Final = frozenset({"9.phoneNumbers", "13", "14", "15"})

# The sender or the text spoils every number of a call, a number only itself.
_WORST_FIRST: Final = ("9", "9.sender", "9.message", "9.phoneNumbers")


def tag_of(context: str) -> str:
    """The tag of a call: at most 20 lower-case letters and digits, one for each context."""
    # At most 20 characters without a colon: the context's own parts fit, so people can read them in
    # the console.
    if found := _CONTEXT.fullmatch(context):
        return "".join(found.groups())
    # 9 bytes are 18 hex digits, with the prefix 20 characters, which is the most; 72 bits hardly
    # meet twice.
    return "sl" + blake2b(context.encode(), digest_size=9).hexdigest()


def send_params(
    account: Account, messages: Mapping[int, str], *, sender: str, tag: str, callback: str = ""
) -> dict[str, object]:
    """The parameters of a bulk-send.

    Args:
        account: Whose call it is.
        messages: Number to text.
        sender: The sender's name, or empty for a short number of SMSPartner's.
        tag: By which the call can be asked about when its answer is lost.
        callback: URL to whose `/status` and `/reply` receipts and replies are posted; empty for
            none.
    """
    return {
        "SMSList": [{"phoneNumber": e164(number), "message": lines_marked(text)} for number, text in messages.items()],
        "sender": sender,
        "gamme": account.gamme,
        "tag": tag,
        # Flags are numbers there, and 0 is the default.
        "isStopSms": int(account.stop_sms) or None,
        "isUnicode": int(account.unicode) or None,
        # The account's console has no URL for receipts: it is told with each send, or there is
        # none.
        "urlDlr": callback and f"{callback}/status",
        "urlResponse": callback and f"{callback}/reply",
    }


def lines_marked(message: str) -> str:
    """The text with line breaks as SMSPartner wants them, `:br:`, each two characters."""
    # Whatever line break the job wrote, CR LF and the Unicode ones too.
    return ":br:".join(message.splitlines())


def serial_of(message_id: str, number: int) -> str:
    """The id of the message to one number; SMSPartner's own is the same for a whole call."""
    return f"{message_id}/{number}"


def refusal(row: Row, clean: Clean) -> Refused | None:
    """The one error of an answer that says it failed; None when it does not say so."""
    if succeeded(row) is not False:
        return None
    return Refused(code=fault(row), message=clean(told(row)), request_id="")


def statuses_in(row: Row) -> list[Row] | None:
    """The rows of an answer about several messages; French and English spelling both occur."""
    return rows(first(row, "StatutResponse_List", "StatusResponse_List"))


def succeeded(row: Row) -> bool | None:
    """What the success flag says, or where there is none the code; None when there is neither."""
    ok, code = flag(row.get("success")), word(row.get("code"))
    return ok if ok is not None or not code else code == OK


def complaints(row: Row) -> Sequence[Row]:
    """What code 9 lists; the pages call it `errors` and `error`."""
    return rows(first(row, "errors", "error")) or []


def fault(row: Row) -> str:
    """The code of what failed, and of code 9 whose fault it is: of the gravest field."""
    code, listed = word(row.get("code")), complaints(row)
    if code != "9" or not listed:
        return code if code not in ("", OK) else UNEXPLAINED
    # `children[phoneNumber].data`: the innermost name is the field.
    fields = [(_ELEMENT.findall(word(each.get("elementId"))) or [""])[-1] for each in listed]
    return min((FIELDS.get(name, "9") for name in fields), key=_WORST_FIRST.index)


def told(row: Row) -> str:
    """The provider's words on why it failed."""
    words = [word(each.get("message")) for each in (row, *complaints(row))]
    return "; ".join(filter(None, words))


def read_send(
    body: bytes, numbers: Sequence[int], *, tag: str, clean: Clean
) -> tuple[Sent | Refused | Broken, Oddities]:
    """The answer to a bulk-send, its items matched to the numbers of the call.

    Args:
        body: The answer's body.
        numbers: The recipients of the call.
        tag: What the call is known by when the answer holds no message_id.
        clean: Applied to the provider's messages.
    """
    row = opened(body)
    if isinstance(row, Broken):
        return row, Oddities()
    listed = rows(row.get("SMSResponse_List"))
    refused = refusal(row, clean)
    # With rows the flag of the whole answer says nothing: each number has its own.
    if refused and not listed:
        # A single number, or a fault that is none of a number's: there are no others to let off.
        about_some = refused.code in ABOUT_NUMBERS and len(numbers) > 1
        guilty = frozenset(named(told(row), frozenset(numbers)) if about_some else ())
        if not guilty:
            return refused, Oddities()
        return put_off(numbers, because_of=guilty, code=refused.code, message=refused.message), Oddities()
    if not listed and succeeded(row) is None:
        return unreadable("neither a flag, a code, nor a list SMSResponse_List"), Oddities()
    # Three spellings of one field, by call; the tag stands in where an answer has none.
    message_id = word(first(row, "message_id", "messageId", "msgId"))

    def item(each: Row, number: int) -> Item:
        if not succeeded(each):
            return Item(number, ok=False, code=fault(each), message=clean(told(each)))
        serial, fee = serial_of(message_id or tag, number), whole(first(each, "nbSms", "nbSMS"))
        return Item(number, ok=True, code=OK, serial=serial, fee=fee)

    items, oddities = items_of(
        listed or [],
        numbers,
        spelled=lambda each: word(each.get("phoneNumber")) if succeeded(each) is not None else "",
        asked=asked,
        item=item,
    )
    return Sent(items=items, request_id=message_id), oddities
