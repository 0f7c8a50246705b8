"""What a file's text is written in, told by its first bytes."""

import codecs
import io
from typing import Final

from smsline.errors import BadInput

# First bytes of what people send by mistake, and what to do about it.
_NOT_CSV: Final = (
    (b"", "is empty; its first line must name the columns, one of them 'phone'"),
    (b"PK\x03\x04", "is a spreadsheet or archive; save it as CSV (UTF-8)"),
    (b"\xd0\xcf\x11\xe0", "is a spreadsheet; save it as CSV (UTF-8)"),
    (b"\x1f\x8b", "is compressed; unpack it first"),
    (b"\xff\xfe\x00\x00", "is UTF-32 text; save it as CSV (UTF-8)"),
)


def encoding_of(head: bytes, name: str, wanted: str) -> str:
    """What a file's text is written in, by its first bytes or by what a person says.

    Raises:
        BadInput: It is empty, a spreadsheet, compressed or not text at all, or the encoding is not
            known; says what to do.
    """
    # Before what a person says: a spreadsheet is no text in any encoding, and cp1252 would read every one of its bytes.
    for magic, rule in _NOT_CSV:
        if head.startswith(magic) and (magic or not head):
            raise BadInput("file", name, rule)
    if wanted:
        return _known(wanted)
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if b"\0" not in head:
        return "utf-8-sig"
    # Without a mark, ASCII letters tell: every other byte of them is 0.
    for encoding, zeros in (("utf-16-le", head[1:40:2]), ("utf-16-be", head[:40:2])):
        if not any(zeros):
            return encoding
    raise BadInput("file", name, "is not text (it has zero bytes); save it as CSV (UTF-8), or name its --encoding")


def _known(wanted: str) -> str:
    try:
        io.TextIOWrapper(io.BytesIO(), encoding=wanted)  # refuses what is no encoding of text, such as hex
        return codecs.lookup(wanted).name
    except (LookupError, ValueError):
        raise BadInput("--encoding", wanted, "is not known; such as utf-8, cp1252 or gb18030") from None
