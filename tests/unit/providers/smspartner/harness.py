"""What the tests of this folder share.

An account, a provider on a fake transport, and answers to give.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import httpx
from pydantic import SecretStr

from config.accounts import Account
from tests.unit.providers.line import FakeLine
from worker.providers.base import Call, Content, MessageRef
from worker.providers.smspartner.client import SmsPartnerProvider

API_KEY = "k3y0fFrench5ecret"
FIRST, SECOND, THIRD = 33612345678, 33698765432, 262692123456
OTP = "482913"
TEXTS = {"login": "Votre code: {1}", "plain": "Bonjour"}
SECRETS = (API_KEY, OTP, "Votre code")

ACCOUNT = Account(provider="smspartner", secret_key=SecretStr(API_KEY), texts=TEXTS)
CALL = Call(
    numbers=(FIRST, SECOND),
    content=Content(template="login", params=(OTP,), sign="ACME"),
    context="sl:ab12cd:77",
    timeout_s=5.0,
)
TAG = "slab12cd77"


@dataclass
class Line(FakeLine):
    """A line to the account of this folder, unless another one is given."""

    account: Account = ACCOUNT

    @property
    def provider(self) -> SmsPartnerProvider:
        """The provider on this line."""
        return SmsPartnerProvider("french", self.account, port=self.port)


def answering(status: int, body: object) -> Line:
    """A line that always gives this answer: bytes as they are, anything else as JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Line(lambda _: httpx.Response(status, content=content))


def in_turn(*bodies: object) -> Line:
    """A line that gives these answers, one after the other."""
    left = list(bodies)
    return Line(lambda _: httpx.Response(200, content=json.dumps(left.pop(0)).encode()))


def failing(error: Exception) -> Line:
    """A line on which every request fails with this error."""

    def fail(_: httpx.Request) -> httpx.Response:
        raise error

    return Line(fail)


def item(number: object = f"+{FIRST}", **fields: Any) -> dict[str, Any]:
    """One row of SMSResponse_List, accepted unless told otherwise."""
    return {"success": True, "code": 200, "nbSms": 1, "cost": 0.038, "phoneNumber": number} | fields


def sent(*items: object, **fields: Any) -> dict[str, Any]:
    """An answer to a bulk-send."""
    accepted = {"success": True, "code": 200, "message_id": 307, "currency": "EUR", "cost": 0.076, "nbSMS": 2}
    return accepted | {"SMSResponse_List": list(items)} | fields


def error(code: object, message: str = "non", **fields: Any) -> dict[str, Any]:
    """An answer that refuses a call."""
    return {"success": False, "code": code, "message": message} | fields


def status_row(number: object = f"+{FIRST}", **fields: Any) -> dict[str, Any]:
    """One row of a multi-status, delivered unless told otherwise."""
    delivered = {
        "success": True,
        "code": 200,
        "phoneNumber": number,
        "messageId": 307,
        "status": "Delivered",
        "date": "1517934416",
        "stopSms": "0",
        "isSpam": "0",
    }
    return delivered | fields


def statuses(*rows: object, **fields: Any) -> dict[str, Any]:
    """An answer with several statuses."""
    return {"success": True, "code": 200, "StatutResponse_List": list(rows)} | fields


def asked(*numbers: int, message_id: str = "307") -> Sequence[MessageRef]:
    """Messages of one call, to be asked about."""
    return [MessageRef(f"{message_id}/{number}", number, 1_517_934_000) for number in numbers]
