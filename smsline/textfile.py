"""What a file's text is written in, told by its first bytes."""

import codecs
import io
import re
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


UTF8: Final = "utf-8-sig"
NO_TEXT: Final = "is not text (it has zero bytes); save it as CSV (UTF-8), or name its --encoding"


def encoding_of(head: bytes, name: str, wanted: str) -> str:
    """What a file's text is written in, by its first bytes or by what a person says.

    Raises:
        BadInput: It is empty, a spreadsheet, compressed or not text at all, or the encoding is not
            known; says what to do.
    """
    # Before what a person says: a spreadsheet is no text in any encoding, and cp1252 would read
    # every one of its bytes.
    for magic, rule in _NOT_CSV:
        if head.startswith(magic) and (magic or not head):
            raise BadInput("file", name, rule)
    if wanted:
        return _known(wanted)
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    # A zero byte in a value spoils its row alone.
    if b"\0" not in head or (b"\0" not in head.split(b"\n")[0] and is_utf8(head)):
        return UTF8
    # Without a mark, ASCII letters tell: every other byte of them is 0.
    for encoding, zeros in (("utf-16-le", head[1:40:2]), ("utf-16-be", head[:40:2])):
        if not any(zeros):
            return encoding
    raise BadInput("file", name, NO_TEXT)


def is_utf8(head: bytes) -> bool:
    """Whether the beginning of a file is UTF-8; it may end within a character."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return False
    return True


_PAIR: Final = rb"[\x81-\xfe][\x40-\xfe]"

# What exports of each region are written in: how its letters beyond ASCII are written, which of
# them are usual, and of how many one can tell. Every one of these decodes nearly all bytes: what
# tells them apart is whether it makes usual letters of them.
_LETTERS: Final = (
    # The usual syllables stand where gb18030 has half of its usual letters.
    ("euc_kr", _PAIR, rb"[\xb0-\xc8][\xa1-\xfe]", 8),
    ("gb18030", _PAIR, rb"[\xa3\xb0-\xd7][\xa1-\xfe]|\xa1[\xa1-\xbf]", 1),
    # Accents, one or two among ASCII letters; not those that mean other letters in Turkish.
    ("cp1252", rb"[\x80-\xff]+", rb"[\x80\x91-\x97\xc0-\xcf\xd1-\xdc\xdf-\xef\xf1-\xfc]{1,2}", 1),
    # Kana, and the first half of the kanji.
    ("shift_jis", rb"[\x81-\x9f\xe0-\xfc][\x40-\xfc]|[\xa0-\xdf]", rb"[\x81-\x83\x88-\x98][\x40-\xfc]", 1),
    ("big5", _PAIR, rb"[\xa1\xa4-\xc6][\x40-\x7e\xa1-\xfe]", 1),
    ("cp1251", rb"[\x80-\xff]", rb"[\xa8\xb8\xc0-\xff]", 4),
)
# How much of a text must be usual letters; the rest are names, and signs.
_MOST: Final = 0.8


def looks_like(text: bytes) -> str:
    """What a text that is not UTF-8 is probably written in.

    Empty when it is UTF-8, or nothing can be said.
    """
    if is_utf8(text):
        return ""
    shares = dict[str, float]()
    for encoding, letter, usual, least in _LETTERS:
        found = re.findall(letter, text)
        if len(found) >= least:
            shares[encoding] = sum(1 for each in found if re.fullmatch(usual, each)) / len(found)
    best = max(shares, key=shares.__getitem__, default="")  # of equals the first
    return best if best and shares[best] >= _MOST else ""


def _known(wanted: str) -> str:
    try:
        io.TextIOWrapper(io.BytesIO(), encoding=wanted)  # refuses what is no encoding of text, such as hex
        return codecs.lookup(wanted).name
    except (LookupError, ValueError):
        raise BadInput("--encoding", wanted, "is not known; such as utf-8, cp1252 or gb18030") from None
