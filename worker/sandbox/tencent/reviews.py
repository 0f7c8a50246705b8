"""What templates and signatures have in common: rules for lists, and the state after a review."""

import time
from collections.abc import Iterable, Mapping
from typing import Any, Final

from worker.sandbox.book import ReviewedEntry
from worker.sandbox.flags import Flags
from worker.sandbox.wire import WireRefusal

# Most rows of a list, and ids in a question (Tencent SMS API document, lines 3493 and 4441-4442).
LIST_LIMIT: Final = 100

APPROVED: Final = 0
PENDING: Final = 1
REJECTED: Final = -1

_VERDICTS: Final[Mapping[str, int]] = {"approved": APPROVED, "pending": PENDING, "rejected": REJECTED}
_BAD_SCOPE: Final = WireRefusal("InvalidParameterValue.InvalidInternational", "`International` is 0 or 1.")


def reviewed(flags: Flags, name: str, international: int, content: str = "") -> ReviewedEntry:
    """What was handed in, after the review that the flags promise."""
    status = _VERDICTS[flags.reviews]
    reply = "The sandbox was told to reject this." if status == REJECTED else ""
    return ReviewedEntry(0, name, international, status, int(time.time()), content=content, reply=reply)


def check_scope(params: Mapping[str, Any]) -> WireRefusal | None:
    """Why International is refused, or None."""
    return None if params["International"] in (0, 1) else _BAD_SCOPE


def page(
    held: Iterable[ReviewedEntry], params: Mapping[str, Any], ids: str, *, usual: int
) -> list[ReviewedEntry] | WireRefusal:
    """The rows that a list asks for.

    Args:
        held: All there are.
        params: The action's parameters.
        ids: The parameter that names some.
        usual: How many rows a page has that does not say.
    """
    if refusal := check_scope(params):
        return refusal
    ours = [one for one in held if one.international == params["International"]]
    wanted, limit, offset = params.get(ids, []), params.get("Limit", usual), params.get("Offset", 0)
    if len(wanted) > LIST_LIMIT or not 0 <= limit <= LIST_LIMIT:
        return WireRefusal("InvalidParameterValue.LimitVerifyFail", f"A list has at most {LIST_LIMIT} rows.")
    if offset < 0:
        return WireRefusal("InvalidParameterValue.OffsetVerifyFail", "`Offset` is 0 or more.")
    # Limit and Offset count only where no ids are named (document, lines 4441-4442).
    if wanted:
        return [one for one in ours if one.id in wanted]
    return ours[offset : offset + limit]


def row(one: ReviewedEntry, prefix: str) -> dict[str, object]:
    """A row of a list; `prefix` is Template or Sign."""
    content: dict[str, object] = {"TemplateContent": one.content} if prefix == "Template" else {}
    return {
        f"{prefix}Id": one.id,
        f"{prefix}Name": one.name,
        "International": one.international,
        "StatusCode": one.status,
        "ReviewReply": one.reply,
        "CreateTime": one.created_s,
        **content,
    }


def deleted() -> dict[str, object]:
    """What the provider says when something is gone (Tencent SMS API document, line 3414)."""
    return {"DeleteStatus": "return successfully!", "DeleteTime": int(time.time())}
