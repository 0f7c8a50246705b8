"""Notices after an act, chosen by name from a table.

So no link can put words into the console's mouth.
"""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

from starlette.responses import RedirectResponse

TEXTS: Final = {
    "paused": "The job is paused: {count} recipients wait until it is resumed.",
    "resumed": "The job goes on: {count} recipients are waiting to be sent.",
    "cancelled": "The job is cancelled: {count} recipients that were waiting are not sent.",
    "requeued": "{count} recipients will be sent again.",
    "dropped": "{count} recipients were taken out of the dead letter.",
    "account-resumed": "The account goes on; {count} parks were lifted.",
    "suppressed": "{count} numbers were added to the suppression list.",
    "unsuppressed": "{count} numbers were taken off the suppression list.",
    "started": "The campaign has started with {count} recipients.",
    "user-added": "The user was added.",
    "user-changed": "The user was changed.",
    "user-removed": "The user was removed; their sessions have ended.",
    "webhook-replayed": "{count} events are sent again.",
    "webhook-removed": "The endpoint is removed.",
    "key-revoked": "The key is revoked.",
}


def notice_of(query: Mapping[str, str]) -> str:
    """The sentence that a query such as `?done=requeued&count=3` asks for, or nothing."""
    text, count = TEXTS.get(query.get("done", ""), ""), query.get("count", "0")
    return (
        text.format(count=f"{int(count):,}") if text and count.isascii() and count.isdigit() and len(count) < 13 else ""
    )


def done(path: str, what: str, count: int = 0) -> RedirectResponse:
    """Go on to a page that says what was done.

    The act is not repeated when that page is loaded again.
    """
    query = urlencode({"done": what, "count": count})
    return RedirectResponse(f"{path}{'&' if '?' in path else '?'}{query}", 303)
