"""The replies that commands show: PullSmsReplyStatus and PullSmsReplyStatusByPhoneNumber.

Workers drain replies by `worker.receipts`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from smsline.errors import BadInput
from smsline.numbers import e164
from worker.providers import reading
from worker.providers.base import Broken, ReceiptPage, Refused
from worker.providers.pushes import LONGEST_TEXT
from worker.providers.tencent import answers, wire
from worker.providers.tencent.api import Api
from worker.providers.tencent.facts import ASK, REPLIES, REPLIES_OF, ROWS_PER_PAGE


@dataclass(frozen=True, slots=True)
class Reply:
    """One message from a person (Tencent SMS API document, line 4810).

    Attributes:
        phone: Who wrote it, in E.164 where the number can be read, else as the provider writes it.
        text: What it says; the application's secret.
        received_at_s: Epoch seconds, 0 when the provider gives none.
        sign: The signature that was answered.
        extend: The extend code of the sender number that was answered, or empty.
    """

    phone: str
    text: str
    received_at_s: int
    sign: str
    extend: str


@dataclass(frozen=True, slots=True)
class ReplyPage:
    """One page of replies.

    Attributes:
        replies: The rows that could be read.
        rows: How many rows the page had in all; as many as were asked for means that there may be more.
    """

    replies: tuple[Reply, ...]
    rows: int


def pull(api: Api, limit: int = ROWS_PER_PAGE) -> ReplyPage | Refused | Broken:
    """Take the next replies off the queue of the SmsSdkAppId; each is given once, so keep them before anything else.

    The document does not say that it is a queue; the description in the official SDK does (`SmsClient.PullSmsReplyStatus`).

    Args:
        api: The account.
        limit: Replies at most, 1 to 100 (Tencent SMS API document, line 2386).

    Raises:
        BadInput: Another limit.
    """
    return _page(api, REPLIES, {"SmsSdkAppId": api.sdk_app_id, "Limit": limit})


def of_number(
    api: Api, number: int, *, since_s: int, until_s: int, limit: int = ROWS_PER_PAGE
) -> ReplyPage | Refused | Broken:
    """Replies of one number between two epoch times, at most 7 days back; nothing is taken off the queue.

    Args:
        api: The account.
        number: E.164 integer.
        since_s: Epoch seconds.
        until_s: Epoch seconds.
        limit: Replies at most, 1 to 100. There is no next page: ask about a shorter time.

    Raises:
        BadInput: Another limit, or times in the wrong order.
    """
    if since_s >= until_s:
        raise BadInput("since", since_s, "must be before the time until which is asked")
    params = {
        "SmsSdkAppId": api.sdk_app_id,
        "PhoneNumber": e164(number),
        "BeginTime": since_s,
        "EndTime": until_s,
        # Offset can only be 0 (Tencent SMS API document, line 2525), so there is no second page.
        "Offset": 0,
        "Limit": limit,
    }
    return _page(api, REPLIES_OF, params)


def receipts_of(api: Api, number: int, *, since_s: int, until_s: int) -> ReceiptPage | Refused | Broken:
    """Receipts of one number between two epoch times, at most 7 days back and 100 of them; nothing is taken off the queue.

    Raises:
        BadInput: Times in the wrong order.
    """
    if since_s >= until_s:
        raise BadInput("since", since_s, "must be before the time until which is asked")
    body = wire.ask_body(number, since_s=since_s, until_s=until_s, sdk_app_id=api.sdk_app_id)
    return api.read(ASK, body, lambda reply: wire.read_receipts(reply, clean=api.clean))


def _page(api: Api, action: str, params: Mapping[str, object]) -> ReplyPage | Refused | Broken:
    if (limit := params["Limit"]) not in range(1, ROWS_PER_PAGE + 1):
        raise BadInput("limit", limit, f"must be 1 to {ROWS_PER_PAGE}")
    # Rows that cannot be read count as rows: a full page means that there may be more, whatever is
    # in it.
    found = api.listed(action, params, "PullSmsReplyStatusSet")
    if not isinstance(found, list):
        return found
    replies = (
        Reply(
            phone=answers.phone(row),
            text=reading.text(row.get("ReplyContent"), LONGEST_TEXT),
            received_at_s=reading.whole(row.get("ReplyTime")),
            sign=reading.text(row.get("SignName")),
            extend=reading.word(row.get("ExtendCode")),
        )
        for row in found
        if isinstance(row, dict)
    )
    return ReplyPage(tuple(replies), len(found))
