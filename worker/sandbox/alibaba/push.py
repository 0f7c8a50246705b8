"""Alibaba's callbacks: lists of receipts in the form of the sending site, and SmsUp."""

from collections.abc import Sequence
from typing import Any, Final

from worker.sandbox.alibaba.book import AlibabaBook
from worker.sandbox.alibaba.gateway import AlibabaWire
from worker.sandbox.alibaba.international import date_of
from worker.sandbox.alibaba.mainland import clock_of
from worker.sandbox.book import PersonReply
from worker.sandbox.state import SandboxReceipt

# Before a key's AccessKey ID in `callbacks`.
PREFIX: Final = "alibaba "


class AlibabaPushes:
    """The form.

    Args:
        wire: Whose book has the messages by their ids.
    """

    def __init__(self, wire: AlibabaWire) -> None:
        self._wire = wire
        self._sequence = 0

    def receipts(self, receipts: Sequence[SandboxReceipt]) -> list[object]:
        """A page for each site."""
        book: AlibabaBook = self._wire.book
        mainland, globe = list[object](), list[object]()
        for receipt in receipts:
            message = book.at(receipt.message)
            code, failed = message.fate.receipt, f"sandbox: {message.fate.receipt}"
            if message.call.globe:
                globe.append(
                    {
                        "To": str(message.number),
                        "Status": "1" if receipt.delivered else "2",
                        "MessageId": message.message_id,
                        "SmsSize": "1",
                        "TaskId": message.call.context,
                        "SendDate": date_of(message.sent_s),
                        "ReceiveDate": date_of(receipt.received_s),
                        "ErrorCode": code,
                        "ErrorDescription": "success" if receipt.delivered else failed,
                    }
                )
            else:
                mainland.append(
                    {
                        "phone_number": _local(message.number),
                        "send_time": clock_of(message.sent_s),
                        "report_time": clock_of(receipt.received_s),
                        "success": receipt.delivered,
                        "err_code": code,
                        "err_msg": "用户接收成功" if receipt.delivered else failed,
                        "sms_size": "1",
                        "biz_id": message.biz_id,
                        "out_id": message.call.context,
                    }
                )
        return [page for page in (mainland, globe) if page]

    def reply(self, reply: PersonReply) -> object:
        """A list of one. `sequence_id` is text, as it is now."""
        self._sequence += 1
        return [
            {
                "phone_number": _local(reply.number),
                "content": reply.text,
                "send_time": clock_of(reply.at_s),
                "dest_code": reply.extend,
                "sequence_id": str(self._sequence),
                "sign_name": reply.sign,
            }
        ]

    def taken(self, answer: Any) -> bool:  # noqa: ANN401 - JSON of a stranger
        """By a number under `code`; which one does not matter."""
        return isinstance(answer, dict) and isinstance(answer.get("code"), int)


def _local(number: int) -> str:
    return str(number).removeprefix("86") if str(number).startswith("86") else str(number)
