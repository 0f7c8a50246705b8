"""The signer of a request, as its key's id or a refusal.

TC3-HMAC-SHA256 (Tencent SMS API document, lines 540-720).
"""

import hmac
import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from typing import Final

from msgspec import Struct

from worker.sandbox.wire import Request, WireRefusal

# How far a request's timestamp may be from the server's clock (Tencent SMS API document, line
# 4912).
SKEW_S: Final = 300

SERVICE: Final = "sms"
_ALGORITHM: Final = "TC3-HMAC-SHA256"
_UNSIGNED: Final = "UNSIGNED-PAYLOAD"
_SECONDS: Final = re.compile(r"[0-9]{1,12}")
_REQUIRED: Final = {"content-type", "host"}
_AUTHORIZATION: Final = re.compile(
    rf"{_ALGORITHM}\s+Credential=(?P<key>[^/,\s]+)/(?P<date>[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}})/(?P<service>[a-z0-9_-]+)/tc3_request"
    r"\s*,\s*SignedHeaders=(?P<headers>[A-Za-z0-9;-]+)\s*,\s*Signature=(?P<signature>[0-9a-f]{64})"
)

_EXPIRED: Final = WireRefusal(
    "AuthFailure.SignatureExpire", "The timestamp is more than 5 minutes from this server's clock."
)
_MALFORMED: Final = WireRefusal("AuthFailure.InvalidAuthorization", "The Authorization header is not of the TC3 form.")
_MISMATCH: Final = WireRefusal("AuthFailure.SignatureFailure", "The signature does not fit the request that arrived.")
_UNKNOWN_KEY: Final = WireRefusal("AuthFailure.SecretIdNotFound", "There is no such SecretId.")


class Authorization(Struct, frozen=True):
    """The Authorization header taken apart.

    Attributes:
        key: SecretId.
        date: UTC date of the credential scope.
        service: Product of the credential scope.
        headers: Names of the signed headers, lower case, joined by semicolons as sent.
        signature: 64 lower-case hexadecimal digits.
    """

    key: str
    date: str
    service: str
    headers: str
    signature: str


def parse_authorization(value: str) -> Authorization | None:
    """The header's parts, or None when it is not of the TC3 form."""
    found = _AUTHORIZATION.fullmatch(value.strip())
    if found is None:
        return None
    key, date, service, headers, signature = found.groups()
    return Authorization(key, date, service, headers.lower(), signature)


def verify(
    request: Request, secret_of: Callable[[str], str | None], *, now_s: float, unseen: bool = False
) -> str | WireRefusal:
    """Find out who signed a request.

    Args:
        request: As it arrived.
        secret_of: Secret key of a SecretId, None for an unknown one.
        now_s: The server's clock, epoch seconds.
        unseen: Take any key and do not compare the signature.

    Returns:
        The SecretId, or why the request is refused.
    """
    authorization = parse_authorization(request.headers.get("authorization", ""))
    if authorization is None:
        return _MALFORMED
    # Key before clock before signature: the refusal names the first thing that is wrong.
    secret = secret_of(authorization.key)
    if secret is None and not unseen:
        return _UNKNOWN_KEY
    if refusal := check_clock(request.headers.get("x-tc-timestamp", ""), now_s):
        return refusal
    return authorization.key if unseen or fits(request, authorization, secret or "") else _MISMATCH


def check_clock(timestamp: str, now_s: float) -> WireRefusal | None:
    """Why a request's time is refused, or None."""
    if not timestamp:
        return WireRefusal("MissingParameter", "The request is missing `X-TC-Timestamp`.")
    if not _SECONDS.fullmatch(timestamp):
        return WireRefusal("InvalidParameterValue", "`X-TC-Timestamp` is not a number of seconds.")
    return _EXPIRED if abs(now_s - int(timestamp)) > SKEW_S else None


def fits(request: Request, authorization: Authorization, secret_key: str, service: str = SERVICE) -> bool:
    """Whether a signature is the one this secret key gives for the request as it arrived.

    The credential's date must be the UTC date of the timestamp, its service ours, and content-type
    and host must be signed.
    """
    timestamp = request.headers["x-tc-timestamp"]
    date = datetime.fromtimestamp(int(timestamp), UTC).strftime("%Y-%m-%d")
    names = authorization.headers.split(";")
    # The date in the credential is derived from the timestamp by the client; another one means two
    # clocks.
    if authorization.date != date or authorization.service != service or not _REQUIRED.issubset(names):
        return False
    # A header that is signed and did not arrive was taken off on the way.
    if any(name not in request.headers for name in names):
        return False
    scope = f"{date}/{service}/tc3_request"
    hashed = sha256(canonical_request(request, names).encode()).hexdigest()
    text = f"{_ALGORITHM}\n{timestamp}\n{scope}\n{hashed}"
    expected = hmac.new(_signing_key(secret_key, date, service), text.encode(), sha256).hexdigest()
    # In constant time, as a real gateway must; here it costs nothing.
    return hmac.compare_digest(expected, authorization.signature)


def canonical_request(request: Request, names: list[str]) -> str:
    """The text whose hash is signed.

    Args:
        request: As it arrived; a GET signs its query string and an empty body, a POST its body and
            an empty query string.
        names: The signed headers, in the order of the Authorization header. Their lines are sorted
            here, so a client that did not sort its list does not fit, as documented.
    """
    lines = "".join(f"{name}:{request.headers[name].strip().lower()}\n" for name in sorted(names))
    query, payload = (request.query, b"") if request.method == "GET" else ("", request.body)
    if request.headers.get("x-tc-content-sha256") == _UNSIGNED:
        payload = _UNSIGNED.encode()  # the word is hashed in place of the body
    return f"{request.method}\n/\n{query}\n{lines}\n{';'.join(names)}\n{sha256(payload).hexdigest()}"


@lru_cache(maxsize=256)  # the key holds for a UTC day: three hashes a call less
def _signing_key(secret_key: str, date: str, service: str) -> bytes:
    key = f"TC3{secret_key}".encode()
    for part in (date, service, "tc3_request"):
        key = hmac.new(key, part.encode(), sha256).digest()
    return key
