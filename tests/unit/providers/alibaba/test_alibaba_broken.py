"""Calls that break, and what must never be seen of any call."""

import logging
from dataclasses import replace

import httpx
import pytest

from tests.unit.providers.alibaba.harness import (
    CALL,
    CALL_GLOBE,
    KEY_ID,
    KEY_SECRET,
    OTP,
    SECRETS,
    Line,
    answering,
    failing,
    gateway,
    globe_refused,
    query_of,
    refused,
)
from worker.providers.base import Answer, Call

OWN = replace(CALL, own_params=[("code=1",), ("code=2",)])


def test_every_call_is_signed_anew() -> None:
    """Two calls with the same content have two nonces and two signatures.

    The same signed bytes never leave twice.
    """
    line = answering(500, b"")
    provider = line.mainland()

    provider.send(CALL)
    provider.send(CALL)

    first, second = line.requests
    assert first.headers["x-acs-signature-nonce"] != second.headers["x-acs-signature-nonce"]
    assert first.headers["authorization"] != second.headers["authorization"]
    assert query_of(first) == query_of(second)


LEAKY = f"key {KEY_ID} {KEY_SECRET} code {OTP} number +8613711112222 or 13711112222 text Your code is {OTP}. Keep it."
LEAKS = [
    answering(200, refused("isv.X", LEAKY)),
    answering(200, globe_refused("isv.X", LEAKY)),
    answering(200, LEAKY.encode()),
    answering(400, gateway("X", LEAKY)),
    answering(403, LEAKY.encode()),
    answering(503, LEAKY.encode()),
    failing(httpx.ReadTimeout(LEAKY)),
    failing(httpx.PoolTimeout(LEAKY)),
    failing(ValueError(LEAKY)),
]


@pytest.mark.parametrize("line", LEAKS)
@pytest.mark.parametrize(
    ("call", "secrets"), [(CALL, SECRETS), (OWN, (KEY_SECRET,)), (CALL_GLOBE, (*SECRETS, "Keep it."))]
)
def test_secrets_stay_inside(
    line: Line, call: Call, secrets: tuple[str, ...], caplog: pytest.LogCaptureFixture
) -> None:
    """No answer and no log line holds a secret, a value or a number, whatever is repeated to us."""
    caplog.set_level(logging.DEBUG)
    provider = line.international() if call is CALL_GLOBE else line.mainland()

    answer: Answer = provider.send(call)

    shown = caplog.text + repr(answer) + repr(provider)
    assert not [secret for secret in (*secrets, KEY_ID, "13711112222") if secret in shown]
