"""The API of 2018-05-01, for the international site: questions of its three actions, and answers.

One number in a call. Global numbers are sent a whole text, mainland numbers a template.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from smsline.numbers import is_mainland
from worker.providers.alibaba.content import template_param, text_of
from worker.providers.alibaba.facts import MESSAGE, SEND_CHINA, SEND_GLOBE
from worker.providers.alibaba.spelling import means, moment
from worker.providers.alibaba.wire import Question, answered
from worker.providers.base import Broken, Call, Item, MessageRef, Receipt, ReceiptPage, Refused, Sent
from worker.providers.cleaning import Clean
from worker.providers.reading import text, unreadable, whole, word

VERSION: Final = "2018-05-01"

NOT_YET: Final = "DATA_NOT_EXIST"
"""What a query answers until there is a receipt."""


class GlobeStatus(StrEnum):
    """Status of a QueryMessage. The mainland API has the same numbers with other meanings."""

    DELIVERED = "1"
    FAILED = "2"
    SENDING = "3"


def send_question(call: Call, texts: Mapping[str, str]) -> Question | Broken:
    """SendMessageWithTemplate to a mainland number, SendMessageToGlobe to any other.

    Args:
        call: One number, and what it is told.
        texts: Template id, lower case, to the text for global numbers.
    """
    number, content = call.numbers[0], call.content
    if is_mainland(number):
        params = template_param(content.params)
        if isinstance(params, Broken):
            return params
        # No TaskId here: SendMessageWithTemplate has none, so such a receipt is matched by its
        # MessageId alone.
        query = {
            "To": str(number),
            "From": content.sign,
            "TemplateCode": content.template,
            "TemplateParam": params,
            "SmsUpExtendCode": content.extend,
        }
        return Question(SEND_CHINA, VERSION, query)
    message = text_of(texts, content)
    if isinstance(message, Broken):
        return message
    query = {"To": str(number), "From": content.sender, "Message": message, "TaskId": call.context}
    return Question(SEND_GLOBE, VERSION, query)


def read_send(body: bytes, call: Call, *, clean: Clean) -> Sent | Refused | Broken:
    """The answer to either send. An acceptance without a MessageId is nothing that the API documents, so it may be anything."""
    row = answered(body, "ResponseCode", "ResponseDescription", clean=clean)
    if not isinstance(row, dict):
        return row
    code, message_id = word(row.get("ResponseCode")), word(row.get("MessageId"))
    if not code or not message_id:
        return unreadable("neither a refusal nor a ResponseCode with a MessageId")
    # Parts that are charged; the mainland API does not tell them.
    fee = whole(row.get("Segments"))
    item = Item(call.numbers[0], ok=True, code=code, serial=message_id, fee=fee, message="")
    return Sent((item,), word(row.get("RequestId")))


def message_question(asked: MessageRef) -> Question:
    """QueryMessage: what became of one message."""
    return Question(MESSAGE, VERSION, {"MessageId": asked.serial})


def read_message(body: bytes, asked: MessageRef, *, clean: Clean) -> ReceiptPage | Refused | Broken:
    """The answer to a QueryMessage. A message that is on its way, or not known yet, has no receipt and is no fault."""
    row = answered(body, "ResponseCode", "ResponseDescription", clean=clean)
    if isinstance(row, Refused) and row.code.removeprefix("isv.") == NOT_YET:
        # Asked about within its first seconds a message is not known yet; that is no fault of the
        # question.
        return ReceiptPage((), 0, 0)
    if not isinstance(row, dict):
        return row
    status, to = word(row.get("Status")), word(row.get("To"))
    if not word(row.get("ResponseCode")):
        return unreadable("neither a refusal nor a ResponseCode")
    # A row about another number, or with a status that the API does not document: neither settles
    # anything.
    if status not in set(GlobeStatus) or (to and not means(to, asked.number)):
        return ReceiptPage((), bad_rows=1, rows=1)
    if status == GlobeStatus.SENDING:
        return ReceiptPage((), 0, 1)
    receipt = Receipt(
        number=asked.number,
        serial=asked.serial,
        ok=status == GlobeStatus.DELIVERED,
        code=word(row.get("ErrorCode")),
        received_at_s=moment(word(row.get("ReceiveDate"))),
        context="",
        message=text(row.get("ErrorDescription")),
    )
    return ReceiptPage((receipt,), 0, 1)
