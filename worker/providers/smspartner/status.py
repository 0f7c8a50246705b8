"""What became of messages: the bodies of the four status calls, and the receipts in their answers.

A status is not final while it is `Waiting`; then, and when the provider does not know the message
yet, there is no receipt. None of the answers gives a reason for a failure.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from smsline.codes import lookup
from smsline.numbers import e164
from smsline.verdicts import Verdict
from worker.providers.base import Broken, MessageRef, Receipt, ReceiptPage
from worker.providers.reading import Row, first, flag, unreadable, whole, word
from worker.providers.smspartner.spelling import asked as number_asked
from worker.providers.smspartner.spelling import moment, received
from worker.providers.smspartner.wire import statuses_in

# The namespace of the words a status can be.
SPACE: Final = "dlr"


@dataclass(frozen=True, slots=True)
class MessageStatus:
    """What the provider says of one message.

    Attributes:
        number: E.164 integer.
        message_id: Of the call that sent it, or empty where the answer does not repeat it.
        word: `delivered`, `not delivered`, `waiting`, `ko`, or one that no table knows; lower case.
        at_s: Epoch seconds, 0 when none is given.
        stopped: Whether the recipient has answered STOP.
    """

    number: int
    message_id: str
    word: str
    at_s: int
    stopped: bool


@dataclass(frozen=True, slots=True)
class StatusPage:
    """One answer about several messages, without those that the provider does not know.

    Attributes:
        statuses: What could be read.
        bad_rows: How many rows could not be read.
        page: Which page of several it is, from 1; 0 where pages are not counted.
        total: How many rows all pages have; 0 where that is not said.
    """

    statuses: tuple[MessageStatus, ...]
    bad_rows: int = 0
    page: int = 0
    total: int = 0


def message_id_of(serial: str) -> str:
    """The message_id, or where none is known the tag, in a serial."""
    return serial.partition("/")[0]


def query_params(asked: Sequence[MessageRef]) -> dict[str, object]:
    """The parameters of a multi-status about messages whose call's message_id is known."""
    wanted = [{"phoneNumber": e164(each.number), "messageId": int(message_id_of(each.serial))} for each in asked]
    # The pages call it SMSStatus_List; their samples, and the clients that work, SMSStatut_List.
    return {"SMSStatut_List": wanted}


def page_in(row: Row, numbers: Collection[int] = ()) -> StatusPage | Broken:
    """The answer to multi-status, bulk-status, bulk-status-by-tag or message-status.

    Args:
        row: The answer.
        numbers: The recipients that were asked about, to read national spellings by.
    """
    listed = statuses_in(row)
    # message-status answers with the row itself.
    if listed is None and not _word(row):
        return unreadable("neither a status, a list StatutResponse_List, nor an error")
    # A row that says "not successful" is of a message that the provider does not know, or not yet.
    known = [each for each in ([row] if listed is None else listed) if flag(each.get("success")) is not False]
    statuses = list[MessageStatus]()
    for each in known:
        spelled, state = word(first(each, "phoneNumber", "number", "phone")), _word(each)
        # What was asked about first: a national spelling alone may mean several numbers.
        number = number_asked(spelled, numbers) or received(spelled)
        if number is None or not state:
            continue
        message_id = word(first(each, "messageId", "message_id", "msgId"))
        stopped = bool(flag(first(each, "stopSms", "stopSMS")))
        statuses.append(MessageStatus(number, message_id, state, moment(each.get("date")), stopped))
    bad_rows, page, total = len(known) - len(statuses), whole(row.get("currentPage")), whole(row.get("total"))
    return StatusPage(tuple(statuses), bad_rows, page, total)


def receipts_of(page: StatusPage, asked: Sequence[MessageRef]) -> ReceiptPage:
    """The final ones as receipts, under the serials that were asked about.

    An answer that does not repeat the message_id belongs to its number only where one message to it
    was asked about.
    """
    serials = {(message_id_of(each.serial), each.number): each.serial for each in asked}
    # Two messages to one number are told apart by message_id alone; without it a receipt could
    # settle the wrong one.
    times = Counter(each.number for each in asked)
    alone = {each.number: each.serial for each in asked if times[each.number] == 1}
    receipts = []
    for status in page.statuses:
        serial = serials.get((status.message_id, status.number)) if status.message_id else alone.get(status.number)
        if serial and (receipt := receipt_when_final(status, serial)):
            receipts.append(receipt)
    return ReceiptPage(receipts=tuple(receipts), bad_rows=page.bad_rows, rows=len(page.statuses) + page.bad_rows)


def receipt_when_final(status: MessageStatus, serial: str, context: str = "") -> Receipt | None:
    """A status as a receipt; None while it may still change."""
    # The words are rows of the code tables, so that a person can add one without a release. One
    # that no table knows may be followed by a final one: taken for a failure it would end the
    # message too soon.
    match = lookup("smspartner", SPACE, status.word)
    if match.how == "unknown" or match.row.pending:
        return None
    return Receipt(status.number, serial, match.row.verdict is Verdict.OK, status.word, status.at_s, context)


def _word(row: Row) -> str:
    return word(first(row, "status", "statut")).lower()
