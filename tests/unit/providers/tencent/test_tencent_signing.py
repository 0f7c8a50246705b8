"""Signing: known vectors, and the official SDK as the oracle for everything else."""

import hashlib
import json
import types
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tencentcloud.common import abstract_client
from tencentcloud.common.credential import Credential
from tencentcloud.common.http.request import RequestInternal
from tencentcloud.common.profile.client_profile import ClientProfile
from tencentcloud.sms.v20210111 import sms_client

from tests.unit.providers.tencent.harness import ACCOUNT, CALL, NOW, SECRET_ID, SECRET_KEY, TOKEN, Line, row, sent_body
from worker.providers.tencent.signing import canonical_request, sign

VECTORS: list[dict[str, Any]] = json.loads(Path(__file__).with_name("signing-vectors.json").read_text(encoding="utf-8"))

# The SDK asks for UTC in a way that newer Pythons warn of.
pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcfromtimestamp:DeprecationWarning")


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: str(vector["name"]))
def test_vector(vector: dict[str, Any]) -> None:
    """Every known request is signed to the known signature."""
    request = {"host": vector["host"], "content_type": vector["content_type"]}
    request |= {"method": vector.get("method", "POST"), "query": vector.get("query", "")}
    body = vector["body"].encode()

    headers = sign(
        body,
        secret_id=vector["secret_id"],
        secret_key=vector["secret_key"],
        service=vector["service"],
        timestamp_s=vector["timestamp"],
        **request,
    )

    assert vector["authorization"] == headers["authorization"]
    assert vector["canonical_request_sha256"] == _sha256(canonical_request(body, **request))
    assert {"content-type": vector["content_type"], "host": vector["host"]} == {
        name: headers[name] for name in ("content-type", "host")
    }
    assert str(vector["timestamp"]) == headers["x-tc-timestamp"]


@given(
    body=st.binary(max_size=300),
    host=st.sampled_from(["sms.tencentcloudapi.com", "127.0.0.1:8899", "[::1]:1"]),
    content_type=st.sampled_from(["application/json", "application/json; charset=utf-8"]),
    timestamp_s=st.integers(0, 4_102_444_800),
    secret_key=st.text(st.characters(codec="ascii", exclude_categories=["C", "Z"]), min_size=1, max_size=40),
)
def test_sdk_signs_the_same(*, body: bytes, host: str, content_type: str, timestamp_s: int, secret_key: str) -> None:
    """For any body, host, time and key the signature is the official SDK's."""
    client = sms_client.SmsClient(Credential("id", secret_key), "ap-guangzhou")
    request = RequestInternal(
        host, "POST", "/", {"Content-Type": content_type, "Host": host, "X-TC-Timestamp": str(timestamp_s)}, body
    )
    headers = sign(
        body,
        secret_id="id",
        secret_key=secret_key,
        service="sms",
        host=host,
        content_type=content_type,
        timestamp_s=timestamp_s,
    )
    date = headers["authorization"].split("/")[1]

    expected = client._get_tc3_signature({}, request, date, "sms", secret_key)

    assert headers["authorization"].endswith(f"Signature={expected}")


def test_sdk_sends_the_same_headers(monkeypatch: pytest.MonkeyPatch) -> None:
    """A whole request is the SDK's for the same body and time, apart from the SDK's own labels."""
    line = Line(lambda _: httpx.Response(200, content=sent_body(row())))
    line.provider.send(CALL)
    (ours,) = line.requests
    monkeypatch.setattr(abstract_client, "time", types.SimpleNamespace(time=lambda: NOW + 0.75))
    monkeypatch.setattr(abstract_client.json, "dumps", lambda _: ours.content.decode())
    profile = ClientProfile(language="en-US")
    client = sms_client.SmsClient(Credential(SECRET_ID, SECRET_KEY, TOKEN), ACCOUNT.region, profile)
    theirs = RequestInternal("sms.tencentcloudapi.com", "POST", "/", {})

    client._build_req_inter("SendSms", {}, theirs)

    theirs.header.pop("X-TC-RequestClient")
    assert theirs.header == {name: ours.headers[name] for name in theirs.header}
    assert theirs.data.encode() == ours.content


def test_day_turns_at_utc_midnight() -> None:
    """The scope and the key change with the UTC date of the timestamp, not before and not after."""
    midnight = 1_790_035_200
    before, after = (_scope_and_signature(midnight + offset) for offset in (-1, 0))

    assert (before[0], after[0]) == ("2026-09-21", "2026-09-22")
    assert before[1] != after[1]


def _scope_and_signature(timestamp_s: int) -> tuple[str, str]:
    headers = sign(
        b"{}",
        secret_id="id",
        secret_key="key",
        service="sms",
        host="h",
        content_type="application/json",
        timestamp_s=timestamp_s,
    )
    credential, _, signature = headers["authorization"].split(", ")
    return credential.split("/")[1], signature


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
