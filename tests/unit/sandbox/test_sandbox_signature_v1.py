"""The older signatures as the server checks them.

Against published examples, and against everything that must not pass.
"""

import base64
import hmac
import time
from collections.abc import Mapping
from urllib.parse import urlencode

import msgspec
import pytest

from tests.unit.sandbox.harness import APP, HOST, Line, decoded
from worker.sandbox.flags import Flags
from worker.sandbox.tencent.params import GET_LIMIT
from worker.sandbox.tencent.signature_v1 import BODY_LIMIT, FORM, fits, read_form
from worker.sandbox.wire import Request

PULL = {"SmsSdkAppId": APP, "Limit": "10"}


def common(action: str = "PullSmsSendStatus") -> dict[str, str]:
    """The common parameters, apart from the signature."""
    return {
        "Action": action,
        "Version": "2021-01-11",
        "Region": "ap-guangzhou",
        "Timestamp": str(int(time.time())),
        "Nonce": "11886",
        "SecretId": "sandbox-id",
        "SignatureMethod": "HmacSHA256",
    }


def signature(params: Mapping[str, str], *, verb: str, key: str = "sandbox-key", digest: str = "sha256") -> str:
    """Written from the provider's description and apart from the code under test."""
    text = f"{verb}{HOST}/?" + "&".join("=".join(pair) for pair in sorted(params.items()))
    return base64.b64encode(hmac.digest(key.encode(), text.encode(), digest)).decode()


def request(
    params: Mapping[str, str], changed: Mapping[str, str] | None = None, *, verb: str = "POST", digest: str = "sha256"
) -> Request:
    """A signed request; changes come after it was signed, an empty value leaves it out."""
    full = {**params, "Signature": signature(params, verb=verb, digest=digest), **(changed or {})}
    encoded = urlencode({name: value for name, value in full.items() if value})
    body, query = (encoded, "") if verb == "POST" else ("", encoded)
    headers = {"host": HOST, "content-type": FORM}
    return Request(verb, "/", query, headers, body.encode(), time.time(), 0.0)


def code(line: Line, asked: Request) -> str:
    """The code for the whole call, `Ok` when it was carried out."""
    return line.reply(asked).code


def test_published_example() -> None:
    """The provider's worked example: https://www.tencentcloud.com/document/product/228/31724."""
    params = {
        "Action": "DescribeInstances",
        "InstanceIds.0": "ins-09dx96dg",
        "Limit": "20",
        "Nonce": "11886",
        "Offset": "0",
        "Region": "ap-guangzhou",
        "SecretId": "AKIDz8krbsJ5yKBZQpn74WFkmLPx3*******",
        "Timestamp": "1465185768",
        "Version": "2017-03-12",
        "Signature": "zmmjn35mikh6pM3V7sUEuX4wyYM=",
    }
    asked = Request("GET", "/", urlencode(params), {"host": "cvm.tencentcloudapi.com"}, b"", 0.0, 0.0)
    form = read_form(asked)

    assert form is not None
    assert fits(form, "Gu5t9xGARNpq86cd98joQYCN3*******")
    assert not fits(form, "Gu5t9xGARNpq86cd98joQYCN3*****")


@pytest.mark.parametrize("verb", ["POST", "GET"])
@pytest.mark.parametrize(
    ("method", "digest"), [("HmacSHA256", "sha256"), ("HmacSHA1", "sha1"), ("", "sha1"), ("X", "sha1")]
)
def test_what_fits(line: Line, verb: str, method: str, digest: str) -> None:
    """Both algorithms pass by form and by query; without a method, or an unknown one, HmacSHA1."""
    params = {**common(), **PULL, "SignatureMethod": method}
    params = {name: value for name, value in params.items() if value}

    reply = line.reply(request(params, verb=verb, digest=digest))

    assert decoded(reply)["PullSmsSendStatusSet"] == []


WRONG: tuple[tuple[Mapping[str, str], str], ...] = (
    ({"Limit": "11"}, "AuthFailure.SignatureFailure"),
    ({"Signature": "AAAA"}, "AuthFailure.SignatureFailure"),
    ({"Signature": "ÄÄÄ"}, "AuthFailure.SignatureFailure"),
    ({"SignatureMethod": "HmacSHA1"}, "AuthFailure.SignatureFailure"),
    ({"Extra": "1"}, "AuthFailure.SignatureFailure"),
    ({"SecretId": "nobody"}, "AuthFailure.SecretIdNotFound"),
    ({"SecretId": ""}, "MissingParameter"),
    ({"Nonce": ""}, "MissingParameter"),
    ({"Nonce": "-5"}, "InvalidParameterValue"),
    ({"Timestamp": ""}, "MissingParameter"),
    ({"Timestamp": "noon"}, "InvalidParameterValue"),
    ({"Timestamp": "1465185768"}, "AuthFailure.SignatureExpire"),
)


@pytest.mark.parametrize(("changed", "expected"), WRONG)
def test_what_does_not_pass(line: Line, changed: Mapping[str, str], expected: str) -> None:
    """Whatever was changed after it was signed is refused, by form and by query."""
    for verb in ("POST", "GET"):
        assert code(line, request({**common(), **PULL}, changed, verb=verb)) == expected


UNFIT: tuple[tuple[Mapping[str, str], str], ...] = (
    ({"Action": "SendFax"}, "InvalidAction"),
    ({"Version": "2019-07-11"}, "NoSuchVersion"),
    ({"Region": "ap-atlantis"}, "UnsupportedRegion"),
    ({"Page": "2"}, "UnknownParameter"),
    ({"Limit": "many"}, "InvalidParameter"),
    ({"SmsSdkAppId": "1499999999"}, "InvalidParameterValue.SdkAppIdNotExist"),
)


@pytest.mark.parametrize(("changed", "expected"), UNFIT)
def test_signed_and_refused(line: Line, changed: Mapping[str, str], expected: str) -> None:
    """Behind the signature the rules are those of every request."""
    assert code(line, request({**common(), **PULL, **changed})) == expected


def test_flat_names_are_nested(line: Line) -> None:
    """Lists and messages come as flat names; answers are JSON's, and statistics know the action."""
    flat = {
        "SmsSdkAppId": APP,
        "MultiSmsInfoSet.0.PhoneNumber": "+6591234567",
        "MultiSmsInfoSet.0.TemplateId": "12",
        "MultiSmsInfoSet.0.TemplateParamSet.0": "a",
        "MultiSmsInfoSet.1.PhoneNumber": "+33612345678",
        "MultiSmsInfoSet.1.TemplateId": "12",
    }
    asked = request({**common("SendMultiGlobalSms"), **flat})

    rows = decoded(line.reply(asked))["SendMultiStatusSet"]

    assert {(row["PhoneNumber"], row["Code"]) for row in rows} == {("+6591234567", "Ok"), ("+33612345678", "Ok")}
    assert line.wire.action_of(asked) == "SendMultiGlobalSms"


def test_sizes(line: Line) -> None:
    """A form may have 1 MB and a query 32 KB."""
    form = request({**common(), **PULL, "X": "x" * BODY_LIMIT})
    query = request({**common(), **PULL, "X": "x" * GET_LIMIT}, verb="GET")

    assert [code(line, asked) for asked in (form, query)] == ["RequestSizeLimitExceeded"] * 2


def test_any_credentials() -> None:
    """With that flag any key passes, its signature unseen."""
    line = Line(Flags(any_credentials=True))

    assert code(line, request({**common(), **PULL}, {"SecretId": "somebody", "Signature": "x"})) == "Ok"


def test_a_form_without_a_signature_is_none(line: Line) -> None:
    """It is refused as an unsigned request; so is one of another type."""
    unsigned = request({**common(), **PULL}, {"Signature": ""})
    text = msgspec.structs.replace(request({**common(), **PULL}), headers={"host": HOST, "content-type": "text/plain"})

    assert [code(line, asked) for asked in (unsigned, text)] == ["AuthFailure.InvalidAuthorization"] * 2
