"""Rows as an answer of any length: CSV or JSON lines, streamed in pieces of some hundred."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Any, Final

import msgspec
from starlette.datastructures import QueryParams
from starlette.responses import StreamingResponse

from smsline.errors import BadInput

FORMATS: Final = {"ndjson": "application/x-ndjson", "csv": "text/csv; charset=utf-8"}
# Rows of one piece of an answer: some 100 kB.
AT_ONCE: Final = 500


def format_of(query: QueryParams) -> str:
    """The format that a query asks for; JSON lines unless it says.

    Raises:
        BadInput: There is no such format.
    """
    wanted = query.get("format", "ndjson")
    if wanted not in FORMATS:
        raise BadInput("format", wanted, f"must be one of {', '.join(FORMATS)}")
    return wanted


def streamed(
    rows: Iterable[Mapping[str, Any]], columns: Sequence[str], fmt: str, headers: Mapping[str, str] | None = None
) -> StreamingResponse:
    """The rows as they come.

    What can fail fails here, at the first piece, before an answer has begun.

    Args:
        rows: Each a row by column.
        columns: Those of a CSV, in order.
        fmt: `csv` or `ndjson`.
        headers: Besides the content's type.
    """
    # A stream that breaks off says nothing to its reader, an error before it does.
    left = iter(rows)
    # Once the first piece has left, an error can only break the connection off.
    first = list(islice(left, AT_ONCE))
    made = _csv(chain(first, left), columns) if fmt == "csv" else _ndjson(chain(first, left))
    return StreamingResponse(made, media_type=FORMATS[fmt], headers=headers)


def _ndjson(rows: Iterator[Mapping[str, Any]]) -> Iterator[bytes]:
    # One piece at a time: a million rows are as much memory as five hundred.
    encoder = msgspec.json.Encoder()
    while some := list(islice(rows, AT_ONCE)):
        yield encoder.encode_lines(some)


def _csv(rows: Iterator[Mapping[str, Any]], columns: Sequence[str]) -> Iterator[bytes]:
    yield (",".join(columns) + "\n").encode()
    while some := list(islice(rows, AT_ONCE)):
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        for row in some:
            # A number's + is wanted, and numbers were checked; every other text may come from
            # outside.
            writer.writerow([row[name] if name == "phone" else harmless(row.get(name, "")) for name in columns])
        yield text.getvalue().encode()


def harmless(cell: object) -> object:
    """A cell, behind an apostrophe if Excel would otherwise work it out.

    A ref or a reply may say `=HYPERLINK(…)`.
    """
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in {"=", "+", "-", "@", "\t", "\r"} else cell
