"""Replies of subscribers: put here by `POST /_replies`, pulled as at the provider."""

import time
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from worker.sandbox.book import PersonReply
from worker.sandbox.numbers import normalise, parts_of
from worker.sandbox.sandbox import Sandbox
from worker.sandbox.tencent.pull import asked_about, check_limit
from worker.sandbox.tencent.result import TencentResult
from worker.sandbox.wire import WireRefusal


class SteeredReply(Struct, forbid_unknown_fields=True):
    """A reply as a test or a person puts it in.

    Attributes:
        phone: Who replies, in a spelling of the wire.
        text: What they say.
        app: Whose queue it goes to.
        sign: The signature answered.
        extend: The extend code answered.
        at_s: When, epoch seconds; None for now.
    """

    phone: str
    text: str
    app: str = "1400000000"
    sign: str = ""
    extend: str = ""
    at_s: int | None = None


def add_reply(sandbox: Sandbox, raw: bytes) -> None:
    """Add a reply of a subscriber.

    Args:
        sandbox: Where.
        raw: A `SteeredReply` as JSON.

    Raises:
        ValueError: Not one, or no number.
    """
    steered = msgspec.json.decode(raw, type=SteeredReply)
    number = normalise(steered.phone)
    if number is None:
        raise ValueError("phone: is no number as the wire spells it, such as +8613711112222")
    at_s = int(time.time()) if steered.at_s is None else steered.at_s
    reply = PersonReply(number, steered.text, steered.sign, steered.extend, at_s)
    sandbox.book.replies[steered.app].add(reply)
    # Pushed as well and not instead: the pull queue keeps it, as with receipts.
    if pushed := sandbox.pushed_app(steered.app):
        sandbox.book.to_push[pushed].append(reply)


def pull_replies(sandbox: Sandbox, params: Mapping[str, Any]) -> TencentResult | WireRefusal:
    """PullSmsReplyStatus: the app's next replies, each given once."""
    if refusal := check_limit(params):
        return refusal
    return _rows(sandbox.book.replies[params["SmsSdkAppId"]].take(params["Limit"]))


def pull_replies_by_number(sandbox: Sandbox, params: Mapping[str, Any]) -> TencentResult | WireRefusal:
    """PullSmsReplyStatusByPhoneNumber: newest replies of a number; nothing leaves the queue."""
    asked = asked_about(params, now_s=int(time.time()))
    if isinstance(asked, WireRefusal):
        return asked
    number, end_s = asked
    held = sandbox.book.replies[params["SmsSdkAppId"]]
    return _rows(held.about(number, begin_s=params["BeginTime"], end_s=end_s, limit=params["Limit"]))


def _rows(replies: list[PersonReply]) -> TencentResult:
    rows = []
    for reply in replies:
        calling_code, subscriber = parts_of(reply.number)
        rows.append(
            {
                "ExtendCode": reply.extend,
                "CountryCode": calling_code,
                "PhoneNumber": f"+{reply.number}",
                "SignName": reply.sign,
                "ReplyContent": reply.text,
                "ReplyTime": reply.at_s,
                "SubscriberNumber": subscriber,
            }
        )
    return TencentResult({"PullSmsReplyStatusSet": rows})
