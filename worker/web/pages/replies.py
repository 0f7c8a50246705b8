"""What people have answered, newest first, and what was done about it."""

from datetime import datetime
from typing import Final

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from smsline.ledger.audit import note
from smsline.ledger.replies import KeptReply, newest
from smsline.numbers import mask, mask_in
from worker.web.context import web_of
from worker.web.pages.auth import act, page
from worker.web.pages.rendering import render
from worker.web.pages.visitor import Visitor

ROWS: Final = 100


@page()
def replies(request: Request, visitor: Visitor) -> Response:
    """A page of them; numbers are masked for who may not act."""
    rows = _found(request)
    whole = visitor.may("operate")
    if not whole:
        rows = [row.copy() for row in rows]
        for row in rows:
            # A subscriber may write a number into the text.
            row["phone"], row["text"] = mask(row["phone"]), mask_in(row["text"])
    return _page(request, rows, revealed=whole)


@act("read")
def reveal(request: Request, visitor: Visitor, _: FormData) -> Response:
    """The same with whole numbers, which is written down."""
    rows = _found(request)
    note(web_of(request).ledger, visitor.actor, "numbers.reveal", {"list": "replies"}, count=len(rows))
    return _page(request, rows, revealed=True)


def _found(request: Request) -> list[KeptReply]:
    before = request.query_params.get("before", "")
    before_ms = int(before) if before.isascii() and before.isdigit() and len(before) < 16 else 0
    return newest(web_of(request).ledger, before_ms=before_ms, limit=ROWS)


def _page(request: Request, rows: list[KeptReply], *, revealed: bool) -> Response:
    # A page that is not full is the last.
    last = rows[-1]["received_at"] if len(rows) == ROWS else None
    older = int(datetime.fromisoformat(last).timestamp() * 1000) if last else 0
    return render(request, "replies.html", rows=rows, older=older, revealed=revealed)


routes: Final = [Route("/replies", replies, methods=["GET"]), Route("/replies", reveal, methods=["POST"])]
