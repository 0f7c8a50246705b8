"""ACS3-HMAC-SHA256: the headers that prove who sends a request, from its exact parts and a key.

Pure functions of their arguments; the steps are those of Alibaba Cloud's "V3 request body and
signature mechanism", held against its worked example and against the official SDK in the tests.
Every header that is passed in is signed.
"""

import hashlib
import hmac
import time
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

ALGORITHM: Final = "ACS3-HMAC-SHA256"


def sign(
    headers: Mapping[str, str],
    *,
    query: Mapping[str, str],
    body: bytes,
    access_key_id: str,
    access_key_secret: str,
    method: str = "POST",
) -> dict[str, str]:
    """The headers that sign one request.

    Args:
        headers: Lower-case names to values, as they will be sent: `host`, with the port where the
            URL has one, `x-acs-action`, `x-acs-version`, `x-acs-date` (see `date_of`),
            `x-acs-signature-nonce`, which the provider takes once only, and whatever else is to be
            signed; `content-type` must be when there is a body.
        query: The parameters in the query string.
        body: The body, byte for byte as it will be sent.
        access_key_id: Public half of the key.
        access_key_secret: Secret half of the key.
        method: The HTTP method.

    Returns:
        `headers` with `x-acs-content-sha256` and `authorization`.
    """
    hashed = hashlib.sha256(body).hexdigest()
    # The body is signed by its hash alone, which is why that is a header and signed with the
    # others.
    signed = {**headers, "x-acs-content-sha256": hashed}
    names = ";".join(sorted(signed))
    digest = hashlib.sha256(canonical_request(signed, query=query, hashed=hashed, method=method)).hexdigest()
    signature = hmac.digest(access_key_secret.encode(), f"{ALGORITHM}\n{digest}".encode(), "sha256").hex()
    authorization = f"{ALGORITHM} Credential={access_key_id},SignedHeaders={names},Signature={signature}"
    return {**signed, "authorization": authorization}


def canonical_request(headers: Mapping[str, str], *, query: Mapping[str, str], hashed: str, method: str) -> bytes:
    """The text whose hash is signed; its path is always `/`, as for all actions of these APIs."""
    # Names are lower case already and sorted once more here, because the signature depends on the
    # order.
    lines = "".join(f"{name}:{headers[name].strip()}\n" for name in sorted(headers))
    names = ";".join(sorted(headers))
    return f"{method}\n/\n{canonical_query(query)}\n{lines}\n{names}\n{hashed}".encode()


def canonical_query(query: Mapping[str, str]) -> str:
    """The query string, signed and sent: sorted, encoded by RFC 3986, no `+` for a space."""
    return "&".join(f"{quote(name, safe='~')}={quote(query[name], safe='~')}" for name in sorted(query))


def date_of(at_s: float) -> str:
    """Epoch seconds as `x-acs-date`, of which at most 15 minutes of difference are taken."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at_s))
