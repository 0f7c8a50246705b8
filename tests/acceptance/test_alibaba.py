"""Alibaba Cloud from end to end: the official SDKs, unchanged, against the sandbox.

Whole jobs go through two accounts.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from alibabacloud_dysmsapi20170525 import models as mainland
from alibabacloud_dysmsapi20170525.client import Client as MainlandClient
from alibabacloud_dysmsapi20180501 import models as international
from alibabacloud_dysmsapi20180501.client import Client as InternationalClient
from alibabacloud_tea_openapi.exceptions import ClientException, ThrottlingException
from alibabacloud_tea_openapi.models import Config
from darabonba.core import DaraCore

from smsline.job import Recipient
from tests.support.one_worker import WorkerLine, one_worker
from tests.unit.providers.alibaba.sandbox import today
from worker.sandbox.background import Background

DEADLINE_S = 6
PLAIN = "13711112222"
SENT = {"sign_name": "阿里云", "template_code": "SMS_1234", "template_param": '{"code":"5 + 5 & more ~*"}'}


@pytest.fixture(scope="module")
def served() -> Iterator[Background]:
    """A sandbox; the SDK's connections to it are closed before it ends."""
    with Background() as sandbox:
        yield sandbox
        hang_up()


def hang_up() -> None:
    """Close the SDK's connections, which it keeps for ever."""
    for session in DaraCore._sessions.values():
        session.close()
    DaraCore._sessions.clear()


@pytest.fixture
def sandbox(served: Background, monkeypatch: pytest.MonkeyPatch) -> Background:
    """It, as it was at its start. The SDK takes a proxy from the environment, for loopback too."""
    for name in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    served.reset()
    return served


def client_of(kind: type[Any], sandbox: Background, *, key: str = "sandbox-key", algorithm: str | None = None) -> Any:
    """The SDK's client, as its users make it; `v2` is the older RPC signature."""
    return kind(
        Config(
            access_key_id="sandbox-id",
            access_key_secret=key,
            endpoint=urlsplit(sandbox.url).netloc,
            protocol="http",
            signature_algorithm=algorithm,
        )
    )


ALGORITHMS = pytest.mark.parametrize("algorithm", [None, "v2"], ids=["ACS3", "RPC"])


@ALGORITHMS
def test_sdk_on_the_mainland(sandbox: Background, algorithm: str | None) -> None:
    """SendSms, SendBatchSms and QuerySendDetails, with either of the SDK's signatures."""
    sdk = client_of(MainlandClient, sandbox, algorithm=algorithm)

    one = sdk.send_sms(mainland.SendSmsRequest(phone_numbers=f"{PLAIN},13711113333", out_id="b7.1", **SENT)).body
    each = sdk.send_batch_sms(
        mainland.SendBatchSmsRequest(
            phone_number_json=f'["{PLAIN}"]',
            sign_name_json='["阿里云"]',
            template_param_json='[{"code":"ü 1"}]',
            template_code="SMS_1234",
            out_id="b7.2",
        )
    ).body
    asked = mainland.QuerySendDetailsRequest(phone_number=PLAIN, send_date=today(), page_size=10, current_page=1)
    found = sdk.query_send_details(asked).body

    assert (one.code, each.code, found.code) == ("OK", "OK", "OK")
    rows = found.sms_send_detail_dtos.sms_send_detail_dto
    assert [(row.phone_num, row.send_status, row.err_code, row.out_id) for row in rows] == [
        (PLAIN, 3, "DELIVERED", "b7.2"),
        (PLAIN, 3, "DELIVERED", "b7.1"),
    ]
    assert [row.content for row in rows] == ["【阿里云】ü 1", "【阿里云】5 + 5 & more ~*"]
    assert found.total_count == "2"


@ALGORITHMS
def test_sdk_abroad(sandbox: Background, algorithm: str | None) -> None:
    """All four actions, with either of the SDK's signatures."""
    sdk = client_of(InternationalClient, sandbox, algorithm=algorithm)

    globe = sdk.send_message_to_globe(
        international.SendMessageToGlobeRequest(
            to="6591234567", from_="ACME", message="Hello ~ wörld * +/=&", type="OTP"
        )
    ).body
    china = sdk.send_message_with_template(
        international.SendMessageWithTemplateRequest(to="8613711112222", from_="阿里云", template_code="SMS_1234")
    ).body
    batch = sdk.batch_send_message_to_globe(
        international.BatchSendMessageToGlobeRequest(to='["6591234567","x"]', message='["a","b"]')
    ).body
    found = sdk.query_message(international.QueryMessageRequest(message_id=globe.message_id)).body

    assert (globe.response_code, globe.to, globe.segments) == ("OK", "6591234567", "1")
    assert (china.response_code, china.to) == ("OK", "8613711112222")
    assert (batch.success_count, batch.failed_list) == ("1", '["x"]')
    assert (found.status, found.error_code, found.message) == ("1", "DELIVERED", "Hello ~ wörld * +/=&")


def test_sdk_meets_refusals(sandbox: Background) -> None:
    """The SDK raises for the gateway's errors, with the wait it is told, not for business ones."""
    request = mainland.SendSmsRequest(phone_numbers="137", **SENT)

    assert client_of(MainlandClient, sandbox).send_sms(request).body.code == "isv.MOBILE_NUMBER_ILLEGAL"
    with pytest.raises(ClientException) as wrong_key:
        client_of(MainlandClient, sandbox, key="other").send_sms(request)
    sandbox.control(limits={"SendSms": 1})
    with pytest.raises(ThrottlingException) as too_many:
        keep_sending(client_of(MainlandClient, sandbox), request)

    assert (wrong_key.value.code, wrong_key.value.status_code) == ("SignatureDoesNotMatch", 400)
    assert (too_many.value.code, too_many.value.retry_after) == ("Throttling.User", 1000)


def keep_sending(sdk: Any, request: object) -> None:
    """The same again and again, faster than is allowed."""
    for _ in range(20):
        sdk.send_sms(request)


SETTINGS = {
    "HANGZHOU__SITE": "mainland",
    "HANGZHOU__SIGN": "阿里云",
    "HANGZHOU__PREFIXES": "86",
    "SINGAPORE__SITE": "international",
    "SINGAPORE__TEXTS__SMS_1234": "Your code is {1}.",
}
COMMON = {"PROVIDER": "alibaba", "SECRET_ID": "sandbox-id", "SECRET_KEY": "sandbox-key", "TIMEOUT_S": "5"}


class Line(WorkerLine):
    """The same, with what Alibaba's API tells besides."""

    def told(self, number: int) -> str:
        """The text of the only message to a mainland number."""
        asked = mainland.QuerySendDetailsRequest(
            phone_number=str(number)[2:], send_date=today(), page_size=10, current_page=1
        )
        (row,) = (
            client_of(MainlandClient, self.sandbox)
            .query_send_details(asked)
            .body.sms_send_detail_dtos.sms_send_detail_dto
        )
        hang_up()
        return str(row.content)

    def calls(self) -> Counter[str]:
        """Calls by action."""
        return Counter(self.sandbox.stats(numbers="0", log=False)["calls"])


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Line]:
    """Everything running: Redis, a sandbox, and a worker process with an account at each site."""
    log = tmp_path_factory.mktemp("alibaba") / "worker.log"
    with Background() as sandbox:
        accounts = {**SETTINGS, **{f"{name}__ENDPOINT": sandbox.url for name in ("HANGZHOU", "SINGAPORE")}}
        accounts |= {f"{name}__{field}": value for name in ("HANGZHOU", "SINGAPORE") for field, value in COMMON.items()}
        settings = {
            "FIRST_POLL_S": "0.2",
            "UNSURE_PROBES_S": "0.3,1,2",
            "UNSURE_HORIZON_S": "3",
            "RECEIPT_DEADLINE_S": str(DEADLINE_S),
        }
        with one_worker("alibaba", accounts, settings, log=log) as client:
            yield Line(client, sandbox, log)


def test_one_job_through_both_sites(line: Line) -> None:
    """Numbers of both sides of the border, in one job, each end as their fate says."""
    steered = {
        8613712340001: ("dead", "isv.MOBILE_NUMBER_ILLEGAL"),
        8613712340002: ("undelivered", "INVALID_NUM"),
        8613712340003: ("undelivered", "PHONE_NOT_AVAILABLE"),
        8613712340005: ("delivered", "DELIVERED"),  # a system error, and it was sent: found by its OutId
        8613712340006: ("unknown", "receipt.Deadline"),
        8613712340009: ("dead", "isv.SMS_CONTENT_ILLEGAL"),
        8613712340012: ("unknown", "unsure.Horizon"),
        8613712340015: ("undelivered", "ZZ_9999"),
        8613712340016: ("delivered", "ZZ_0000"),
        6591230001: ("dead", "MOBILE_NUMBER_ILLEGAL"),
        6591230002: ("undelivered", "INVALID_NUM"),
        6591230005: ("unknown", "unsure.Horizon"),  # sent too, but this site cannot be asked by number
        6591230006: ("unknown", "receipt.Deadline"),
        6591230010: ("undelivered", "RECEIVER_BLACKLIST"),
        6591230016: ("delivered", "ZZ_0000"),
    }
    usual = [*range(8613812341000, 8613812341400), *range(6591241000, 6591241060)]
    numbers = [*usual, *steered]

    # Texts of their own, so that a call refused for one of the steered is tried with each alone,
    # and none shares another's fate.
    own = [Recipient(f"+{number}", (f"code={n}",)) for n, number in enumerate(steered, start=482914)]
    to: list[str | Recipient] = [*(f"+{number}" for number in usual), *own]
    job = line.client.campaign(to=to, template="SMS_1234", params=["code=482913"])
    counts = line.closed(job)

    ended = line.ended(job)
    assert {number: ended[number] for number in steered} == steered
    assert {ended[number] for number in usual} == {("delivered", "DELIVERED")}
    assert counts == {"total": 475, "delivered": 463, "undelivered": 5, "dead": 3, "unknown": 4}
    out = line.texts(numbers)
    assert set(out.values()) == {1}
    assert set(numbers) - set(out) == {8613712340001, 8613712340009, 8613712340012, 6591230001}


def test_serials_name_the_message(line: Line) -> None:
    """On the mainland the call's BizId with the number behind it, abroad the MessageId."""
    job = line.client.campaign(
        to=["+8613812342000", "+8613812342001", "+6591242000"], template="SMS_1234", params=["a=1"]
    )
    line.closed(job)

    serials = {int(row["phone"][1:]): row["serial"] for row in line.client.results(job)}
    first, second = (serials[number].split("/") for number in (8613812342000, 8613812342001))
    assert first[0] == second[0]
    assert (first[1], second[1]) == ("8613812342000", "8613812342001")
    assert serials[6591242000].isdigit()


def test_own_params_share_a_call(line: Line) -> None:
    """Numbers with params of their own go a hundred to a call, and each recipient gets its own."""
    numbers = list(range(8613812343000, 8613812343250))
    before = line.calls()["SendBatchSms"]

    rows = [Recipient(f"+{number}", (f"code={number % 1000:06d}",)) for number in numbers]
    assert line.closed(line.client.campaign(to=rows, template="SMS_1234")) == {"total": 250, "delivered": 250}

    assert line.calls()["SendBatchSms"] == before + 3
    assert line.texts(numbers) == dict.fromkeys(numbers, 1)
    assert [line.told(number) for number in numbers[::83]] == [
        f"【阿里云】{number % 1000:06d}" for number in numbers[::83]
    ]


def test_a_lost_answer_is_found_by_out_id(line: Line) -> None:
    """When an answer is lost, what went out is found by number and OutId; nothing is sent twice."""
    numbers = list(range(8613812344000, 8613812344050))
    line.sandbox.control(faults=[{"kind": "lost", "action": "SendSms", "times": 1}])

    job = line.client.campaign(to=[f"+{number}" for number in numbers], template="SMS_1234", params=["code=1"])

    assert line.closed(job) == {"total": 50, "delivered": 50}
    assert line.sandbox.stats(log=False)["faults"]["lost"] == 1
    assert line.texts(numbers) == dict.fromkeys(numbers, 1)


def test_a_lost_answer_with_late_receipts(line: Line) -> None:
    """What is on its way is accepted, not doubted: its OutId finds it until the receipt comes."""
    numbers = list(range(8613812347000, 8613812347003))
    line.sandbox.control(faults=[{"kind": "lost", "action": "SendSms", "times": 1}], receipt_delay_ms=2_000)

    job = line.client.campaign(to=[f"+{number}" for number in numbers], template="SMS_1234", params=["code=1"])

    assert line.closed(job) == {"total": 3, "delivered": 3}
    assert line.texts(numbers) == dict.fromkeys(numbers, 1)
    assert {row["serial"].startswith("sl:") for row in line.client.results(job)} == {True}
    line.sandbox.control(receipt_delay_ms=0)


def test_params_without_names_end_in_the_dead_letter(line: Line) -> None:
    """With a local code that says how to write them; numbers abroad, without names, get theirs."""
    job = line.client.campaign(to=["+8613812345000", "+6591245000"], template="SMS_1234", params=["482913"])
    line.closed(job)

    assert line.ended(job) == {8613812345000: ("dead", "params.Unnamed"), 6591245000: ("delivered", "DELIVERED")}


def test_a_throttled_account_loses_nothing(line: Line) -> None:
    """Calls that the gateway turns away go out later, and cost no try."""
    numbers = list(range(6591246000, 6591246030))
    line.sandbox.control(limits={"SendMessageToGlobe": 10})

    job = line.client.campaign(to=[f"+{number}" for number in numbers], template="SMS_1234", params=["code=1"])

    assert line.closed(job) == {"total": 30, "delivered": 30}
    assert line.texts(numbers) == dict.fromkeys(numbers, 1)
    assert line.sandbox.stats(log=False)["refusals"]["Throttling.User"] > 0
    line.sandbox.control(limits={})


def test_nothing_secret_in_the_log(line: Line) -> None:
    """After all of the above, at the finest level: no secret, value, text or whole number."""
    told = line.log.read_text()

    assert "template SMS_1234" in told
    assert not [
        secret for secret in ("sandbox-key", "482913", "Your code is", "13812341001", "6591241001") if secret in told
    ]
