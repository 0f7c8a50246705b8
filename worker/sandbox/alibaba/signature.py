"""The signer of a request, as its AccessKey ID or a refusal.

Both ACS3-HMAC-SHA256 and the HMAC-SHA1 of older SDKs (RPC) are verified.
"""

import base64
import hmac
import re
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final
from urllib.parse import parse_qsl, quote

from msgspec import Struct

from worker.sandbox.alibaba.params import QueryParams
from worker.sandbox.wire import Request, WireRefusal

# How far a request's time may be from the server's clock (Alibaba Cloud SMS error codes, 2018
# edition, line 32).
SKEW_S: Final = 900

_ALGORITHM: Final = "ACS3-HMAC-SHA256"
_AUTHORIZATION: Final = re.compile(
    rf"{_ALGORITHM} Credential=(?P<key>[^,\s]+),SignedHeaders=(?P<headers>[a-z0-9;-]+),Signature=(?P<signature>[0-9a-f]{{64}})"
)
_REQUIRED: Final = {
    "host",
    "x-acs-action",
    "x-acs-version",
    "x-acs-date",
    "x-acs-signature-nonce",
    "x-acs-content-sha256",
}

_INCOMPLETE: Final = WireRefusal("IncompleteSignature", "The request signature does not conform to Aliyun standards.")
_MISMATCH: Final = WireRefusal("SignatureDoesNotMatch", "Specified signature is not matched with our calculation.")
_UNKNOWN_KEY: Final = WireRefusal("InvalidAccessKeyId.NotFound", "Specified access key is not found.")
_EXPIRED: Final = WireRefusal("InvalidTimeStamp.Expired", "Specified time stamp or date value is expired.")
_USED: Final = WireRefusal("SignatureNonceUsed", "Specified signature nonce was used already.")


class SignatureClaim(Struct, frozen=True):
    """What a request says of its signer.

    Attributes:
        key: AccessKey ID.
        signature: As sent.
        date: UTC time as sent.
        nonce: The word that is good for one request.
    """

    key: str
    signature: str
    date: str
    nonce: str


class Nonces:
    """The nonces seen within the time in which a request can be valid, per key."""

    def __init__(self) -> None:
        self._seen: set[tuple[str, str]] = set()
        self._order: deque[tuple[float, tuple[str, str]]] = deque()

    def fresh(self, key: str, nonce: str, now_s: float) -> bool:
        """Whether the nonce comes for the first time; it is remembered."""
        # A request may be dated SKEW_S ahead and stay valid until SKEW_S after its date: twice that
        # in all.
        while self._order and self._order[0][0] < now_s - 2 * SKEW_S:
            self._seen.discard(self._order.popleft()[1])
        if (key, nonce) in self._seen:
            return False
        self._seen.add((key, nonce))
        self._order.append((now_s, (key, nonce)))
        return True


def verify(
    request: Request,
    asked: QueryParams,
    secret_of: Callable[[str], str | None],
    nonces: Nonces,
    *,
    unseen: bool = False,
) -> str | WireRefusal:
    """Find out who signed a request.

    Args:
        request: As it arrived.
        asked: Its parameters.
        secret_of: Secret of an AccessKey ID, None for an unknown one.
        nonces: Those that are used up.
        unseen: Take any key and compare neither signature nor nonce.

    Returns:
        The AccessKey ID, or why the request is refused.
    """
    # The SDKs name the action in a header for RPC too, so only the place of the signature tells the
    # two apart.
    params = {**asked.query, **asked.form}
    by_header = "authorization" in request.headers or "Signature" not in params
    values = [params.get(name, "") for name in ("AccessKeyId", "Signature", "Timestamp", "SignatureNonce")]
    spoken = params.get("SignatureMethod") == "HMAC-SHA1" and params.get("SignatureVersion") == "1.0"
    by_params = SignatureClaim(*values) if all(values) and spoken else None
    claim = _claim_of_header(request) if by_header else by_params
    if claim is None:
        return _INCOMPLETE
    secret = secret_of(claim.key)
    if secret is None and not unseen:
        return _UNKNOWN_KEY
    try:
        sent_s = datetime.strptime(claim.date, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp()
    except ValueError:
        sent_s = float("-inf")  # an unreadable date is refused as one of long ago
    # Clock before signature, and the nonce last: a request that does not fit uses up no nonce.
    if abs(request.at_s - sent_s) > SKEW_S:
        return _EXPIRED
    if unseen:
        return claim.key
    if not (fits(request, claim, secret or "") if by_header else rpc_fits(request, asked, claim, secret or "")):
        return _MISMATCH
    return claim.key if nonces.fresh(claim.key, claim.nonce, request.at_s) else _USED


def fits(request: Request, claim: SignatureClaim, secret: str) -> bool:
    """Whether an ACS3 signature is the one this secret gives for the request as it arrived.

    Host, content-type and every x-acs header that is there must be signed, and the hash of the body
    must be that of the body.
    """
    found = _AUTHORIZATION.fullmatch(request.headers["authorization"].strip())
    names = found["headers"].split(";") if found else []
    demanded = {name for name in request.headers if name.startswith("x-acs-")} | _REQUIRED
    demanded |= {"content-type"} & request.headers.keys()
    hashed = request.headers.get("x-acs-content-sha256", "")
    # A header that is not signed could be changed on the way, so all of x-acs must be.
    if not demanded.issubset(names) or any(name not in request.headers for name in names):
        return False
    if hashed != sha256(request.body).hexdigest():
        return False
    lines = "".join(f"{name}:{request.headers[name].strip()}\n" for name in sorted(names))
    query = canonical(parse_qsl(request.query, keep_blank_values=True))
    text = f"{request.method}\n/\n{query}\n{lines}\n{';'.join(names)}\n{hashed}"
    to_sign = f"{_ALGORITHM}\n{sha256(text.encode()).hexdigest()}"
    expected = hmac.new(secret.encode(), to_sign.encode(), sha256).hexdigest()
    return hmac.compare_digest(expected, claim.signature)


def rpc_fits(request: Request, asked: QueryParams, claim: SignatureClaim, secret: str) -> bool:
    """The same for RPC: HMAC-SHA1 over all parameters but the signature, wherever they stand."""
    pairs = [pair for pair in ({**asked.query, **asked.form}).items() if pair[0] != "Signature"]
    # RPC's key is the secret with an & behind it.
    expected = hmac.digest(f"{secret}&".encode(), rpc_text(request.method, pairs).encode(), "sha1")
    return hmac.compare_digest(base64.b64encode(expected).decode(), claim.signature)


def rpc_text(method: str, pairs: list[tuple[str, str]]) -> str:
    """What RPC signs."""
    return f"{method}&%2F&{quote(canonical(pairs), safe='~')}"


def canonical(pairs: list[tuple[str, str]]) -> str:
    """Decoded parameters as they are signed: sorted, and encoded as RFC 3986 has it."""
    return "&".join(f"{quote(name, safe='~')}={quote(value, safe='~')}" for name, value in sorted(pairs))


def _claim_of_header(request: Request) -> SignatureClaim | None:
    found = _AUTHORIZATION.fullmatch(request.headers.get("authorization", "").strip())
    if found is None:
        return None
    nonce, date = request.headers.get("x-acs-signature-nonce", ""), request.headers.get("x-acs-date", "")
    return SignatureClaim(found["key"], found["signature"], date, nonce) if nonce and date else None
