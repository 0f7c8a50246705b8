"""What the client refuses before it takes anything, and what it says without Redis or broker."""

import json
from base64 import b64decode
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import fakeredis
import pytest

from smsline.client import Client
from smsline.errors import BadInput, Conflict, NotFound, Unavailable
from smsline.job import Rejected
from smsline.ledger import accounts, due, inbox, job_list
from smsline.ledger.inbox import WAKE_UPS
from smsline.ledger.link import Ledger
from smsline.names import GONE_MS, LANES, lane_queue
from tests.support.admin import admin_of
from tests.support.redis_server import free_port

NUMBER = "+8613711112222"


@pytest.fixture
def client() -> Iterator[Client]:
    """A client on an empty ledger of its own."""
    with Client(ledger=Ledger(fakeredis.FakeRedis(server=fakeredis.FakeServer()), "t")) as made:
        yield made


def woken(client: Client) -> list[tuple[str, str, list[str]]]:
    """Lane, job and wake of the wake-ups on the broker's lists, the oldest of each lane first."""
    found = []
    for lane in LANES:
        for text in reversed(client._ledger.redis.lrange(lane_queue(lane), 0, -1)):
            _, kwargs, _ = json.loads(b64decode(json.loads(text)["body"]))
            found.append((kwargs["lane"], kwargs["job"], kwargs["wake"]))
    return found


SEND_CASES = [
    ({"to": "12"}, "to: '****': has no country code"),
    ({"to": ""}, "to: '': is empty; give a number such as '+8613711112222'"),
    ({"to": None}, "to: 'NoneType': must be text"),
    ({"to": [NUMBER]}, "to: 'list': must be text"),
    ({"template": 1234}, "template: '1234': must be text"),
    ({"template": ""}, "template: '': must be a template id"),
    ({"params": "482913"}, "params: 'str': must be a list of text"),
    ({"params": ["1"] * 21}, "params: '…': must be at most 20 values; there are 21"),
    ({"ttl_s": 0}, "ttl_s: '0': must be more than 0"),
    ({"ttl_s": -1}, "ttl_s: '-1': must be more than 0"),
    ({"lane": "express"}, "lane: 'express': must be one of otp, notify, marketing"),
    ({"account": "nobody"}, "account: 'nobody': is not configured; there is main"),
    ({"ref": "x" * 65}, "must be text of at most 64 characters"),
    ({"priority": 1}, "priority: '…': is not a field of a job"),
]


@pytest.mark.parametrize(("change", "message"), SEND_CASES)
def test_a_message_that_breaks_a_rule_is_refused(client: Client, change: dict[str, object], message: str) -> None:
    """Field, value and rule; nothing is taken, no worker is nudged."""
    accounts.register(client._ledger, {"main": "tencent"})
    given: dict[str, object] = {"to": NUMBER, "template": "1234", **change}
    with pytest.raises(BadInput) as refusal:
        client.send(**given)  # type: ignore[arg-type]
    assert message in str(refusal.value)
    assert not job_list.list_jobs(client._ledger)


@pytest.mark.parametrize(
    ("to", "message"),
    [
        ([], "to: '[]': is empty; give at least one number"),
        (["12", "x"], "to: '2 rows': no row is good; the first, row 1: phone has no country code"),
        (NUMBER, "to: 'text': must be a list of numbers; use send() for one"),
        (b"bytes", "to: 'text': must be a list of numbers; use send() for one"),
    ],
)
def test_a_campaign_without_recipients_is_refused(client: Client, to: object, message: str) -> None:
    """Whatever it is that was given in their place."""
    with pytest.raises(BadInput) as refusal:
        client.campaign(to=to, template="5678")  # type: ignore[arg-type]
    assert message in str(refusal.value)
    assert not job_list.list_jobs(client._ledger)


def test_the_good_rows_of_a_campaign_are_taken_and_the_bad_ones_told(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    """By callback; without one, in a warning that masks the number."""
    told: list[Rejected] = []
    job = client.campaign(to=[NUMBER, "13711113333"], template="5678", on_rejected=told.append)
    assert client.status(job)["counts"]["total"] == 1
    assert [(row.row, row.field) for row in told] == [(2, "phone")]
    client.campaign(to=[NUMBER, "13711113333"], template="5678")
    assert "1 of 2 rows were refused" in caplog.text
    assert "13711113333" not in caplog.text


def test_an_unknown_job_is_not_found(client: Client) -> None:
    """And what is no job id is refused as such."""
    with pytest.raises(NotFound, match="no job 000000000000000000; `smsline jobs` lists those that are kept"):
        client.status("0" * 18)
    with pytest.raises(BadInput, match="is not a job id"):
        client.status("latest")
    with pytest.raises(NotFound):
        list(client.results("0" * 18))


def test_the_same_key_is_the_same_job(client: Client) -> None:
    """The second call is answered with the first one's job."""
    first = client.send(to=NUMBER, template="1234", key="order-1")
    assert client.send(to=NUMBER, template="1234", key="order-1") == first
    many = client.campaign(to=[NUMBER], template="5678", key="wave-1")
    assert client.campaign(to=[NUMBER], template="5678", key="wave-1") == many


def test_a_campaign_that_broke_off_is_continued_under_its_key(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was handed over before stays; the whole call again completes the same job."""
    monkeypatch.setattr("smsline.parts.PART_SIZE", 10)
    numbers = [f"+{8613700000000 + n}" for n in range(2500)]

    def broken() -> Iterator[str]:
        yield from numbers[:2000]
        raise OSError("the file ended")

    with pytest.raises(OSError, match="the file ended"):
        client.campaign(to=broken(), template="5678", key="wave-1")
    (status,) = admin_of(client).jobs()
    assert not status["complete"]
    job = client.campaign(to=numbers, template="5678", key="wave-1")
    assert job == status["job"]
    assert client.status(job)["complete"]
    assert client.status(job)["counts"]["total"] == 2500


def test_no_worker_is_woken_who_would_find_nothing(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker that follows a wake-up takes all jobs of the lane that are there by then.

    So a burst of jobs needs a few only.
    """
    # A wake-up that no worker has followed for a second counts no more; so long
    # a burst may take here.
    monkeypatch.setattr(inbox, "WAKE_UP_EXPIRY_MS", 3_600_000)
    for _ in range(WAKE_UPS + 5):
        client.send(to=NUMBER, template="1", lane="otp")
    client.send(to=NUMBER, template="1", lane="notify")
    assert [lane for lane, _, _ in woken(client)] == ["otp"] * WAKE_UPS + ["notify"]
    due.awake(client._ledger, *woken(client)[0][2])
    client.send(to=NUMBER, template="1", lane="otp")
    client.send(to=NUMBER, template="1", lane="otp")
    assert [lane for lane, _, _ in woken(client)] == ["otp"] * (WAKE_UPS + 1) + ["notify"]


def test_a_broker_that_is_another_redis_gets_the_wake_up(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    """Pushed there, and not counted as under way when it could not be; the job is safe without."""
    other = Client(f"redis://127.0.0.1:{free_port()}/0", "redis://127.0.0.1:1/0", ledger=client._ledger)
    for _ in range(WAKE_UPS + 5):
        other.send(to=NUMBER, template="1", lane="otp")
    assert caplog.text.count("is taken, but its wake-up could not be published") == WAKE_UPS + 5
    assert len(admin_of(client).jobs()) == WAKE_UPS + 5
    other._broker = broker = fakeredis.FakeRedis(server=fakeredis.FakeServer())
    job = other.send(to=NUMBER, template="1", lane="otp")
    (text,) = broker.lrange("smsline.otp", 0, -1)
    assert json.loads(b64decode(json.loads(text)["body"]))[1]["job"] == job
    assert woken(client) == []


def test_another_kind_of_broker_is_not_asked(client: Client) -> None:
    """The scheduler of a worker finds the job within 50 ms; the producer needs no AMQP."""
    other = Client("amqp://127.0.0.1:1//", "redis://127.0.0.1:1/0", ledger=client._ledger)
    other.send(to=NUMBER, template="1", lane="otp")
    assert len(admin_of(client).jobs()) == 1
    assert woken(client) == []


def test_without_redis_nothing_is_taken() -> None:
    """An error that names what to look at, never a silent drop."""
    client = Client(redis_url=f"redis://127.0.0.1:{free_port()}/0")
    refusal = "cannot be reached .*nothing listens there.*SMSLINE_REDIS_URL.*; nothing was taken"
    with pytest.raises(Unavailable, match=refusal):
        client.send(to=NUMBER, template="1234")
    with pytest.raises(Unavailable, match=refusal):
        client.campaign(to=[NUMBER], template="1234")
    with pytest.raises(Unavailable, match="SMSLINE_REDIS_URL"):
        client.status("0" * 18)
    # What only reads may not be "done in part".
    with pytest.raises(Unavailable, match=refusal):
        admin_of(client).jobs()
    with pytest.raises(Unavailable, match="may be done in part"):
        admin_of(client).resume_account("main")
    client.close()


def test_a_call_is_repeated_under_its_job_id(client: Client) -> None:
    """What an `Unconfirmed` error carries makes the second call the same job.

    A word that is no id is refused.
    """
    job = client.send(to=NUMBER, template="1234")
    assert client.send(to=NUMBER, template="1234", job_id=job) == job
    many = client.campaign(to=[NUMBER, "+6591234567"], template="5678")
    assert client.campaign(to=[NUMBER, "+6591234567"], template="5678", job_id=many) == many
    assert [status["counts"]["total"] for status in admin_of(client).jobs()] == [2, 1]
    with pytest.raises(BadInput, match="is not a job id"):
        client.send(to=NUMBER, template="1234", job_id="latest!")


@pytest.mark.parametrize("url", ["http://127.0.0.1/0", "nonsense", "redis://user:secret@127.0.0.1:port/0"])
def test_a_redis_url_that_is_none_is_refused(url: str) -> None:
    """Without showing a password."""
    with pytest.raises(BadInput, match="redis_url") as refusal:
        Client(redis_url=url)
    assert "secret" not in str(refusal.value)


def test_a_lane_that_no_running_worker_serves(
    ledger: Ledger, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A job is taken, with a warning, once a minute.

    Under a misspelt namespace it would wait for ever without a word. What counts is who runs now: a
    worker that was there yesterday sends nothing.
    """
    clock_s, words = [1000.0], "no worker that runs serves the lane notify in the namespace t"
    monkeypatch.setattr("smsline.calls.time.monotonic", lambda: clock_s[0])
    client = Client(namespace="t", ledger=ledger)

    def warnings(wait_s: float = 0.0) -> list[str]:
        caplog.clear()
        clock_s[0] += wait_s
        client.send(to="+8613800100000", template="1")
        return [record.message for record in caplog.records]

    assert words in "".join(warnings())
    assert not warnings()
    accounts.register(ledger, {"main": "tencent"})
    due.note_scheduler(ledger, [lane_queue("otp")])
    assert "(smsline.otp are served)" in "".join(warnings(61))
    due.note_scheduler(ledger, [lane_queue("notify")])
    assert not warnings(61)
    ledger.redis.hset(ledger.keys.schedulers, lane_queue("notify"), ledger.now_ms() - GONE_MS - 1000)
    assert words in "".join(warnings(61))


def test_a_window_that_never_opens_in_time(client: Client) -> None:
    """Nothing is taken that would only wait until it ends; the error says when it opens.

    What the ledger has is found at any hour.
    """
    hour = (datetime.now(UTC) + timedelta(hours=12)).hour
    half_a_day: dict[str, Any] = {"window": f"{hour:02}:00-{hour:02}:59 UTC", "ttl_s": 3600.0, "template": "1"}
    with pytest.raises(
        BadInput, match=r"opens at .*Z, after the job has ended \(ttl_s 3600\); lengthen ttl_s or start later"
    ):
        client.send(to=NUMBER, **half_a_day)
    with pytest.raises(BadInput, match="opens at"):
        client.campaign(to=[NUMBER], **half_a_day)
    with pytest.raises(BadInput, match="never open in all time zones of RU at once; widen it"):
        client.campaign(to=["+79161234500"], template="1", window="10:00-12:00")
    assert not client._ledger.redis.exists(client._ledger.keys.jobs)
    jobs_made = {
        client.send(to=NUMBER, key="once", **{**half_a_day, "ttl_s": 90_000.0}),
        client.campaign(to=[NUMBER], key="many", **{**half_a_day, "ttl_s": 90_000.0}),
    }
    for job in jobs_made:
        spec = client._ledger.redis.hget(client._ledger.keys.job(job), "spec").replace(b"90000.0", b"3600.0")
        client._ledger.redis.hset(client._ledger.keys.job(job), "spec", spec)
    assert {
        client.send(to=NUMBER, key="once", **half_a_day),
        client.campaign(to=[NUMBER], key="many", **half_a_day),
    } == jobs_made
    client.send(to=NUMBER, template="2", key="any hour")
    with pytest.raises(Conflict, match="window: '' there, '09:00-20:00' here"):
        client.send(to=NUMBER, template="2", key="any hour", window="09:00-20:00")
