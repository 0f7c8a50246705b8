"""The older signatures: known examples, and the official SDK as the oracle for everything else."""

import base64
import random
import sys
import types
from typing import Any
from urllib.parse import parse_qs, parse_qsl

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from tencentcloud.common import abstract_client
from tencentcloud.common.credential import Credential
from tencentcloud.common.http.request import RequestInternal
from tencentcloud.common.profile.client_profile import ClientProfile
from tencentcloud.common.profile.http_profile import HttpProfile
from tencentcloud.common.sign import Sign
from tencentcloud.sms.v20210111 import sms_client

from tests.support.accounts import changed
from tests.unit.providers.tencent.harness import ACCOUNT, CALL, NOW, SECRET_ID, SECRET_KEY, TOKEN, Line, row, sent_body
from worker.providers.base import Broken
from worker.providers.tencent.client import TencentProvider
from worker.providers.tencent.signing_v1 import METHODS, Method, flattened, signature, signed_form, text_to_sign

NONCE = 7654321


@pytest.mark.parametrize(
    ("ending", "expected"), [("*******", "zmmjn35mikh6pM3V7sUEuX4wyYM="), ("EXAMPLE", "EliP9YW3pW28FpsEdkXt/+WcGeI=")]
)
def test_published_example(ending: str, expected: str) -> None:
    """The provider's worked example of a GET, whose keys its pages print with two endings.

    https://www.tencentcloud.com/document/product/228/31724
    """
    params = {
        "Action": "DescribeInstances",
        "InstanceIds.0": "ins-09dx96dg",
        "Limit": "20",
        "Nonce": "11886",
        "Offset": "0",
        "Region": "ap-guangzhou",
        "SecretId": "AKIDz8krbsJ5yKBZQpn74WFkmLPx3" + ending,
        "Timestamp": "1465185768",
        "Version": "2017-03-12",
    }
    text = text_to_sign(params, host="cvm.tencentcloudapi.com", verb="GET")

    assert expected == signature(text, secret_key="Gu5t9xGARNpq86cd98joQYCN3" + ending, method="HmacSHA1")


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ("HmacSHA1", "de7c9b85b8b78aa6bc8a7a36f70a90701c9db4d9"),
        ("HmacSHA256", "f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8"),
    ],
)
def test_algorithms(method: Method, expected: str) -> None:
    """The HMAC of the usual example sentence under the key `key`, in base64 and not in hex."""
    word = signature("The quick brown fox jumps over the lazy dog", secret_key="key", method=method)

    assert expected == base64.b64decode(word).hex()


def test_text_to_sign() -> None:
    """Verb, host and path stand before the parameters, sorted by name, their values unencoded."""
    params = {"b": "x y&z", "PhoneNumberSet.1": "+65", "PhoneNumberSet.0": "腾讯", "A": ""}

    assert text_to_sign(params, host="h:1") == "POSTh:1/?A=&PhoneNumberSet.0=腾讯&PhoneNumberSet.1=+65&b=x y&z"
    assert text_to_sign({}, host="h", verb="GET").startswith("GETh/?")


def test_flattened() -> None:
    """Lists and objects become names with their place; null and empty lists have none."""
    nested = {"A": ["x", "y"], "B": [{"C": ["z"], "D": None}], "E": 7, "F": [], "G": "", "H": None}

    assert flattened(nested) == {"A.0": "x", "A.1": "y", "B.0.C.0": "z", "E": "7", "G": ""}


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
NAMES = st.text(st.characters(codec="ascii", categories=["Lu", "Ll"]), min_size=1, max_size=8)
PARAMS = st.dictionaries(NAMES, st.one_of(TEXT, st.integers(), st.lists(TEXT, max_size=3)), max_size=5)


@given(params=PARAMS, method=st.sampled_from(METHODS), host=st.sampled_from(["sms.tencentcloudapi.com", "127.0.0.1:1"]))
def test_sdk_signs_the_same(*, params: dict[str, Any], method: Method, host: str) -> None:
    """For any parameters the signature is the official SDK's."""
    profile = ClientProfile(signMethod=method, httpProfile=HttpProfile(endpoint=host))
    client = sms_client.SmsClient(Credential("id", "key"), "ap-guangzhou", profile)

    form = dict(parse_qsl(signed_form(flattened(params), secret_key="key", method=method, host=host).decode(), True))

    full = {**client._fix_params(params), "SignatureMethod": method}
    assert form.pop("Signature") == Sign.sign("key", client._format_sign_string(full), method)
    assert form == {name: str(value) for name, value in full.items()}


@pytest.mark.parametrize("method", METHODS)
def test_sdk_sends_the_same_form(method: Method, monkeypatch: pytest.MonkeyPatch) -> None:
    """A whole request is the SDK's for the same parameters, time and nonce, but for its label."""
    line, provider = _line(method)
    provider.send(CALL)
    (ours,) = line.requests
    monkeypatch.setattr(abstract_client, "time", types.SimpleNamespace(time=lambda: NOW + 0.75))
    monkeypatch.setattr(random, "randint", lambda _first, _last: NONCE)
    profile = ClientProfile(signMethod=method, language="en-US")
    client = sms_client.SmsClient(Credential(SECRET_ID, SECRET_KEY, TOKEN), ACCOUNT.region, profile)
    client.request_client = ""
    theirs = RequestInternal("sms.tencentcloudapi.com", "POST", "/", {})
    params = {
        "PhoneNumberSet": ["+8613711112222", "+8613711113333"],
        "SmsSdkAppId": "1400006666",
        "TemplateId": "1234",
        "SignName": "腾讯云",
        "TemplateParamSet": ["482913"],
        "SessionContext": "b7.1",
    }

    client._build_req_inter("SendSms", params, theirs)

    sent, expected = (parse_qs(body, keep_blank_values=True) for body in (ours.content.decode(), theirs.data))
    # The SDK's label is signed too; without it, its signature is that of the rest.
    assert expected.pop("RequestClient") == [""]
    expected.pop("Signature")
    word = sent.pop("Signature")
    assert sent == expected
    plain = {name: values[0] for name, values in sent.items()}
    assert word == [Sign.sign(SECRET_KEY, text_to_sign(plain, host="sms.tencentcloudapi.com"), method)]
    assert theirs.header["Content-Type"] == ours.headers["content-type"] == "application/x-www-form-urlencoded"
    assert not [name for name in ours.headers if name.startswith("x-tc") or name == "authorization"]


def _line(method: str) -> tuple[Line, TencentProvider]:
    line = Line(lambda _: httpx.Response(200, content=sent_body(row())))
    account = changed(ACCOUNT, signing=method)
    return line, TencentProvider("main", account, port=line.port, clock=lambda: NOW + 0.75, nonce=lambda: NONCE)


def test_a_nonce_of_its_own() -> None:
    """Each call has another nonce, a positive number."""
    line, _ = _line("HmacSHA1")
    provider = TencentProvider("main", changed(ACCOUNT, signing="HmacSHA1", token=""), port=line.port)

    provider.send(CALL)
    provider.send(CALL)

    forms = [parse_qs(request.content.decode()) for request in line.requests]
    assert len({form["Nonce"][0] for form in forms}) == 2
    assert all(0 < int(form["Nonce"][0]) < sys.maxsize for form in forms)
    assert all("Token" not in form for form in forms)


def test_a_form_has_a_megabyte() -> None:
    """A larger one is not sent; the same parameters are when they are signed by TC3."""
    line, _ = _line("HmacSHA1")
    image = {"ProofImage": "A" * 1024 * 1024}

    def answer(signing: str) -> object:
        return TencentProvider("main", changed(ACCOUNT, signing=signing), port=line.port).once("AddSmsSign", image)

    refused = answer("HmacSHA256")

    assert isinstance(refused, Broken)
    assert (refused.maybe_sent, refused.code) == (False, "http.413")
    assert not line.requests
    assert isinstance(answer("TC3-HMAC-SHA256"), bytes)


def test_unknown_algorithm() -> None:
    """Another algorithm is refused when the account is made."""
    with pytest.raises(ValidationError, match="'TC3-HMAC-SHA256', 'HmacSHA256' or 'HmacSHA1'"):
        changed(ACCOUNT, signing="MD5")
