"""Callbacks: receipts and replies of an app are pushed to a URL (document, from line 7269)."""

from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from typing import Any, Final

from worker.sandbox.book import PersonReply
from worker.sandbox.numbers import parts_of
from worker.sandbox.sandbox import Sandbox
from worker.sandbox.state import SandboxReceipt

DELIVERED: Final = "The SMS message is successfully delivered"
_BEIJING: Final = timezone(timedelta(hours=8))


class TencentPushes:
    """The form; `ext` is there as after activation by the provider.

    Args:
        sandbox: Whose flags say so.
    """

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def receipts(self, receipts: Sequence[SandboxReceipt]) -> list[object]:
        """One page."""
        page = list[object]()
        for receipt in receipts:
            row = {
                "user_receive_time": f"{datetime.fromtimestamp(receipt.received_s, _BEIJING):%Y-%m-%d %H:%M:%S}",
                **_number(receipt.number),
                "report_status": "SUCCESS" if receipt.delivered else "FAIL",
                "errmsg": receipt.code,
                "description": DELIVERED if receipt.delivered else f"sandbox: {receipt.code}",
                "sid": receipt.serial,
            }
            page.append({**row, "ext": receipt.context} if self._sandbox.flags.echo_context else row)
        return [page]

    def reply(self, reply: PersonReply) -> object:
        """One object."""
        fields = {"extend": reply.extend, **_number(reply.number), "sign": reply.sign}
        return {**fields, "text": reply.text, "time": reply.at_s}

    def taken(self, answer: Any) -> bool:  # noqa: ANN401 - JSON of a stranger
        """By the number 0."""
        return isinstance(answer, dict) and answer.get("result") == 0


def _number(number: int) -> dict[str, str]:
    return dict(zip(("nationcode", "mobile"), parts_of(number), strict=True))
