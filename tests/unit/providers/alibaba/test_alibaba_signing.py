"""ACS3 signatures.

Published and computed examples, and the official SDK as the judge of every request the adapter
makes.
"""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import alibabacloud_tea_openapi.client as openapi
import pytest
from alibabacloud_dysmsapi20170525 import models as mainland_models
from alibabacloud_dysmsapi20170525.client import Client as MainlandClient
from alibabacloud_dysmsapi20180501 import models as international_models
from alibabacloud_dysmsapi20180501.client import Client as InternationalClient
from alibabacloud_tea_openapi.models import Config

from tests.support.accounts import changed
from tests.unit.providers.alibaba.harness import (
    ASKED_CN,
    ASKED_SG,
    BIZ_ID,
    CALL,
    CALL_CHINA,
    CALL_GLOBE,
    CONTEXT,
    FIRST,
    GLOBAL,
    INTERNATIONAL,
    KEY_ID,
    KEY_SECRET,
    MESSAGE_ID,
    OTP,
    Line,
    answering,
    query_of,
)
from worker.providers.alibaba.signing import canonical_query, canonical_request, date_of, sign
from worker.providers.base import Call

VECTORS = [
    vector
    for vector in json.loads(Path(__file__).with_name("signing-vectors.json").read_text(encoding="utf-8"))
    if vector["name"].startswith("acs3")
]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_vectors(vector: dict[str, Any]) -> None:
    """The examples work out, from the hash of what is signed to the header."""
    headers = {name: value for name, value in vector["headers"].items() if name != "x-acs-content-sha256"}
    hashed = vector["headers"]["x-acs-content-sha256"]
    canonical = canonical_request(vector["headers"], query=vector["query"], hashed=hashed, method="POST")
    key_id = vector["authorization"].partition("Credential=")[2].partition(",")[0]
    signed = sign(
        headers,
        query=vector["query"],
        body=vector["payload"].encode(),
        access_key_id=key_id,
        access_key_secret=vector["secret"],
    )

    assert vector["canonical_request_sha256"] == hashlib.sha256(canonical).hexdigest()
    assert signed["authorization"] == vector["authorization"]
    assert signed["x-acs-content-sha256"] == hashed


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, ""),
        ({"b": "2", "a": "1"}, "a=1&b=2"),
        ({"a": ""}, "a="),
        ({"a": "x y+z*~/="}, "a=x%20y%2Bz%2A~%2F%3D"),
        ({"名": "阿"}, "%E5%90%8D=%E9%98%BF"),
    ],
)
def test_canonical_query(query: dict[str, str], expected: str) -> None:
    """Sorted by name; everything but letters, digits and -_.~ is encoded, a space as %20."""
    assert expected == canonical_query(query)


def test_date() -> None:
    """UTC, to the second."""
    assert date_of(1_790_000_000.9) == "2026-09-21T14:13:20Z"


class Captured(Exception):  # noqa: N818 - no error: it ends the SDK's call where it would leave the machine
    """The SDK's request, signed."""


def sdk_request(monkeypatch: pytest.MonkeyPatch, call: Callable[[], object]) -> Any:
    """The official SDK's request at the time and with the nonce of the adapter's tests."""
    caught: list[Any] = []

    def catch(request: Any, _runtime: object) -> None:
        caught.append(request)
        raise Captured

    monkeypatch.setattr(openapi.DaraCore, "do_action", catch)
    monkeypatch.setattr(openapi.Utils, "get_timestamp", lambda: "2026-09-21T14:13:20Z")
    monkeypatch.setattr(openapi.Utils, "get_nonce", lambda: "nonce-1")
    with pytest.raises(Exception):  # noqa: B017, PT011 - whatever the SDK makes of `Captured`
        call()
    (request,) = caught
    return request


def client_of(kind: type[Any]) -> Any:
    """The SDK's client with the tests' key."""
    return kind(Config(access_key_id=KEY_ID, access_key_secret=KEY_SECRET, endpoint="dysmsapi.aliyuncs.com"))


OWN = Call(CALL.numbers, CALL.content, CALL.context, 5.0, own_params=[("code=1 + 1",), ("code=ü&=",)])
PARAMS = json.dumps({"code": OTP}, separators=(",", ":"))


def send_sms() -> object:
    """As an SDK user writes CALL."""
    return client_of(MainlandClient).send_sms(
        mainland_models.SendSmsRequest(
            phone_numbers="13711112222,13711113333",
            sign_name="阿里云",
            template_code="SMS_154950909",
            template_param=PARAMS,
            out_id=CONTEXT,
        )
    )


def send_batch_sms() -> object:
    """As an SDK user writes OWN."""
    return client_of(MainlandClient).send_batch_sms(
        mainland_models.SendBatchSmsRequest(
            phone_number_json='["13711112222","13711113333"]',
            sign_name_json='["阿里云","阿里云"]',
            template_code="SMS_154950909",
            template_param_json='[{"code":"1 + 1"},{"code":"ü&="}]',
            out_id=CONTEXT,
        )
    )


def query_send_details() -> object:
    """As an SDK user asks about ASKED_CN."""
    return client_of(MainlandClient).query_send_details(
        mainland_models.QuerySendDetailsRequest(
            phone_number="13711112222", biz_id=BIZ_ID, send_date="20260921", page_size=50, current_page=1
        )
    )


def send_message_to_globe() -> object:
    """As an SDK user writes CALL_GLOBE."""
    return client_of(InternationalClient).send_message_to_globe(
        international_models.SendMessageToGlobeRequest(
            to=str(GLOBAL), from_="ACME", message=f"Your code is {OTP}. Keep it.", task_id=CONTEXT
        )
    )


def send_message_with_template() -> object:
    """As an SDK user writes CALL_CHINA."""
    return client_of(InternationalClient).send_message_with_template(
        international_models.SendMessageWithTemplateRequest(
            to=str(FIRST), from_="阿里云", template_code="SMS_154950909", template_param=PARAMS
        )
    )


def query_message() -> object:
    """As an SDK user asks about ASKED_SG."""
    return client_of(InternationalClient).query_message(international_models.QueryMessageRequest(message_id=MESSAGE_ID))


def abroad(line: Line) -> Any:
    """The international provider at the endpoint that the SDK is told."""
    return line.international(changed(INTERNATIONAL, endpoint="https://dysmsapi.aliyuncs.com"))


CASES: list[tuple[Callable[[], object], Callable[[Line], object]]] = [
    (send_sms, lambda line: line.mainland().send(CALL)),
    (send_batch_sms, lambda line: line.mainland().send(OWN)),
    (query_send_details, lambda line: line.mainland().query([ASKED_CN])),
    (send_message_to_globe, lambda line: abroad(line).send(CALL_GLOBE)),
    (send_message_with_template, lambda line: abroad(line).send(CALL_CHINA)),
    (query_message, lambda line: abroad(line).query([ASKED_SG])),
]
IDS = [sdk.__name__ for sdk, _ in CASES]


@pytest.mark.parametrize(("sdk", "ours"), CASES, ids=IDS)
def test_same_signature_as_the_sdk(monkeypatch: pytest.MonkeyPatch, sdk: Any, ours: Any) -> None:
    """For the SDK's own request, with every header it signs, our Authorization is the SDK's."""
    del ours
    request = sdk_request(monkeypatch, sdk)
    headers = {name.lower(): value for name, value in request.headers.items()}
    expected = SimpleNamespace(authorization=headers.pop("authorization"), hashed=headers.pop("x-acs-content-sha256"))

    signed = sign(
        headers,
        query=request.query,
        body=(request.body or "").encode(),
        access_key_id=KEY_ID,
        access_key_secret=KEY_SECRET,
    )

    assert signed["authorization"] == expected.authorization
    assert signed["x-acs-content-sha256"] == expected.hashed


@pytest.mark.parametrize(("sdk", "ours"), CASES, ids=IDS)
def test_same_request_as_the_sdk(monkeypatch: pytest.MonkeyPatch, sdk: Any, ours: Any) -> None:
    """The adapter sends the same action and parameters in the same places, a form byte for byte."""
    request = sdk_request(monkeypatch, sdk)
    line = answering(200, {})

    ours(line)

    (made,) = line.requests
    named = ("x-acs-action", "x-acs-version", "x-acs-date", "x-acs-signature-nonce", "accept", "host")
    assert made.method == request.method == "POST"
    assert {name: made.headers[name] for name in named} == {name: request.headers[name] for name in named}
    assert query_of(made) == request.query
    assert made.content == (request.body or "").encode()
    assert made.headers.get("content-type") == request.headers.get("content-type")
