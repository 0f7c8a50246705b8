"""The international site, whose API is that of 2018-05-01.

One number in a call. Global numbers are sent a whole text, mainland numbers a template.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Final

from smsline.numbers import is_mainland
from worker.providers.alibaba.content import template_param, values
from worker.providers.alibaba.facts import MESSAGE, SEND_CHINA, SEND_GLOBE
from worker.providers.alibaba.spelling import means, moment
from worker.providers.alibaba.wire import AlibabaSite
from worker.providers.base import (
    Answer,
    BatchRule,
    Broken,
    Call,
    Item,
    MessageRef,
    QueryRule,
    Receipt,
    ReceiptPage,
    Refused,
    Region,
    Sent,
)
from worker.providers.reading import text, unreadable, whole, word
from worker.providers.texts import filled

# What a query answers until there is a receipt.
NOT_YET: Final = "DATA_NOT_EXIST"


class GlobeStatus(StrEnum):
    """Status of a QueryMessage. The mainland API has the same numbers with other meanings."""

    DELIVERED = "1"
    FAILED = "2"
    SENDING = "3"


class InternationalProvider(AlibabaSite):
    """An account of the international site; a `QueryProvider`."""

    version = "2018-05-01"
    code_field, message_field = "ResponseCode", "ResponseDescription"
    query_rule: Final = QueryRule(MESSAGE)

    def batch_rule(self, region: Region) -> BatchRule:
        """One number in a call; README says why not BatchSendMessageToGlobe."""
        return BatchRule(SEND_CHINA if region == "mainland" else SEND_GLOBE, 1)

    def send(self, call: Call) -> Answer:
        """Make one SendMessageWithTemplate to a mainland number, else one SendMessageToGlobe.

        An acceptance without a MessageId is nothing that the API documents, so it may be anything.
        """
        number, content = call.numbers[0], call.content
        params: dict[str, object]
        if is_mainland(number):
            action, said = SEND_CHINA, template_param(content.params)
            # No TaskId, which this action has not: its receipt is matched by the MessageId alone.
            params = {"From": content.sign, "TemplateCode": content.template, "TemplateParam": said}
            params["SmsUpExtendCode"] = content.extend
        else:
            action, said = SEND_GLOBE, filled(content.template, values(content.params), self.account.texts)
            params = {"From": content.sender, "Message": said, "TaskId": call.context}
        if isinstance(said, Broken):
            return said
        # The text holds the params: an error that quotes it would tell them.
        clean = self.clean_of(call, said)
        row = self.row(action, {"To": str(number), **params}, timeout_s=call.timeout_s, clean=clean)
        if not isinstance(row, dict):
            return row
        code, message_id = word(row.get("ResponseCode")), word(row.get("MessageId"))
        if not code or not message_id:
            return unreadable("neither a refusal nor a ResponseCode with a MessageId")
        # Parts that are charged; the mainland API does not tell them.
        item = Item(number, ok=True, code=code, serial=message_id, fee=whole(row.get("Segments")))
        return Sent((item,), word(row.get("RequestId")))

    def query(self, asked: Sequence[MessageRef]) -> ReceiptPage | Refused | Broken:
        """The receipt of one message, by MessageId; none while it is on its way or not known."""
        (one,) = asked
        row = self.row(MESSAGE, {"MessageId": one.serial})
        if isinstance(row, Refused) and row.code.removeprefix("isv.") == NOT_YET:
            # Asked about within its first seconds a message is not known yet; that is no fault of
            # the question.
            return ReceiptPage((), 0, 0)
        if not isinstance(row, dict):
            return row
        status, to = word(row.get("Status")), word(row.get("To"))
        if not word(row.get("ResponseCode")):
            return unreadable("neither a refusal nor a ResponseCode")
        # A row about another number, or with a status that the API does not document: neither
        # settles anything.
        if status not in set(GlobeStatus) or (to and not means(to, one.number)):
            return ReceiptPage((), bad_rows=1, rows=1)
        if status == GlobeStatus.SENDING:
            return ReceiptPage((), 0, 1)
        receipt = Receipt(
            number=one.number,
            serial=one.serial,
            ok=status == GlobeStatus.DELIVERED,
            code=word(row.get("ErrorCode")),
            received_at_s=moment(word(row.get("ReceiveDate"))),
            context="",
            message=text(row.get("ErrorDescription")),
        )
        return ReceiptPage((receipt,), 0, 1)
