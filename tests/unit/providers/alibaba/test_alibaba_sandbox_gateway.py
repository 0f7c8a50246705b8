"""Who may ask the sandbox's Alibaba wire, and how its gateway refuses.

Signatures, nonces, clock, versions, rates.
"""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.unit.providers.alibaba.sandbox import GLOBE, HOST, KEY, PLAIN, SEND, Wire, acs3, rpc, stamp
from tests.unit.sandbox.harness import request as tencent_request
from worker.sandbox.alibaba import is_alibaba
from worker.sandbox.alibaba.params import read
from worker.sandbox.alibaba.signature import SignatureClaim, canonical, fits, rpc_fits, rpc_text
from worker.sandbox.flags import Flags
from worker.sandbox.wire import Request, WireCall

VECTORS = json.loads(Path(__file__).with_name("signing-vectors.json").read_text(encoding="utf-8"))
ACS3 = [vector for vector in VECTORS if vector["name"].startswith("acs3")]
RPC = [vector for vector in VECTORS if vector["name"].startswith("rpc")]
QUERY = {**SEND, "PhoneNumbers": PLAIN}


def refusal(wire: Wire, asked: Request) -> tuple[int, str]:
    """Status and code of the answer."""
    reply = wire.reply(asked)
    return reply.status, json.loads(reply.body).get("Code", "")


@pytest.mark.parametrize("vector", ACS3, ids=lambda vector: vector["name"])
def test_acs3_vectors(vector: dict[str, Any]) -> None:
    """The published and computed examples pass.

    With one letter of the secret changed they do not.
    """
    headers = {**vector["headers"], "authorization": vector["authorization"]}
    claim = SignatureClaim("", vector["signature"], "", "")
    asked = Request(vector["method"], "/", canonical(list(vector["query"].items())), headers, b"", 0.0, 0.0)

    assert fits(asked, claim, vector["secret"])
    assert not fits(asked, claim, vector["secret"] + "x")


@pytest.mark.parametrize("vector", RPC, ids=lambda vector: vector["name"])
def test_rpc_vectors(vector: dict[str, Any]) -> None:
    """So do those of the older signature."""
    pairs = list(vector["params"].items())
    asked = Request(vector["method"], "/", canonical(pairs), {}, b"", 0.0, 0.0)
    claim = SignatureClaim("", vector["signature"], "", "")

    assert rpc_text(vector["method"], pairs) == vector["string_to_sign"]
    assert rpc_fits(asked, read(asked), claim, vector["secret"])
    assert not rpc_fits(asked, read(asked), claim, vector["secret"] + "x")


def test_signed_requests_pass() -> None:
    """ACS3 with and without a form, RPC by GET and by POST."""
    wire = Wire()
    form = {"PhoneNumberJson": json.dumps([PLAIN]), "SignNameJson": '["Acme"]'}

    assert wire.send(PLAIN)["Code"] == "OK"
    assert wire.ask("SendBatchSms", {"TemplateCode": "SMS_1"}, form)["Code"] == "OK"
    for method in ("GET", "POST"):
        assert json.loads(wire.reply(rpc("SendSms", QUERY, method=method)).body)["Code"] == "OK"


WRONG: dict[str, tuple[Callable[[], Request], tuple[int, str]]] = {
    "secret": (lambda: acs3("SendSms", QUERY, secret="other"), (400, "SignatureDoesNotMatch")),
    "key": (lambda: acs3("SendSms", QUERY, key="nobody"), (404, "InvalidAccessKeyId.NotFound")),
    "host": (lambda: acs3("SendSms", QUERY, after={"host": "elsewhere"}), (400, "SignatureDoesNotMatch")),
    "header added": (
        lambda: acs3("SendSms", QUERY, after={"x-acs-more": "1"}),
        (400, "SignatureDoesNotMatch"),
    ),
    "header not signed": (
        lambda: acs3("SendSms", QUERY, changes={"host": None}, after={"host": HOST}),
        (400, "SignatureDoesNotMatch"),
    ),
    "content type not signed": (
        lambda: acs3(
            "SendSms", QUERY, {"a": "b"}, changes={"content-type": None}, after={"content-type": "text/plain"}
        ),
        (400, "SignatureDoesNotMatch"),
    ),
    "hash of another body": (
        lambda: acs3("SendSms", QUERY, changes={"x-acs-content-sha256": "0" * 64}),
        (400, "SignatureDoesNotMatch"),
    ),
    "no authorization": (lambda: acs3("SendSms", QUERY, after={"authorization": None}), (400, "IncompleteSignature")),
    "another algorithm": (
        lambda: acs3("SendSms", QUERY, after={"authorization": "ACS3-RSA Credential=a,SignedHeaders=b,Signature=c"}),
        (400, "IncompleteSignature"),
    ),
    "no nonce": (lambda: acs3("SendSms", QUERY, changes={"x-acs-signature-nonce": None}), (400, "IncompleteSignature")),
    "clock behind": (
        lambda: acs3("SendSms", QUERY, changes={"x-acs-date": stamp(time.time() - 910)}),
        (400, "InvalidTimeStamp.Expired"),
    ),
    "clock ahead": (
        lambda: acs3("SendSms", QUERY, changes={"x-acs-date": stamp(time.time() + 910)}),
        (400, "InvalidTimeStamp.Expired"),
    ),
    "no time": (lambda: acs3("SendSms", QUERY, changes={"x-acs-date": "today"}), (400, "InvalidTimeStamp.Expired")),
    "version": (lambda: acs3("SendSms", QUERY, changes={"x-acs-version": "2016-01-01"}), (400, "InvalidVersion")),
    "action": (lambda: acs3("SendMms", QUERY), (404, "InvalidAction.NotFound")),
    "action of the other API": (
        lambda: acs3("SendSms", QUERY, changes={"x-acs-version": "2018-05-01"}),
        (404, "InvalidAction.NotFound"),
    ),
    "parameter missing": (lambda: acs3("SendSms", SEND), (400, "MissingPhoneNumbers")),
    "parameter empty": (lambda: acs3("SendSms", {**QUERY, "SignName": ""}), (400, "MissingSignName")),
    "rpc secret": (
        lambda: rpc("SendSms", {**QUERY, "Signature": "x"}, AccessKeyId="nobody"),
        (404, "InvalidAccessKeyId.NotFound"),
    ),
    "rpc clock": (lambda: rpc("SendSms", QUERY, Timestamp=stamp(0)), (400, "InvalidTimeStamp.Expired")),
    "rpc method": (lambda: rpc("SendSms", QUERY, SignatureMethod="HMAC-MD5"), (400, "IncompleteSignature")),
}


@pytest.mark.parametrize(("made", "expected"), WRONG.values(), ids=WRONG.keys())
def test_refusals_of_the_gateway(made: Callable[[], Request], expected: tuple[int, str]) -> None:
    """Each fault has the gateway's code and status, and nothing goes out."""
    wire = Wire()

    assert refusal(wire, made()) == expected
    assert len(wire.sandbox.world.numbers) == 0


def test_envelope() -> None:
    """What the gateway says, field by field."""
    reply = Wire().reply(acs3("SendSms", QUERY, secret="other"))

    assert json.loads(reply.body).keys() == {"Code", "Message", "HostId", "Recommend", "RequestId"}
    assert reply.content_type == "application/json"


def test_changed_parameters_do_not_fit() -> None:
    """Neither a query nor an RPC call can be altered on the way."""
    wire = Wire()
    signed, older = acs3("SendSms", QUERY), rpc("SendSms", QUERY)
    for asked in (signed, older):
        altered = Request(
            asked.method, "/", asked.query.replace("13711112222", "13711113333"), asked.headers, b"", asked.at_s, 0.0
        )
        assert refusal(wire, altered) == (400, "SignatureDoesNotMatch")


@pytest.mark.parametrize("made", [lambda: acs3("SendSms", QUERY), lambda: rpc("SendSms", QUERY)])
def test_a_nonce_is_good_for_one_request(made: Callable[[], Request]) -> None:
    """The same signed bytes are refused when they come again, and only one message went out."""
    wire, asked = Wire(), made()

    assert wire.reply(asked).status == 200
    assert refusal(wire, asked) == (400, "SignatureNonceUsed")
    assert len(wire.sandbox.world.numbers) == 1


def test_a_refused_signature_uses_up_no_nonce() -> None:
    """Only who signs well can use up a nonce."""
    wire = Wire()
    nonce: dict[str, str | None] = {"x-acs-signature-nonce": "mine"}

    assert refusal(wire, acs3("SendSms", QUERY, changes=nonce, secret="other"))[0] == 400
    assert refusal(wire, acs3("SendSms", QUERY, changes=nonce)) == (200, "OK")


def test_any_credentials() -> None:
    """Signatures go unseen when the sandbox is told so; the clock does not."""
    wire = Wire(Flags(any_credentials=True))

    assert refusal(wire, acs3("SendSms", QUERY, key="anybody", secret="x")) == (200, "OK")
    late: dict[str, str | None] = {"x-acs-date": stamp(0)}
    assert refusal(wire, acs3("SendSms", QUERY, changes=late)) == (400, "InvalidTimeStamp.Expired")


def test_rate() -> None:
    """A call too many is turned away with the wait in a header, in milliseconds.

    It does not go out.
    """
    wire = Wire(Flags(limits={"SendSms": 1}))

    assert refusal(wire, acs3("SendSms", QUERY)) == (200, "OK")
    reply = wire.reply(acs3("SendSms", QUERY))

    assert (reply.status, json.loads(reply.body)["Code"]) == (400, "Throttling.User")
    assert reply.headers == {"x-acs-retry-after": "1000"}
    assert len(wire.sandbox.world.numbers) == 1


def test_documented_rate() -> None:
    """Without flags the documented limits hold: one BatchSendMessageToGlobe a second."""
    wire = Wire()
    batch = {"To": '["6591234567"]', "Message": '["Hello"]'}

    codes = [wire.ask("BatchSendMessageToGlobe", batch).get("Code") for _ in range(2)]

    assert codes == [None, "Throttling.User"]


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("isp.SYSTEM_ERROR", 200),
        ("QPS_LIMIT_CONTROL", 200),
        ("InternalError", 500),
        ("ServiceUnavailable", 503),
        ("Throttling.Api", 400),
    ],
)
def test_told_to_refuse(code: str, status: int) -> None:
    """An injected code comes as the gateway's or as the business' own, readable by either API."""
    reply = Wire().wire.refuse(code)
    fields = json.loads(reply.body)

    assert (reply.status, fields["Code"]) == (status, code)
    assert status != 200 or fields["ResponseCode"] == code


def test_the_wires_are_told_apart() -> None:
    """By the header of the action, or by an Action among the parameters."""
    assert is_alibaba(acs3("SendSms", QUERY))
    assert is_alibaba(rpc("SendSms", QUERY))
    assert not is_alibaba(tencent_request("SendSms", {}))
    assert not is_alibaba(Request("GET", "/", "", {}, b"", 0.0, 0.0))


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (acs3("SendSms", QUERY), ([PLAIN], "SMS_1234", "b7.1")),
        (acs3("SendMessageToGlobe", GLOBE), (["6591234567"], "", "b7.1")),
        (acs3("QueryMessage", {"MessageId": "1"}), None),
    ],
)
def test_subject_of_the_log(asked: Request, expected: object) -> None:
    """The log knows numbers, template and context of a send, and nothing of a query."""
    admitted = Wire().wire.admit(asked)

    assert isinstance(admitted, WireCall)
    assert admitted.key == KEY
    about = admitted.subject
    assert expected == (about and (about.numbers, about.template, about.context))
