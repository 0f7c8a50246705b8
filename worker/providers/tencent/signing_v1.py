"""Signature algorithm v1, HmacSHA1 and HmacSHA256: the signed form of a request.

The older of the provider's algorithms (Tencent SMS API document, lines 350 and 475-522): all common
parameters stand beside the action's own in one form, lists and objects are flattened into names
such as `PhoneNumberSet.0`, and the signature covers every name with its value as it is before it is
encoded. Pure functions of their arguments.
"""

import base64
import hmac
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, Literal, TypeAlias, get_args
from urllib.parse import urlencode

Method: TypeAlias = Literal["HmacSHA256", "HmacSHA1"]

METHODS: Final[tuple[Method, ...]] = get_args(Method)
CONTENT_TYPE: Final = "application/x-www-form-urlencoded"
# Most bytes of a POST signed this way (Tencent SMS API document, line 353).
BODY_LIMIT: Final = 1024 * 1024

_DIGESTS: Final[Mapping[Method, str]] = {"HmacSHA256": "sha256", "HmacSHA1": "sha1"}


def flattened(params: Mapping[str, object]) -> dict[str, str]:
    """Parameters by single values: `{"A": ["x"]}` becomes `{"A.0": "x"}`; null is left out."""
    return dict(_leaves("", params))


def _leaves(name: str, value: object) -> Iterator[tuple[str, str]]:
    # Names are made as the official SDKs make them: a dot before each place or name, places from 0.
    if isinstance(value, Mapping):
        parts = [(str(key), part) for key, part in value.items()]
    elif isinstance(value, Sequence) and not isinstance(value, str):
        parts = [(str(place), part) for place, part in enumerate(value)]
    else:
        if value is not None:
            yield name, str(value)
        return
    for key, part in parts:
        yield from _leaves(f"{name}.{key}" if name else key, part)


def text_to_sign(params: Mapping[str, str], *, host: str, verb: str = "POST", path: str = "/") -> str:
    """What is signed: verb, host, path and the parameters sorted by name, values unencoded.

    Args:
        params: All parameters of the request except Signature.
        host: The Host header as it will be sent, with the port where the URL has one.
        verb: `POST` or `GET`.
        path: Of the API, always `/`.
    """
    # Sorted by code point and not by letters of any language, and nothing is percent-encoded before
    # it is signed.
    return f"{verb}{host}{path}?" + "&".join(f"{name}={params[name]}" for name in sorted(params))


def signature(text: str, *, secret_key: str, method: Method) -> str:
    """The signature of a text in base64."""
    return base64.b64encode(hmac.digest(secret_key.encode(), text.encode(), _DIGESTS[method])).decode()


def signed_form(params: Mapping[str, str], *, secret_key: str, method: Method, host: str) -> bytes:
    """The body of a signed POST.

    Args:
        params: The common parameters, which must name SecretId, Timestamp and Nonce, and the
            action's own, flattened.
        secret_key: SecretKey of the key.
        method: The algorithm, which goes along as SignatureMethod.
        host: The Host header as it will be sent.
    """
    # SignatureMethod is signed too, so it has to be among the parameters before the text is made.
    full = {**params, "SignatureMethod": method}
    word = signature(text_to_sign(full, host=host), secret_key=secret_key, method=method)
    return urlencode({**full, "Signature": word}).encode()
