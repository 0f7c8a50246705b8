"""BatchSendMessageToGlobe, outside the engine: up to 1,000 global numbers and a text for each in, a summary out.

The engine sends number by number instead, because this answer does not say which id is whose, nor why a number failed: with it,
receipts could not be matched to their recipients.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec

from smsline.errors import BadInput
from worker.providers.alibaba.limits import SEND_GLOBE_BATCH
from worker.providers.alibaba.wire import Question, opened, refusal, text, unreadable, whole
from worker.providers.base import Broken, Refused
from worker.providers.cleaning import Clean

VERSION: Final = "2018-05-01"

NUMBERS_AT_ONCE: Final = 1000
"""Numbers in one call (Alibaba Cloud SMS error codes, current edition, line 12)."""


class Summary(NamedTuple):
    """What a call came to.

    Attributes:
        taken: How many numbers the provider took.
        failed: The numbers that it did not take, as it writes them.
        message_ids: Ids of those that it took, in no order that is promised; `QueryMessage` tells of each.
        request_id: The provider's id of the call.
    """

    taken: int
    failed: tuple[str, ...]
    message_ids: tuple[str, ...]
    request_id: str


def question(numbers: Sequence[int], texts: Sequence[str], *, sender: str = "", context: str = "") -> Question:
    """The call (official SDK 1.0.10 for 2018-05-01, `BatchSendMessageToGlobeRequest`).

    Args:
        numbers: E.164 integers.
        texts: The whole text for each, in the same order.
        sender: Sender id, or empty.
        context: TaskId; told in pushes only.

    Raises:
        BadInput: There are no numbers, too many, or not as many texts.
    """
    if not 1 <= len(numbers) <= NUMBERS_AT_ONCE:
        raise BadInput("numbers", str(len(numbers)), f"a call takes 1 to {NUMBERS_AT_ONCE:,} of them")
    if len(texts) != len(numbers) or not all(texts):
        raise BadInput("texts", str(len(texts)), "must be one for each number, and none of them empty")
    query = {"From": sender, "TaskId": context}
    form = {"To": _json([str(number) for number in numbers]), "Message": _json(list(texts))}
    return Question(SEND_GLOBE_BATCH, VERSION, query | form)


def read(body: bytes, *, clean: Clean) -> Summary | Refused | Broken:
    """The answer; its lists are JSON in a text."""
    row = opened(body)
    if isinstance(row, Broken):
        return row
    if refused := refusal(row, "ResponseCode", "ResponseDescription", clean=clean):
        return refused
    failed, ids = _listed(row.get("FailedList")), _listed(row.get("MessageIdList"))
    if failed is None or ids is None:
        return unreadable("a batch without readable lists of ids and of failed numbers")
    return Summary(whole(row.get("SuccessCount")), failed, ids, text(row.get("RequestId")))


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _listed(value: object) -> tuple[str, ...] | None:
    """A list of texts, or one written as JSON in a text; nothing at all is an empty one, anything else None."""
    if value is None or value == "":
        return ()
    try:
        found = msgspec.json.decode(value) if isinstance(value, str) else value
    except msgspec.DecodeError:
        return None
    return tuple(text(each) for each in found) if isinstance(found, list) else None
