"""The signer of a request by algorithm v1, and the request as TC3 would have it.

HmacSHA1 and HmacSHA256 (Tencent SMS API document, lines 475-522): the common parameters stand among
the action's own, so they are taken out of the form here and put where a TC3 request has them.
"""

import base64
import hmac
from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import parse_qsl

import msgspec

from worker.sandbox.tencent.signature import check_clock
from worker.sandbox.wire import Request, WireRefusal

# Most bytes of a POST signed this way (Tencent SMS API document, line 353).
BODY_LIMIT: Final = 1024 * 1024

FORM: Final = "application/x-www-form-urlencoded"
# The gateway's further checks read headers, so the form's common parameters are put there.
_AS_HEADERS: Final[Mapping[str, str]] = {"Action": "x-tc-action", "Version": "x-tc-version", "Region": "x-tc-region"}
_COMMON: Final = frozenset(
    {
        *_AS_HEADERS,
        "Language",
        "Nonce",
        "RequestClient",
        "SecretId",
        "Signature",
        "SignatureMethod",
        "Timestamp",
        "Token",
    }
)

_MISMATCH: Final = WireRefusal("AuthFailure.SignatureFailure", "The signature does not fit the request that arrived.")
_UNKNOWN_KEY: Final = WireRefusal("AuthFailure.SecretIdNotFound", "There is no such SecretId.")


class Form(msgspec.Struct, frozen=True):
    """A request by algorithm v1, read.

    Attributes:
        request: The same with the common parameters among its headers.
        given: All parameters as they were sent, decoded.
        own: Those of the action, still flat.
    """

    request: Request
    given: Mapping[str, str]
    own: list[tuple[str, str]]


def read_form(request: Request) -> Form | None:
    """The request if it is of algorithm v1: without Authorization, and with a Signature."""
    if "authorization" in request.headers:
        return None
    if request.method == "GET":
        encoded = request.query
    elif request.headers.get("content-type", "").partition(";")[0].strip().lower() == FORM:
        encoded = request.body.decode("utf-8", "replace")
    else:
        return None
    # Empty values are signed too, so they must be kept.
    pairs = parse_qsl(encoded, keep_blank_values=True)
    given = dict(pairs)
    if "Signature" not in given:
        return None
    headers = {**request.headers, **{header: given[name] for name, header in _AS_HEADERS.items() if name in given}}
    own = [pair for pair in pairs if pair[0] not in _COMMON]
    return Form(msgspec.structs.replace(request, headers=headers), given, own)


def verify_form(
    form: Form, secret_of: Callable[[str], str | None], *, now_s: float, unseen: bool = False
) -> str | WireRefusal:
    """Find out who signed; the arguments are those of `signature.verify`."""
    for name in ("SecretId", "Timestamp", "Nonce"):
        if not form.given.get(name):
            return WireRefusal("MissingParameter", f"The request is missing a required parameter `{name}`.")
    if not form.given["Nonce"].isdecimal() or int(form.given["Nonce"]) < 1:
        return WireRefusal("InvalidParameterValue", "`Nonce` is not a positive number.")
    key = form.given["SecretId"]
    secret = secret_of(key)
    if secret is None and not unseen:
        return _UNKNOWN_KEY
    if refusal := check_clock(form.given["Timestamp"], now_s):
        return refusal
    return key if unseen or fits(form, secret or "") else _MISMATCH


def fits(form: Form, secret_key: str) -> bool:
    """Whether the secret key gives this signature of verb, host, path and all parameters.

    HmacSHA256 only where SignatureMethod says so, else HmacSHA1 (line 488).
    """
    digest = "sha256" if form.given.get("SignatureMethod") == "HmacSHA256" else "sha1"
    # Sorted by name over decoded values: encoding is undone before signing.
    listed = "&".join(f"{name}={value}" for name, value in sorted(form.given.items()) if name != "Signature")
    text = f"{form.request.method}{form.request.headers.get('host', '')}/?{listed}"
    expected = base64.b64encode(hmac.digest(secret_key.encode(), text.encode(), digest)).decode()
    return hmac.compare_digest(expected.encode(), form.given["Signature"].encode())
