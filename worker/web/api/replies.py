"""What people have answered, streamed, and what was done about it."""

import csv
import io
from collections.abc import Iterator
from datetime import datetime
from itertools import chain, islice
from typing import Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from smsline.errors import BadInput
from smsline.ledger.replies import KeptReply
from worker.web.api.callers import Caller
from worker.web.api.endpoint import endpoint, only
from worker.web.api.jobs import FORMATS, ROWS_AT_ONCE, harmless
from worker.web.context import web_of

COLUMNS: Final = ("at", "phone", "text", "does", "scope", "word", "account", "sign", "extend", "received_at")


@endpoint("read")
def replies(request: Request, _: Caller) -> Response:
    """Replies since a time, oldest first."""
    only(request.query_params, "since", "format")
    fmt = request.query_params.get("format", "ndjson")
    if fmt not in FORMATS:
        raise BadInput("format", fmt, f"must be one of {', '.join(FORMATS)}")
    rows = web_of(request).admin.replies(since_s=_epoch_s(request.query_params.get("since", "0")))
    first = list(islice(rows, ROWS_AT_ONCE))  # what can fail fails here, before an answer has begun
    return StreamingResponse(_pieces(chain(first, rows), fmt), media_type=FORMATS[fmt])


def _epoch_s(text: str) -> float:
    try:
        value = float(text)
        if 0 <= value < 1e11:  # false for NaN too
            return value
    except ValueError:
        pass
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = datetime.min  # noqa: DTZ901 - only its lack of an offset is looked at
    if at.tzinfo is None:
        raise BadInput(
            "since", text, "must be epoch seconds, or a time with its offset such as 2030-05-01T09:00:00+08:00"
        )
    return max(0.0, at.timestamp())


def _pieces(rows: Iterator[KeptReply], fmt: str) -> Iterator[bytes]:
    if fmt == "csv":
        yield (",".join(COLUMNS) + "\n").encode()
    while some := list(islice(rows, ROWS_AT_ONCE)):
        if fmt != "csv":
            yield msgspec.json.Encoder().encode_lines(some)
            continue
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        for row in some:
            # A subscriber writes the text, and a spreadsheet would run one that begins as a formula.
            cells = {**row, "text": harmless(row["text"]), "sign": harmless(row["sign"])}
            writer.writerow([cells[column] for column in COLUMNS])
        yield text.getvalue().encode()


routes: Final = [Route("/v1/replies", replies)]
