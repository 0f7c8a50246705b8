"""Render the templates. Everything is escaped; only markup made here is marked as safe."""

import gc
import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse

from smsline import codes
from smsline.counted import counted
from smsline.numbers import mask, mask_in
from worker.web.pages.notices import notice_of
from worker.web.pages.visitor import Visitor
from worker.web.static_files import asset

# Path, name, and the least role that sees it.
MENU: Final = (
    ("/", "Overview", "read"),
    ("/jobs", "Jobs", "read"),
    ("/campaigns/new", "New campaign", "operate"),
    ("/numbers", "Numbers", "read"),
    ("/dead", "Dead letters", "read"),
    ("/accounts", "Accounts", "read"),
    ("/suppressed", "Suppressed", "read"),
    ("/replies", "Replies", "read"),
    ("/webhooks", "Webhooks", "read"),
    ("/codes", "Codes", "read"),
    ("/access", "Users and keys", "admin"),
    ("/audit", "Audit", "admin"),
)

_UNITS: Final = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def number(value: float | None) -> str:
    """Thousands apart; nothing for None."""
    return "" if value is None else f"{value:,}"


def breakable(code: str) -> Markup:
    """A code that may go on in the next line behind a dot or a word, and not within one."""
    return Markup("<wbr>").join(re.split(r"(?<=\.)|(?<=[a-z0-9])(?=[A-Z])", code))


def when(iso: str | None) -> Markup:
    """A moment, short for people and exact for machines and on hovering; all times are UTC."""
    if not iso:
        return Markup("")
    at = datetime.fromisoformat(iso)
    short = at.strftime("%H:%M:%S") if at.date() == datetime.now(UTC).date() else at.strftime("%Y-%m-%d %H:%M")
    # Markup.format escapes what it is given.
    return Markup('<time datetime="{}" title="{} UTC">{}</time>').format(iso, at.strftime("%Y-%m-%d %H:%M:%S"), short)


def span(seconds: float | None) -> str:
    """`3 min 20 s`, with two units at most."""
    if seconds is None:
        return ""
    left, parts = int(seconds), list[str]()
    for size, unit in _UNITS:
        if left >= size and len(parts) < 2:
            parts.append(f"{left // size} {unit}")
            left %= size
    return " ".join(parts) or "0 s"


def since(iso: str | None) -> str:
    """How long ago a moment was."""
    return span((datetime.now(UTC) - datetime.fromisoformat(iso)).total_seconds()) if iso else ""


def size(count: int) -> str:
    """`1.2 MB`."""
    for unit, factor in (("MB", 1_000_000), ("kB", 1_000)):
        if count >= factor:
            return f"{count / factor:.1f} {unit}"
    return counted(count, "byte")


def share(part: int, whole: int) -> str:
    """`12.5 %`; less than a thousandth is not called nothing."""
    if not whole or not part:
        return "0 %"
    percent = 100 * part / whole
    return f"{percent:.1f} %" if percent >= 0.1 else "< 0.1 %"


def moment(at_s: float, zone: str) -> str:
    """`2030-05-01 09:00 Asia/Shanghai (01:00 UTC)`."""
    at = datetime.fromtimestamp(at_s, UTC)
    there = at.astimezone(ZoneInfo(zone))
    plain = f"{there:%Y-%m-%d %H:%M} {zone}"
    same_day = at.date() == there.date()
    return plain if zone == "UTC" else f"{plain} ({at.strftime('%H:%M' if same_day else '%Y-%m-%d %H:%M')} UTC)"


TEMPLATES: Final = Environment(
    loader=PackageLoader("worker.web", "templates"),
    autoescape=True,
    # A checkout that is changed under a running process must not mix new pages with old code.
    auto_reload=False,
    # A misspelt name is an error in a test, and no empty place on a page.
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
TEMPLATES.filters.update(
    number=number, when=when, span=span, since=since, mask=mask, mask_in=mask_in, share=share, size=size
)
TEMPLATES.filters.update(moment=moment, is_never=math.isinf, counted=counted, breakable=breakable)
TEMPLATES.globals.update(asset=asset)


def warm_up() -> None:
    """Compile every template, pack the static files, read the tables of codes.

    The first visitor would otherwise wait for that.
    """
    asset("console.css")
    for name in TEMPLATES.list_templates():
        TEMPLATES.get_template(name)
    # Of a code that no table knows: only then are all the ways to look one up made.
    codes.explain("FailedOperation.NoSuchCode")
    # A hundred thousand objects that stay. Looking them through again and again for what may go
    # would take 60 ms of some visitor's page.
    gc.collect()
    gc.freeze()


def render(request: Request, template: str, status: int = 200, /, **values: Any) -> HTMLResponse:  # noqa: ANN401 - what a template shows
    """A page.

    Args:
        request: Who asked, and for what.
        template: Its file.
        status: HTTP's.
        **values: What it shows.
    """
    visitor: Visitor | None = getattr(request.state, "visitor", None)
    shown: Mapping[str, Any] = {
        "visitor": visitor,
        "menu": [entry[:2] for entry in MENU if visitor and visitor.may(entry[2])],
        "path": request.url.path,
        "notice": notice_of(request.query_params),
        **values,
    }
    return HTMLResponse(TEMPLATES.get_template(template).render(shown), status)


def fragment(template: str, **values: Any) -> str:  # noqa: ANN401 - as above
    """A piece of a page, for a live update."""
    return TEMPLATES.get_template(template).render(values)
