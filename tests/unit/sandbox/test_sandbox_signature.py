"""TC3-HMAC-SHA256 as the server checks it.

Against published examples, and against everything that must not pass.
"""

import time
from dataclasses import dataclass

import msgspec
import pytest

from tests.unit.sandbox.harness import Line, code_of, decoded, headers_for, request, sign
from worker.sandbox.flags import Flags
from worker.sandbox.tencent.signature import SKEW_S, canonical_request, fits, parse_authorization, verify
from worker.sandbox.wire import Request, WireRefusal

PULL = {"SmsSdkAppId": "1400000000", "Limit": 10}


@dataclass(frozen=True)
class Example:
    """A request whose signature is published, or was computed with the official SDK 3.1.195."""

    secret_key: str
    service: str
    host: str
    timestamp: int
    content_type: str
    signature: str
    date: str
    method: str = "POST"
    query: str = ""
    body: str = ""

    @property
    def request(self) -> Request:
        """It, as it arrives."""
        authorization = (
            f"TC3-HMAC-SHA256 Credential=AKIDEXAMPLE/{self.date}/{self.service}/tc3_request, "
            f"SignedHeaders=content-type;host, Signature={self.signature}"
        )
        headers = {
            "host": self.host,
            "content-type": self.content_type,
            "x-tc-timestamp": str(self.timestamp),
            "authorization": authorization,
        }
        return Request(self.method, "/", self.query, headers, self.body.encode(), float(self.timestamp), 0.0)


EXAMPLES = {
    # Tencent SMS API document, lines 573-720; its secret ends in seven asterisks,
    # the document prints five.
    "document, POST": Example(
        secret_key="Gu5t9xGARNpq86cd98joQYCN3*******",
        service="cvm",
        host="cvm.tencentcloudapi.com",
        timestamp=1551113065,
        date="2019-02-25",
        content_type="application/json; charset=utf-8",
        body='{"Limit": 1, "Filters": [{"Values": ["unnamed"], "Name": "instance-name"}]}',
        signature="c492e8e41437e97a620b728c301bb8d17e7dc0c17eeabce80c20cd70fc3a78ff",
    ),
    # Tencent SMS API document, line 388.
    "document, GET": Example(
        secret_key="Gu5t9xGARNpq86cd98joQYCN3EXAMPLE",
        service="cvm",
        host="cvm.tencentcloudapi.com",
        timestamp=1539084154,
        date="2018-10-09",
        method="GET",
        query="Limit=10&Offset=0",
        content_type="application/x-www-form-urlencoded",
        signature="5da7a33f6993f0614b047e5df4582db9e9bf4672ba50567dba16c6ccf174c474",
    ),
    "official SDK, SendSms": Example(
        secret_key="SECRETEXAMPLE",
        service="sms",
        host="sms.tencentcloudapi.com",
        timestamp=1790000000,
        date="2026-09-21",
        content_type="application/json",
        body='{"PhoneNumberSet": ["+8618501234444"], "SmsSdkAppId": "1400006666", "TemplateId": "1234", '
        '"SignName": "\\u817e\\u8baf\\u4e91", "TemplateParamSet": ["12345"], "SessionContext": "job-1"}',
        signature="388cf8de37a8415215f97e07663467095fe81e341d3a9f6eb356a1f163752d22",
    ),
}


@pytest.mark.parametrize("example", EXAMPLES.values(), ids=EXAMPLES.keys())
def test_published_signatures_fit(example: Example) -> None:
    """A request signed elsewhere, by the same rules, is accepted."""
    authorization = parse_authorization(example.request.headers["authorization"])

    assert authorization is not None
    assert fits(example.request, authorization, example.secret_key, example.service)


@pytest.mark.parametrize(
    "change",
    [
        {"body": '{"Limit": 2}'},
        {"host": "sms.tencentcloudapi.com"},
        {"content_type": "application/json"},
        {"timestamp": 1551113066},
        {"secret_key": "another"},
        {"service": "sms"},
        {"date": "2019-02-26"},
        {"method": "GET"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_signature_covers_every_signed_part(change: dict[str, object]) -> None:
    """Whatever the signature covers, changing it makes the signature unfit."""
    example = EXAMPLES["document, POST"]
    changed = msgspec.convert({**msgspec.to_builtins(example), **change}, Example)
    authorization = parse_authorization(changed.request.headers["authorization"])

    assert authorization is not None
    assert not fits(changed.request, authorization, changed.secret_key, changed.service)


def test_more_headers_may_be_signed(line: Line) -> None:
    """A client may sign more headers than content-type and host, as newer official SDKs do."""
    headers = headers_for("PullSmsSendStatus", time.time())
    body = msgspec.json.encode(PULL)
    headers["authorization"] = sign(headers, body, names="content-type;host;x-tc-action;x-tc-timestamp")

    answer = decoded(line.reply(Request("POST", "/", "", headers, body, time.time(), 0.0)))

    assert answer["PullSmsSendStatusSet"] == []


@pytest.mark.parametrize(
    "names", ["host;x-tc-action", "content-type", "host;content-type"], ids=["no type", "no host", "not sorted"]
)
def test_type_and_host_must_be_signed_and_sorted(line: Line, names: str) -> None:
    """A signature without content-type or host, or with unsorted headers, does not fit."""
    headers = headers_for("PullSmsSendStatus", time.time())
    body = msgspec.json.encode(PULL)
    headers["authorization"] = sign(headers, body, names=names)

    answer = decoded(line.reply(Request("POST", "/", "", headers, body, time.time(), 0.0)))

    assert code_of(answer) == "AuthFailure.SignatureFailure"


def test_a_header_signed_but_not_sent_does_not_fit(line: Line) -> None:
    """The signed headers are those of the request."""
    headers = headers_for("PullSmsSendStatus", time.time()) | {"x-own": "1"}
    body = msgspec.json.encode(PULL)
    headers["authorization"] = sign(headers, body, names="content-type;host;x-own")
    del headers["x-own"]

    answer = decoded(line.reply(Request("POST", "/", "", headers, body, time.time(), 0.0)))

    assert code_of(answer) == "AuthFailure.SignatureFailure"


def test_an_unsigned_payload_is_announced(line: Line) -> None:
    """With X-TC-Content-SHA256: UNSIGNED-PAYLOAD those words are hashed in the body's place."""
    headers = headers_for("PullSmsSendStatus", time.time()) | {"x-tc-content-sha256": "UNSIGNED-PAYLOAD"}
    headers["authorization"] = sign(headers, b"UNSIGNED-PAYLOAD")

    answer = decoded(line.reply(Request("POST", "/", "", headers, msgspec.json.encode(PULL), time.time(), 0.0)))

    assert answer["PullSmsSendStatusSet"] == []


def test_the_canonical_request_is_the_documents() -> None:
    """Every part that is signed, each on its line (document, lines 646-655).

    Method, path, query, headers, their names and the payload's hash.
    """
    example = EXAMPLES["document, POST"]

    assert canonical_request(example.request, ["content-type", "host"]) == (
        "POST\n/\n\ncontent-type:application/json; charset=utf-8\nhost:cvm.tencentcloudapi.com\n\ncontent-type;host\n"
        "99d58dfbc6745f6747f36bfca17dee5e6881dc0428a0a36f96199342bc5b4907"
    )


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"authorization": ""}, "AuthFailure.InvalidAuthorization"),
        ({"authorization": "SKIP"}, "AuthFailure.InvalidAuthorization"),
        ({"x-tc-timestamp": ""}, "MissingParameter"),
        ({"x-tc-timestamp": "soon"}, "InvalidParameterValue"),
    ],
    ids=["no authorization", "another form", "no timestamp", "no number"],
)
def test_headers_that_cannot_be_read(line: Line, changes: dict[str, str], code: str) -> None:
    """Authorization must have the TC3 form and the timestamp must be a number of seconds."""
    asked = request("PullSmsSendStatus", PULL)
    headers = {name: value for name, value in {**asked.headers, **changes}.items() if value}

    assert code == code_of(decoded(line.reply(msgspec.structs.replace(asked, headers=headers))))


def test_an_unknown_key_is_named_as_such(line: Line) -> None:
    """A SecretId that does not exist is told apart from a wrong signature."""
    asked = request("PullSmsSendStatus", PULL)
    other = asked.headers["authorization"].replace("sandbox-id", "nobody")

    answer = decoded(line.reply(msgspec.structs.replace(asked, headers={**asked.headers, "authorization": other})))

    assert code_of(answer) == "AuthFailure.SecretIdNotFound"


def test_any_credentials_still_need_a_clock() -> None:
    """With `any_credentials` every key and app passes, but no request from another time."""
    line = Line(Flags(any_credentials=True))
    asked = request("PullSmsSendStatus", {**PULL, "SmsSdkAppId": "1499999999"})
    headers = {**asked.headers, "authorization": asked.headers["authorization"].replace("sandbox-id", "nobody")}
    stranger = msgspec.structs.replace(asked, headers=headers)

    assert decoded(line.reply(stranger))["PullSmsSendStatusSet"] == []
    late = msgspec.structs.replace(stranger, at_s=stranger.at_s + SKEW_S + 2)
    assert code_of(decoded(line.reply(late))) == "AuthFailure.SignatureExpire"


@pytest.mark.parametrize(("skew_s", "refused"), [(299, False), (-299, False), (301, True), (-301, True)])
def test_the_clock_may_differ_by_five_minutes(skew_s: int, refused: bool) -> None:
    """More than 300 seconds in either direction expire a signature that fits otherwise."""
    asked = request("PullSmsSendStatus", PULL)
    stamp = int(asked.headers["x-tc-timestamp"])

    found = verify(asked, {"sandbox-id": "sandbox-key"}.get, now_s=stamp + skew_s)

    assert isinstance(found, WireRefusal) == refused
    assert (found.code if isinstance(found, WireRefusal) else found) == (
        "AuthFailure.SignatureExpire" if refused else "sandbox-id"
    )
