"""The mainland site, whose API is that of 2017-05-25.

One BizId is the answer for all numbers of a call, so the serial of a message is `<BizId>/<number>`;
where the answer was lost and a receipt found without it, `<OutId>/<number>`.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, Final

import msgspec

from worker.providers.alibaba import facts
from worker.providers.alibaba.content import RULE, UNNAMED, named, template_param
from worker.providers.alibaba.spelling import days_between, local, means, moment, serial_of
from worker.providers.alibaba.wire import AlibabaSite
from worker.providers.base import (
    Answer,
    BatchRule,
    Broken,
    Call,
    FoundMessage,
    Item,
    MessageRef,
    QueryRule,
    Receipt,
    ReceiptPage,
    Refused,
    Region,
    Sent,
    put_off,
)
from worker.providers.reading import unreadable, word

# A call may take its whole timeout, 10 s by default; the rest is for clocks that differ.
# How far the provider's clock may be from ours, and how late a call may reach it, when a day is
# chosen.
_SLACK_S: Final = 120

# How long ago a call is that is looked for, at most: twice the longest horizon that is usual, and
# some more.
_FIND_BACK_S: Final = 3 * 3600

_DAY_S: Final = 86_400


class SendStatus(StrEnum):
    """SendStatus of a QuerySendDetails; the international API has other meanings."""

    WAITING = "1"
    FAILED = "2"
    DELIVERED = "3"


class MainlandProvider(AlibabaSite):
    """An account of the mainland site; a `QueryProvider` and a `FindProvider`."""

    version = "2017-05-25"
    code_field, message_field = "Code", "Message"
    ask_action = facts.DETAILS
    query_rule: Final = QueryRule(facts.DETAILS)
    find_action: Final = facts.DETAILS
    find_limit: Final = 1

    def batch_rule(self, region: Region) -> BatchRule:  # noqa: ARG002 - both regions share the rule, but not a call
        """SendSms for numbers with the same params, SendBatchSms for those with their own."""
        # Half as many numbers with params of their own: SendBatchSms takes 100.
        return BatchRule(
            facts.SEND, facts.NUMBERS_PER_CALL, params_differ=True, own=BatchRule(facts.SEND_EACH, facts.OWN_PER_CALL)
        )

    def send(self, call: Call) -> Answer:
        """Make one SendSms, or one SendBatchSms where each number has params of its own.

        The answer is one word for all of its numbers; OutId comes back in receipts. A refusal has
        no BizId. An acceptance without one is nothing that the API documents, so it may be
        anything.
        """
        action, params = (facts.SEND_EACH, _each_params(call)) if call.own_params else (facts.SEND, _params(call))
        # Params that no template can take are not sent: then the answer is here.
        if not isinstance(params, dict):
            return params
        row = self.row(action, params, timeout_s=call.timeout_s, clean=self.clean_of(call))
        if not isinstance(row, dict):
            return row
        code, biz_id = word(row.get("Code")), word(row.get("BizId"))
        # Without its BizId the message could not be asked about, so "OK" alone is not taken for an
        # acceptance.
        if not code or not biz_id:
            return unreadable("neither a refusal nor a Code with a BizId")
        items = [Item(number, ok=True, code=code, serial=serial_of(biz_id, number)) for number in call.numbers]
        return Sent(tuple(items), word(row.get("RequestId")))

    def query(self, asked: Sequence[MessageRef]) -> ReceiptPage | Refused | Broken:
        """The receipt of one message, by number, day and BizId, or OutId where it is not known.

        The day is that of the call. Within two minutes of Beijing's midnight it may be another one
        by the provider's clock: then the other one is asked for too, with the one token that was
        taken, when the first has nothing.
        """
        (one,) = asked
        # Empty for a message that was found by its OutId: then all of the number's rows of that day
        # come. An OutId of ours is `sl:<ledger>:<attempt>`, a BizId digits with a caret.
        send = one.serial.rpartition("/")[0]
        biz_id = "" if ":" in send else send
        days = days_between(one.accepted_s - _SLACK_S, one.accepted_s + _SLACK_S)
        rows = self._rows(one.number, days, biz_id)
        if not isinstance(rows, list):
            return rows
        page = page_of(rows, one.number, biz_id)
        # By OutId the answer holds other calls of the same day as well; a receipt must not settle
        # another message.
        receipts = tuple(receipt for receipt in page.receipts if receipt.serial == one.serial)
        return ReceiptPage(receipts, page.bad_rows, page.rows)

    def find(self, context: str, numbers: Sequence[int]) -> tuple[FoundMessage, ...] | Refused | Broken:
        """What of the call with this OutId went to a number, today or late yesterday."""
        (number,) = numbers
        # Calls that are looked for are young; yesterday matters only shortly after Beijing's
        # midnight.
        now_s = self.clock()
        rows = self._rows(number, days_between(now_s - _FIND_BACK_S, now_s))
        if not isinstance(rows, list):
            return rows
        ours = [row for row in rows if _known(row, number) and _out_id(row) == context]
        serial = serial_of(context, number)
        # The first row alone: a call sends one message to a number.
        return tuple(
            FoundMessage(number, serial, None if _waits(row) else _receipt(row, number, "")) for row in ours[:1]
        )

    def ask(self, number: int, *, since_s: int, until_s: int) -> ReceiptPage | Refused | Broken:
        """Receipts of one number between two epoch times, by OutId in place of the BizId.

        Days are asked for one by one, so that the receipts may be of a wider time; the provider
        keeps 30. When nothing of the time asked about is left, nothing is asked and the answer is
        `Broken`, as an empty page would say that there was no receipt.
        """
        # Kept off the oldest day by the slack, or the provider's clock may find it too old.
        since_s = max(since_s, int(self.clock()) - facts.DAYS_BACK * _DAY_S + _SLACK_S)
        if since_s >= until_s:
            detail = "the time asked about is over 30 days ago or empty"
            return Broken(maybe_sent=False, code="ask.TooOld", detail=detail)
        rows = self._rows(number, days_between(since_s, until_s))
        return page_of(rows, number) if isinstance(rows, list) else rows

    def _rows(self, number: int, days: Sequence[str], biz_id: str = "") -> list[Any] | Refused | Broken:
        """What went to a number on these days; with a BizId only to the first that has any."""
        found = list[Any]()
        for day in days:
            page = {"PageSize": str(facts.ROWS_PER_PAGE), "CurrentPage": "1"}
            row = self.row(facts.DETAILS, {"PhoneNumber": local(number), "SendDate": day, "BizId": biz_id, **page})
            if not isinstance(row, dict):
                return row
            if not word(row.get("Code")):
                return unreadable("no Code")
            inner = row.get("SmsSendDetailDTOs")
            rows = inner.get("SmsSendDetailDTO") if isinstance(inner, dict) else None
            found += rows if isinstance(rows, list) else []
            # A BizId is of one day, so the other day has nothing and costs a call.
            if biz_id and found:
                break
        return found


def _params(call: Call) -> dict[str, object] | Broken:
    """The parameters of a SendSms."""
    content = call.content
    params = template_param(content.params)
    if isinstance(params, Broken):
        return params
    return {
        "PhoneNumbers": ",".join(map(local, call.numbers)),
        "SignName": content.sign,
        "TemplateCode": content.template,
        "TemplateParam": params,
        "SmsUpExtendCode": content.extend,
        "OutId": call.context,
    }


def _each_params(call: Call) -> dict[str, object] | Sent:
    """The parameters of a SendBatchSms."""
    content, size = call.content, len(call.numbers)
    each = [named(params) for params in call.own_params]
    if None in each:
        # The provider would refuse the whole call for one of them: the fit ones go with the next
        # call instead.
        unfit = [number for number, own in zip(call.numbers, each, strict=True) if own is None]
        return put_off(call.numbers, because_of=unfit, code=UNNAMED, message=RULE)
    return {
        "TemplateCode": content.template,
        "OutId": call.context,
        "PhoneNumberJson": _json([local(number) for number in call.numbers]),
        "SignNameJson": _json([content.sign] * size),
        "TemplateParamJson": _json(each) if any(each) else "",
        "SmsUpExtendCodeJson": _json([content.extend] * size) if content.extend else "",
    }


def page_of(rows: Sequence[Any], number: int, biz_id: str = "") -> ReceiptPage:
    """The receipts in rows. A message that waits for its receipt counts as a row, and gives none.

    A row does not repeat its BizId. So its OutId takes its place when all sends were asked about;
    rows that then have none are messages of another tool.
    """
    # smsline sets OutId in every call; a row without one was sent by another tool with the same
    # key.
    ours = [row for row in rows if biz_id or _out_id(row)]
    # A row that is not known counts as bad, so that the message is asked about again.
    known = [row for row in ours if _known(row, number)]
    receipts = [_receipt(row, number, biz_id) for row in known if not _waits(row)]
    return ReceiptPage(tuple(receipts), bad_rows=len(ours) - len(known), rows=len(ours))


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


def _json(values: Sequence[object]) -> str:
    return msgspec.json.encode(values).decode()
