"""Notices after an act, chosen by name from a table: no link puts words in the console's mouth."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

from starlette.responses import RedirectResponse

from smsline.counted import counted

# The sentence, and what stands in it for one and for many.
TEXTS: Final = {
    "paused": ("The job is paused: {} until it is resumed.", "recipient waits", "recipients wait"),
    "resumed": ("The job goes on: {} waiting to be sent.", "recipient is", "recipients are"),
    "cancelled": (
        "The job is cancelled: {} not sent.",
        "recipient that was waiting is",
        "recipients that were waiting are",
    ),
    "requeued": ("{} will be sent again.", "recipient", ""),
    "dropped": ("{} taken out of the dead letter.", "recipient was", "recipients were"),
    "account-resumed": ("The account goes on; {} lifted.", "park was", "parks were"),
    "suppressed": ("{} added to the suppression list.", "number was", "numbers were"),
    "unsuppressed": ("{} taken off the suppression list.", "number was", "numbers were"),
    "started": ("The campaign has started with {}.", "recipient", ""),
    "user-added": ("The user was added.", "", ""),
    "user-changed": ("The user was changed.", "", ""),
    "user-removed": ("The user was removed; their sessions have ended.", "", ""),
    "webhook-replayed": ("{} sent again.", "event is", "events are"),
    "webhook-removed": ("The endpoint is removed.", "", ""),
    "key-revoked": ("The key is revoked.", "", ""),
}


def notice_of(query: Mapping[str, str]) -> str:
    """The sentence that a query such as `?done=requeued&count=3` asks for, or nothing."""
    text, one, many = TEXTS.get(query.get("done", ""), ("", "", ""))
    count = query.get("count", "0")
    if not (count.isascii() and count.isdigit() and len(count) < 13):
        return ""
    return text.format(counted(int(count), one, many))


def done(path: str, what: str, count: int = 0) -> RedirectResponse:
    """Go on to a page that says what was done.

    The act is not repeated when that page is loaded again.
    """
    query = urlencode({"done": what, "count": count})
    return RedirectResponse(f"{path}{'&' if '?' in path else '?'}{query}", 303)
