"""Signatures of events: Standard Webhooks 1.0, HMAC-SHA256 over id, time and body."""

import hmac
from base64 import b64decode, b64encode
from hashlib import sha256

from smsline.ledger.webhooks import SIGNING_PREFIX


def headers_of(event: str, body: bytes, *, secret: str, now_s: int) -> dict[str, str]:
    """The headers of one request.

    Args:
        event: The event's id, the same over all tries.
        body: As it is sent.
        secret: The endpoint's: `whsec_` and base64.
        now_s: When the request is made, epoch s.
    """
    key = b64decode(secret.removeprefix(SIGNING_PREFIX))
    digest = hmac.new(key, b".".join((event.encode(), str(now_s).encode(), body)), sha256).digest()
    return {
        "content-type": "application/json",
        "user-agent": "smsline-webhooks/1",
        "webhook-id": event,
        "webhook-timestamp": str(now_s),
        "webhook-signature": f"v1,{b64encode(digest).decode()}",
    }
