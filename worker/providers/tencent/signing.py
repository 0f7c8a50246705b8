"""TC3-HMAC-SHA256: the headers that prove who sends a request, from its exact bytes and a key.

What Tencent's calls are signed with unless an account asks for one of the older algorithms, which
are in `signing_v1`. Pure functions of their arguments; the steps and their names follow the Tencent
SMS API document, lines 589-720. Only content type and host are signed besides the body, so every
other header may be added freely.
"""

import hashlib
import hmac
import time
from functools import lru_cache
from typing import Final

ALGORITHM: Final = "TC3-HMAC-SHA256"
SIGNED_HEADERS: Final = "content-type;host"
_TERMINATION: Final = "tc3_request"


def sign(
    body: bytes,
    *,
    secret_id: str,
    secret_key: str,
    service: str,
    host: str,
    content_type: str,
    timestamp_s: int,
    method: str = "POST",
    query: str = "",
) -> dict[str, str]:
    """The headers that sign one request.

    Args:
        body: The body, byte for byte as it will be sent.
        secret_id: SecretId of the key.
        secret_key: SecretKey of the key.
        service: First label of the product's domain name, `sms`.
        host: The Host header as it will be sent, with the port where the URL has one.
        content_type: The Content-Type header as it will be sent.
        timestamp_s: Epoch seconds; the provider refuses more than 5 minutes of difference
            (document, line 4912), so a request is signed when it is sent, never when it is queued.
        method: `POST`, or `GET` with an empty body.
        query: The encoded query string of a GET.

    Returns:
        `authorization`, `content-type`, `host` and `x-tc-timestamp`.
    """
    digest = hashlib.sha256(
        canonical_request(body, host=host, content_type=content_type, method=method, query=query)
    ).hexdigest()
    # The date is the UTC one of this very timestamp, wherever the machine stands (document, line
    # 661).
    date = time.strftime("%Y-%m-%d", time.gmtime(timestamp_s))
    scope = f"{date}/{service}/{_TERMINATION}"
    to_sign = f"{ALGORITHM}\n{timestamp_s}\n{scope}\n{digest}"
    # Three derivations with the day's facts, then the text itself: a leaked signature is of no use
    # on another day or for another product.
    signature = hmac.digest(_day_key(secret_key, date, service), to_sign.encode(), "sha256").hex()
    return {
        "authorization": (
            f"{ALGORITHM} Credential={secret_id}/{scope}, SignedHeaders={SIGNED_HEADERS}, Signature={signature}"
        ),
        "content-type": content_type,
        "host": host,
        "x-tc-timestamp": str(timestamp_s),
    }


def canonical_request(body: bytes, *, host: str, content_type: str, method: str = "POST", query: str = "") -> bytes:
    """The text whose hash is signed; its path is always `/` (document, line 606)."""
    # Hashed once more by the gateway from what it receives: a body that is encoded anew on the way
    # is refused.
    hashed = hashlib.sha256(body).hexdigest()
    return f"{method}\n/\n{query}\ncontent-type:{content_type}\nhost:{host}\n\n{SIGNED_HEADERS}\n{hashed}".encode()


# 64: a key, a day and a product each; accounts of one process times two days around midnight.
@lru_cache(maxsize=64)
def _day_key(secret_key: str, date: str, service: str) -> bytes:
    """The key derived for one UTC day; kept, as it is three of the four HMACs of every call."""
    key = hmac.digest(f"TC3{secret_key}".encode(), date.encode(), "sha256")
    key = hmac.digest(key, service.encode(), "sha256")
    return hmac.digest(key, _TERMINATION.encode(), "sha256")
