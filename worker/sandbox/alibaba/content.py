"""What a call is refused with for its template, values or signature, or nothing."""

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from worker.sandbox.alibaba.steering import SiteTrouble
from worker.sandbox.flags import Flags

# Characters of a variable's value (current Chinese page of error codes; 20 in the 2018 edition,
# line 23).
LONGEST_VALUE: Final = 200

# Characters of OutId and TaskId (official SDKs, the requests' models).
LONGEST_CONTEXT: Final = 255

_TEMPLATE_CODE: Final = re.compile(r"SMS_[0-9]{1,20}")
_SENDER: Final = re.compile(r"[0-9]{1,15}|(?=.*[A-Za-z])[A-Za-z0-9 ]{1,11}")

BAD_SIGN: Final = SiteTrouble("isv.SMS_SIGN_NAME_ILLEGAL", "SMS_SIGN_NAME_ILLEGAL", "The SignName is illegal.")
BAD_TEMPLATE: Final = SiteTrouble(
    "isv.SMS_CONTENT_CODE_ILLEGAL", "SMS_CONTENT_CODE_ILLEGAL", "The template is illegal."
)
BAD_JSON: Final = SiteTrouble("isv.INVALID_JSON_PARAM", "INVALID_JSON_PARAM", "The JSON parameter is illegal.")
BAD_PARAMETERS: Final = SiteTrouble("isv.INVALID_PARAMETERS", "INVALID_PARAMETERS", "A parameter is illegal.")
MISSING_VALUE: Final = SiteTrouble(
    "isv.TEMPLATE_MISSING_PARAMETERS", "CONTENT_MISSING_PARAMETERS", "A variable has no value."
)
TOO_LONG: Final = SiteTrouble("isv.PARAM_LENGTH_LIMIT", "PARAM_LENGTH_LIMIT", "A value is too long.")
BAD_SENDER: Final = SiteTrouble("isv.SENDERID_ERROR", "INVALID_SENDERID", "The sender id is illegal.")
TOO_MANY: Final = SiteTrouble("isv.MOBILE_COUNT_OVER_LIMIT", "MOBILE_COUNT_OVER_LIMIT", "Too many numbers.")


def told(flags: Flags, key: str) -> SiteTrouble | None:
    """What the sandbox was told to refuse every send of this key with."""
    code = flags.account_codes.get(key) or flags.account_codes.get("*")
    return (
        SiteTrouble(code, code, "The sandbox was told to answer this to every send of the account.") if code else None
    )


def check_sign(flags: Flags, sign: str) -> SiteTrouble | None:
    """What is wrong with a signature."""
    if code := flags.sign_codes.get(sign):
        return SiteTrouble(code, code, "The sandbox was told to answer this to the signature.")
    return BAD_SIGN if flags.signs and sign not in flags.signs else None


def check_template(flags: Flags, template: str, values: Mapping[str, str] | None) -> SiteTrouble | None:
    """What is wrong with a template and its values; `values` None is what could not be read."""
    if code := flags.template_codes.get(template):
        return SiteTrouble(code, code, "The sandbox was told to answer this to the template.")
    known = flags.templates.get(template)
    if known is None and (flags.templates or not _TEMPLATE_CODE.fullmatch(template)):
        return BAD_TEMPLATE
    if values is None:
        return BAD_JSON
    if known and known.params not in (None, len(values)):
        return MISSING_VALUE
    return TOO_LONG if any(len(value) > LONGEST_VALUE for value in values.values()) else None


def check_sender(sender: str) -> SiteTrouble | None:
    """What is wrong with a sender id: up to 11 letters and digits or 15 digits, or none."""
    return None if not sender or _SENDER.fullmatch(sender) else BAD_SENDER


def values_of(text: str) -> dict[str, str] | None:
    """The values in a TemplateParam, perhaps none; None when it is no JSON object of texts."""
    return as_values(decoded(text)) if text else {}


def as_values(found: object) -> dict[str, str] | None:
    """An object of texts, or None."""
    fits = isinstance(found, dict) and all(isinstance(value, str) for value in found.values())
    return found if fits and isinstance(found, dict) else None


def texts_of(text: str) -> list[str] | None:
    """The texts in a JSON array, or None when it is none."""
    found = decoded(text)
    return found if isinstance(found, list) and all(isinstance(each, str) for each in found) else None


def decoded(text: str) -> Any:  # noqa: ANN401 - JSON may hold anything
    """What a JSON text holds; None when it is none."""
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return None


def shown(sign: str, values: Mapping[str, str]) -> str:
    """A content as far as it is known here: the template's own text is not."""
    # The brackets are part of a mainland text, and of its length.
    return f"【{sign}】{' '.join(values.values())}"
