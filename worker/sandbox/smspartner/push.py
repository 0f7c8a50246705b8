"""SMSPartner's callbacks: one object a receipt, and replies of type response or stop.

The pages do not show a receipt: it has the form that was observed.
"""

from collections.abc import Sequence
from typing import Any

from worker.sandbox.book import PersonReply
from worker.sandbox.smspartner.gateway import SmsPartnerWire
from worker.sandbox.smspartner.send import PRICE
from worker.sandbox.smspartner.steering import WAITING
from worker.sandbox.state import SandboxReceipt


class SmsPartnerPushes:
    """The form.

    Args:
        wire: Whose store has the messages by their ids, and the STOP list.
    """

    def __init__(self, wire: SmsPartnerWire) -> None:
        self._wire = wire

    def receipts(self, receipts: Sequence[SandboxReceipt]) -> list[object]:
        """An object each; a message that waits for ever has none."""
        known = [(receipt, *self._wire.store.at(receipt.message)) for receipt in receipts]
        return [
            {
                "status": message.fate.status.lower(),
                "msgId": str(message_id),
                "date": receipt.received_s,
                "phone": f"+{receipt.number}",
                "cost": str(PRICE),
            }
            for receipt, message_id, message in known
            if message.fate.status != WAITING
        ]

    def reply(self, reply: PersonReply) -> object:
        """One object; the provider itself reads STOP, and puts the number on its list."""
        stops = reply.text.strip().upper() == "STOP"
        if stops:
            self._wire.store.stopped.setdefault(reply.number, reply.at_s * 1000)
        last = self._wire.store.last_to(reply.number)
        kind = "stop" if stops else "response"
        return {"type": kind, "phone_number": f"+{reply.number}", "text": reply.text, "message_id": last}

    def taken(self, answer: Any) -> bool:  # noqa: ANN401, ARG002 - JSON of a stranger
        """By the status alone, as far as is known."""
        return True
