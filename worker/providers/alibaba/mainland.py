"""The API of 2017-05-25, for the mainland site: questions of its three actions, and answers.

One BizId is the answer for all numbers of a call, so the serial of a message is `<BizId>/<number>`;
where the answer was lost and a receipt found without it, `<OutId>/<number>`.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, Final

import msgspec

from worker.providers.alibaba.content import AGAIN, RULE, UNNAMED, named, template_param, template_params
from worker.providers.alibaba.facts import DETAILS, ROWS_PER_PAGE, SEND, SEND_EACH
from worker.providers.alibaba.spelling import local, means, moment
from worker.providers.alibaba.wire import Question, answered, listed
from worker.providers.base import Broken, Call, FoundMessage, Item, Receipt, ReceiptPage, Refused, Sent
from worker.providers.cleaning import Clean
from worker.providers.reading import unreadable, word

VERSION: Final = "2017-05-25"


class SendStatus(StrEnum):
    """SendStatus of a QuerySendDetails. The international API has the same numbers with other meanings."""

    WAITING = "1"
    FAILED = "2"
    DELIVERED = "3"


def send_question(call: Call) -> Question | Sent | Broken:
    """SendSms where all numbers have the same params, SendBatchSms where each has its own; OutId comes back in receipts.

    Params that no template can take are not sent: then the answer is here.
    """
    content, size = call.content, len(call.numbers)
    if call.own_params:
        fits = [named(params) is not None for params in call.own_params]
        if not all(fits):
            # The provider would refuse the whole call for one of them: the fit ones go with the
            # next call instead.
            words = [(AGAIN, "") if fit else (UNNAMED, RULE) for fit in fits]
            items = [
                Item(number, ok=False, code=code, serial="", fee=0, message=message)
                for number, (code, message) in zip(call.numbers, words, strict=True)
            ]
            return Sent(tuple(items), "")
        form = {
            "PhoneNumberJson": _json([local(number) for number in call.numbers]),
            "SignNameJson": _json([content.sign] * size),
            "TemplateParamJson": template_params(call.own_params) if any(call.own_params) else "",
            "SmsUpExtendCodeJson": _json([content.extend] * size) if content.extend else "",
        }
        return Question(SEND_EACH, VERSION, {"TemplateCode": content.template, "OutId": call.context}, form)
    params = template_param(content.params)
    if isinstance(params, Broken):
        return params
    query = {
        "PhoneNumbers": ",".join(map(local, call.numbers)),
        "SignName": content.sign,
        "TemplateCode": content.template,
        "TemplateParam": params,
        "SmsUpExtendCode": content.extend,
        "OutId": call.context,
    }
    return Question(SEND, VERSION, query)


def read_send(body: bytes, call: Call, *, clean: Clean) -> Sent | Refused | Broken:
    """The answer to either send: one word for all of its numbers.

    A refusal has no BizId. An acceptance without one is nothing that the API documents, so it may be anything.
    """
    row = answered(body, "Code", "Message", clean=clean)
    if not isinstance(row, dict):
        return row
    code, biz_id = word(row.get("Code")), word(row.get("BizId"))
    # Without its BizId the message could not be asked about, so "OK" alone is not taken for an
    # acceptance.
    if not code or not biz_id:
        return unreadable("neither a refusal nor a Code with a BizId")
    items = [
        Item(number, ok=True, code=code, serial=serial_of(biz_id, number), fee=0, message="") for number in call.numbers
    ]
    return Sent(tuple(items), word(row.get("RequestId")))


def details_question(number: int, day: str, biz_id: str = "") -> Question:
    """QuerySendDetails: what went to one number on one day, of one send or of all.

    Args:
        number: E.164 integer.
        day: `yyyyMMdd` in Beijing.
        biz_id: Of the send, or empty for all.
    """
    query = {
        "PhoneNumber": local(number),
        "SendDate": day,
        "BizId": biz_id,
        "PageSize": str(ROWS_PER_PAGE),
        "CurrentPage": "1",
    }
    return Question(DETAILS, VERSION, query)


def read_rows(body: bytes, *, clean: Clean) -> list[Any] | Refused | Broken:
    """The rows of a QuerySendDetails, as they came."""
    row = answered(body, "Code", "Message", clean=clean)
    if not isinstance(row, dict):
        return row
    return listed(row, "SmsSendDetailDTOs", "SmsSendDetailDTO") if word(row.get("Code")) else unreadable("no Code")


def page_of(rows: Sequence[Any], number: int, biz_id: str = "") -> ReceiptPage:
    """The receipts in rows. A message that waits for its receipt counts as a row, and gives none.

    A row does not repeat its BizId. So its OutId takes its place when all sends were asked about; rows that then have none are
    messages of another tool.
    """
    # smsline sets OutId in every call; a row without one was sent by another tool with the same
    # key.
    ours = [row for row in rows if biz_id or _out_id(row)]
    # A row that is not known counts as bad, so that the message is asked about again.
    known = [row for row in ours if _known(row, number)]
    receipts = [_receipt(row, number, biz_id) for row in known if not _waits(row)]
    return ReceiptPage(tuple(receipts), bad_rows=len(ours) - len(known), rows=len(ours))


def found_in(rows: Sequence[Any], number: int, out_id: str) -> tuple[FoundMessage, ...]:
    """What of the call with this OutId went to a number: with its receipt, or on its way."""
    ours = [row for row in rows if _known(row, number) and _out_id(row) == out_id]
    serial = serial_of(out_id, number)
    # The first row alone: a call sends one message to a number.
    return tuple(FoundMessage(number, serial, None if _waits(row) else _receipt(row, number, "")) for row in ours[:1])


def serial_of(send: str, number: int) -> str:
    """The id of the message to one number of a send, which is called by its BizId or its OutId."""
    return f"{send}/{number}"


def biz_id_of(serial: str) -> str:
    """The BizId in a serial, empty for one that has an OutId instead: ours have colons, and BizIds have none."""
    send = serial.rpartition("/")[0]
    # An OutId of ours is `sl:<ledger>:<attempt>`, a BizId digits with a caret.
    return "" if ":" in send else send


def _out_id(row: object) -> str:
    return word(row.get("OutId")) if isinstance(row, dict) else ""


def _waits(row: dict[str, Any]) -> bool:
    return word(row.get("SendStatus")) == SendStatus.WAITING


def _known(row: object, number: int) -> bool:
    """Whether the row is about this number and has a status that the API documents."""
    if not isinstance(row, dict) or not means(word(row.get("PhoneNum")), number):
        return False
    return word(row.get("SendStatus")) in set(SendStatus)


def _receipt(row: dict[str, Any], number: int, biz_id: str) -> Receipt:
    return Receipt(
        number=number,
        serial=serial_of(biz_id or _out_id(row), number),
        ok=word(row.get("SendStatus")) == SendStatus.DELIVERED,
        code=word(row.get("ErrCode")),
        received_at_s=moment(word(row.get("ReceiveDate"))),
        context=_out_id(row),
    )


def _json(values: Sequence[str]) -> str:
    return msgspec.json.encode(values).decode()
