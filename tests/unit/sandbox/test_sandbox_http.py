"""The endpoint over real connections: answers wait, get lost, cut or garbled; control paths."""

import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.support.waiting import LONG_S, wait_until
from tests.unit.sandbox.harness import APP, PLAIN, SEND, number, request
from worker.sandbox.background import Background
from worker.sandbox.flags import FlagFault, Flags


@pytest.fixture(scope="module")
def server() -> Iterator[Background]:
    """One server for the module."""
    with Background() as background:
        yield background


@pytest.fixture
def sandbox(server: Background) -> Background:
    """The server as it was at its start."""
    server.reset()
    return server


@pytest.fixture
def http(sandbox: Background) -> Iterator[httpx.Client]:
    """A client with kept-alive connections."""
    with httpx.Client(base_url=sandbox.url, timeout=LONG_S, trust_env=False) as client:
        yield client


def post(http: httpx.Client, action: str, params: object) -> httpx.Response:
    """A signed POST over the wire."""
    host = f"{http.base_url.host}:{http.base_url.port}"
    signed = request(action, params, {"host": host})
    return http.post("/", content=signed.body, headers=dict(signed.headers))


def send(http: httpx.Client, *numbers: str) -> httpx.Response:
    """A SendSms over the wire."""
    return post(http, "SendSms", {**SEND, "PhoneNumberSet": list(numbers)})


def pull(http: httpx.Client) -> list[dict[str, Any]]:
    """The next receipts over the wire."""
    answer = post(http, "PullSmsSendStatus", {"SmsSdkAppId": APP, "Limit": 100}).json()
    rows: list[dict[str, Any]] = answer["Response"]["PullSmsSendStatusSet"]
    return rows


def test_an_answer_is_exactly_json(http: httpx.Client) -> None:
    """HTTP 200 and `application/json` without a charset: else the official SDK sees no error."""
    for response in (send(http, PLAIN), post(http, "SendFax", {})):
        assert response.status_code == 200
        assert response.headers["content-type"] == "application/json"


def test_answers_do_not_wait_for_an_acknowledgement(http: httpx.Client) -> None:
    """Calls on a kept-alive connection take no 40 ms.

    They do when small writes wait for the other side's delayed ACK.
    """
    times = []
    for _ in range(41):
        begin = time.perf_counter()
        send(http, PLAIN)
        times.append(time.perf_counter() - begin)

    # A new connection acknowledges its first segments at once; of the later ones each would wait,
    # and a busy machine delays some.
    assert min(times[20:]) < 0.03


def test_a_lost_answer_was_carried_out(sandbox: Background, http: httpx.Client) -> None:
    """The connection ends without a byte; the message is out, and the next call works."""
    sandbox.control(faults=[{"kind": "lost", "times": 1}])

    with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
        send(http, PLAIN)

    assert sandbox.stats()["numbers"] == {PLAIN: 1}
    assert send(http, PLAIN).status_code == 200
    assert sandbox.stats()["log"][0]["outcome"] == "lost"


def test_a_reset_was_not_carried_out(sandbox: Background, http: httpx.Client) -> None:
    """The connection is reset and nothing went out."""
    sandbox.control(faults=[{"kind": "reset", "times": 1}])

    with pytest.raises(httpx.ReadError):
        send(http, PLAIN)

    assert sandbox.stats()["messages"] == 0


def test_a_garbled_answer_is_no_json(sandbox: Background, http: httpx.Client) -> None:
    """HTTP 200 with half an answer; the message is out."""
    sandbox.control(faults=[{"kind": "garbled", "times": 1}])

    response = send(http, PLAIN)

    assert response.status_code == 200
    with pytest.raises(ValueError, match=r"."):
        response.json()
    assert sandbox.stats()["messages"] == 1


@pytest.mark.parametrize(("executed", "messages"), [(None, 0), (False, 0), (True, 1)])
def test_a_gateway_page_may_come_before_or_after(
    sandbox: Background, http: httpx.Client, executed: bool | None, messages: int
) -> None:
    """HTTP 502 with HTML; whether the call was carried out is told by `executed`."""
    sandbox.control(faults=[{"kind": "status", "times": 1, "executed": executed}])

    response = send(http, PLAIN)

    assert response.status_code == 502
    assert response.headers["content-type"] == "text/html"
    assert sandbox.stats()["messages"] == messages


@pytest.mark.parametrize(("executed", "messages"), [(None, 0), (True, 1)])
def test_an_error_may_come_before_or_after(
    sandbox: Background, http: httpx.Client, executed: bool | None, messages: int
) -> None:
    """An error answer for the whole call; with `executed` the message is out all the same."""
    sandbox.control(faults=[{"kind": "error", "code": "InternalError.Timeout", "times": 1, "executed": executed}])

    assert send(http, PLAIN).json()["Response"]["Error"]["Code"] == "InternalError.Timeout"
    assert sandbox.stats()["messages"] == messages
    assert sandbox.stats()["refusals"] == {}
    assert sandbox.stats()["faults"] == {"error": 1}


def test_a_slow_answer_outlasts_a_client(sandbox: Background, http: httpx.Client) -> None:
    """The client gives up, the message is out."""
    sandbox.control(faults=[{"kind": "slow", "ms": 400, "times": 1}])

    with (
        pytest.raises(httpx.ReadTimeout),
        httpx.Client(base_url=http.base_url, timeout=httpx.Timeout(LONG_S, read=0.1), trust_env=False) as hurried,
    ):
        send(hurried, PLAIN)

    wait_until(lambda: sandbox.stats()["messages"] == 1, what="the message")


def test_latency_is_waited_after_the_call_took_effect(sandbox: Background, http: httpx.Client) -> None:
    """The answer takes `latency_ms`, with up to the jitter more; the effect is there at once."""
    # On a busy machine this thread may come by only when the answer has: then it takes longer.
    for latency_ms in (400, 2_000, 20_000):
        sandbox.reset()
        sandbox.control(latency_ms=latency_ms, latency_jitter_ms=20)
        thread = threading.Thread(target=send, args=(http, PLAIN))
        thread.start()
        wait_until(lambda: sandbox.stats()["messages"] == 1, what="the effect", every_s=0.001)
        before_the_answer = not sandbox.stats()["log"]
        thread.join()
        assert sandbox.stats()["log"][0]["took_ms"] >= latency_ms
        if before_the_answer:
            break
    assert before_the_answer


def test_an_early_receipt_is_pulled_before_the_answer(sandbox: Background, http: httpx.Client) -> None:
    """Suffix 0008: the answer comes when its receipt has been pulled, not before."""
    sandbox.control(early_hold_ms=120_000, receipt_delay_ms=60_000)
    answers: list[httpx.Response] = []
    thread = threading.Thread(target=lambda: answers.append(send(http, number("0008"), PLAIN)))
    thread.start()

    with httpx.Client(base_url=sandbox.url, timeout=LONG_S, trust_env=False) as other:
        rows = wait_until(lambda: pull(other), what="the early receipt")
        thread.join(LONG_S)

    assert [row["PhoneNumber"] for row in rows] == [number("0008")]
    serials = {row["PhoneNumber"]: row["SerialNo"] for row in answers[0].json()["Response"]["SendStatusSet"]}
    assert serials[number("0008")] == rows[0]["SerialNo"]


def test_an_early_receipt_that_is_not_pulled_holds_no_answer_for_ever(sandbox: Background, http: httpx.Client) -> None:
    """After `early_hold_ms` the answer comes anyway."""
    sandbox.control(early_hold_ms=50)

    assert send(http, number("0008")).status_code == 200
    assert 50 <= sandbox.stats()["log"][0]["took_ms"] < 5000


def test_a_struck_pull_has_taken_its_receipts(sandbox: Background, http: httpx.Client) -> None:
    """A lost pull loses its page: it is off the queue, and a by-number pull still knows it."""
    send(http, PLAIN)
    sandbox.control(faults=[{"kind": "lost", "action": "PullSmsSendStatus", "times": 1}])

    with pytest.raises(httpx.RemoteProtocolError):
        pull(http)

    assert pull(http) == []
    asked = {"SmsSdkAppId": APP, "PhoneNumber": PLAIN, "BeginTime": int(time.time()) - 60, "Offset": 0, "Limit": 10}
    answer = post(http, "PullSmsSendStatusByPhoneNumber", asked).json()
    assert len(answer["Response"]["PullSmsSendStatusSet"]) == 1


def test_a_refused_call_meets_no_fault(sandbox: Background, http: httpx.Client) -> None:
    """Faults strike calls that passed the gateway, so `times` is not used up by others."""
    sandbox.control(faults=[{"kind": "error", "times": 1}])

    assert post(http, "SendSms", {}).json()["Response"]["Error"]["Code"] == "MissingParameter"
    assert send(http, PLAIN).json()["Response"]["Error"]["Code"] == "InternalError"


def test_calls_are_counted_on_arrival(sandbox: Background, http: httpx.Client) -> None:
    """Requests per action, first and last arrival; also refused; forged as signature failures."""
    begin = time.time()
    send(http, PLAIN)
    send(http, PLAIN)
    http.post("/", content=b"{}", headers={"X-TC-Action": "SendSms"})

    stats = sandbox.stats()

    assert stats["calls"] == {"SendSms": 3}
    assert stats["signature_failures"] == 1
    first_s, second_s, _ = (entry["at"] for entry in stats["log"])
    assert stats["max_calls_per_second"] == {"SendSms": 2 if second_s - first_s < 1 else 1}
    assert begin <= stats["first_at"]["SendSms"] < stats["last_at"]["SendSms"] <= time.time()
    assert [entry["outcome"] for entry in stats["log"]] == ["Ok", "Ok", "AuthFailure.InvalidAuthorization"]


def test_statistics_leave_out_what_is_not_wanted(sandbox: Background, http: httpx.Client) -> None:
    """`numbers=0` and `log=0` leave out the long parts."""
    send(http, PLAIN)

    assert {"numbers", "log"} <= set(sandbox.stats())
    assert not {"numbers", "log"} & set(sandbox.stats(numbers="0", log=False))
    assert sandbox.stats(numbers="repeated")["numbers"] == {}


def test_control_refuses_nonsense(sandbox: Background, http: httpx.Client) -> None:
    """An unknown flag, a wrong value and a body that is no object get 400 and words."""
    with pytest.raises(ValueError, match="did you mean 'latency_ms'"):
        sandbox.control(latncy_ms=1)
    for body in (b"", b"[1]", b"{"):
        assert http.post("/_control", content=body).status_code == 400

    assert http.get("/_control").json()["latency_ms"] == 0


def test_other_paths_are_not_there(http: httpx.Client) -> None:
    """Only the wire's path and the control paths answer."""
    assert http.get("/sms").status_code == 404
    assert http.get("/_reset").status_code == 405


def test_a_server_stops_while_answers_wait() -> None:
    """Leaving the block ends a server within a moment, even with an answer outstanding."""
    with Background(Flags(faults=(FlagFault("slow", ms=60_000),))) as background:
        with (
            httpx.Client(base_url=background.url, timeout=httpx.Timeout(LONG_S, read=0.1), trust_env=False) as client,
            pytest.raises(httpx.ReadTimeout),
        ):
            send(client, PLAIN)
        begin = time.monotonic()

    assert time.monotonic() - begin < 5
