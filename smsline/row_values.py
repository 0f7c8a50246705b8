"""Params and refs of a row: what a text can carry, and what is an export's empty value."""

import re
from collections.abc import Sequence
from typing import Final

from smsline.errors import BadInput

MAX_PARAMS: Final = 20
MAX_PARAM_CHARS: Final = 500
MAX_REF_CHARS: Final = 64

# What exports write for a value that is not there: databases, R and pandas, programs. Null, Nan and
# Na are names of people.
MISSING: Final = frozenset(
    {"", "NULL", "null", "(null)", "(NULL)", "<null>", "<NULL>", "\\N", "nil", "Nil", "NIL"}
    | {"None", "none", "NONE", "(none)"}
    | {"NA", "N/A", "n/a", "<NA>", "NaN", "nan", "-NaN", "-nan", "NaT", "1.#QNAN", "-1.#QNAN", "1.#IND", "-1.#IND"}
    | {"undefined", "[object Object]", "[object Undefined]", '""', "''"}
)
# What spreadsheets write for a value that they could not work out, or that a
# narrow column did not show.
_WRONG: Final = re.compile(
    r"#(?:N/A(?: N/A)?|NA|(?:REF|VALUE|NUM|NULL|DIV/0|SPILL|CALC|FIELD|ERROR|CONNECT|BLOCKED|UNKNOWN|BUSY|PYTHON|EXTERNAL|TIMEOUT)!"
    r"|NAME\?|GETTING_DATA|##+)|Err:\d{3}"
)

# What no phone shows: half characters, and control characters but tabs and line ends.
_NO_TEXT: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
# Marks and fillers of no ink, which copying brings along (Default_Ignorable_Code_Point of Unicode,
# and the empty Braille cell).
_UNSEEN: Final = re.compile(
    "[\\s\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0]*"
)
HALF_RULE: Final = "has half a character (a lone surrogate), which no text can carry"


def check_params(params: object, name: str = "params", *, allow_blank: bool = False) -> tuple[str, ...]:
    """The template's values, when they can be.

    Errors never show a value: it may be a one-time password.

    Raises:
        BadInput: Not a list of text, too many, one too long, none that can be sent, or an export's
            word for a missing one.
    """
    # Asked of the usual two by name first: whether something is a Sequence takes
    # longer than all the rest.
    if type(params) is not tuple and (isinstance(params, str | bytes) or not isinstance(params, Sequence)):
        raise BadInput(name, type(params).__name__, 'must be a list of text, such as ["482913"]')
    if len(params) > MAX_PARAMS:
        raise BadInput(name, "…", f"must be at most {MAX_PARAMS} values; there are {len(params)}")
    for position, value in enumerate(params, 1):
        if not isinstance(value, str):
            raise BadInput(name, f"value {position} is {type(value).__name__}", "every value must be text")
        if len(value) > MAX_PARAM_CHARS:
            raise BadInput(
                name, "…", f"value {position} must be at most {MAX_PARAM_CHARS} characters; it has {len(value)}"
            )
        # As nearly all values are: printable ASCII that begins and ends with a letter or digit
        # breaks no rule but that of an export's words. A call less for each row of a campaign.
        plain = value.isalnum() or (value[:1].isalnum() and value[-1:].isalnum() and value.isprintable())
        plain = plain and value.isascii() and value not in MISSING and not value.startswith("Err:")
        if not plain and (rule := _broken_rule(value, allow_blank=allow_blank)):
            raise BadInput(name, "…", f"value {position} {rule}")
    return params if type(params) is tuple else tuple(params)


def _broken_rule(value: str, *, allow_blank: bool) -> str:
    """Why a value cannot be sent; empty when it can."""
    if not allow_blank:
        word, what = value.strip(), ""
        if not word or (not word.isascii() and _UNSEEN.fullmatch(word)):
            what = "is empty"
        elif word in MISSING or (word[0] in "#E" and _WRONG.fullmatch(word)):
            what = f"is {word}, an export's word for a missing one"
        elif "\ufffd" in word:
            what = "has a \ufffd, where a program could not read a character"
        if what:
            return f"{what}; it is taken with allow_blank (--allow-blank)"
    return "" if value.isprintable() else no_text(value)


def check_ref(ref: object) -> str:
    """The producer's name for a row, when it can be one.

    Raises:
        BadInput: Not text, or too long.
    """
    if not isinstance(ref, str) or len(ref) > MAX_REF_CHARS:
        raise BadInput("ref", ref, f"must be text of at most {MAX_REF_CHARS} characters")
    if not ref.isprintable() and (rule := no_text(ref)):
        raise BadInput("ref", ref, rule)
    return ref


def no_text(value: str) -> str:
    """Why a text cannot be carried; empty when it can."""
    found = _NO_TEXT.search(value)
    if found is None or found[0] >= "\ud800":
        return HALF_RULE if found else ""
    return f"has a control character (U+{ord(found[0]):04X}), which no text can carry"
