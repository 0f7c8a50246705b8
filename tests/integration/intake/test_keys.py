"""A key used again: a true repetition is the same job, all else is a conflict.

A broken-off campaign goes on by content.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from smsline.calls import Calls
from smsline.errors import Conflict
from smsline.job import JobSpec, Recipient, Summary
from smsline.ledger import inbox
from smsline.ledger.inbox import Submitted
from smsline.ledger.talk import carry
from smsline.names import PAYLOAD_VERSION
from smsline.parts import parts
from smsline.upload import Upload
from tests.support.scene import Scene
from tests.support.world import FIRST, some_numbers
from worker.intake.submit import submit_payload

SENT = {"template": "1", "params": ["482913"], "sign": "Shop", "lane": "otp", "ttl_s": 300, "key": "login-77"}
CAMPAIGN = {"template": "5678", "lane": "marketing", "key": "may"}


class Broken(Exception):  # noqa: N818 - reads as what happened
    """The producer's process ends in the middle of its file."""


def send(scene: Scene, number: int = FIRST, ref: str = "r", **other: Any) -> Submitted:
    """One message under the key."""
    calls = Calls(scene.ledger.keys, None, "ledger")
    return carry(scene.ledger.redis, calls.send(SENT | other, to=f"+{number}", ref=ref))


def campaign(scene: Scene, rows: Iterable[str | Recipient], **other: Any) -> Summary:
    """A campaign under the key."""
    upload = Upload(Calls(scene.ledger.keys, None, "ledger"), JobSpec.checked(CAMPAIGN | other))
    carry(scene.ledger.redis, upload.begin())
    for part in parts(rows, upload.tally, known=upload.known):
        carry(scene.ledger.redis, upload.put(part))
    return carry(scene.ledger.redis, upload.end())[1]


def begun(scene: Scene, rows: list[str | Recipient], at: int = 2_100, **other: Any) -> str:
    """A campaign that broke off at a row; the job it left."""

    def until() -> Iterator[str | Recipient]:
        yield from rows[:at]
        raise Broken

    with pytest.raises(Broken):
        campaign(scene, until(), **other)
    job = inbox.job_under(scene.ledger, "may")
    assert job
    assert not scene.status(job)["complete"]
    return job


def rows(count: int = 2_600, first: int = FIRST) -> list[str | Recipient]:
    """Rows of numbers alone."""
    return [f"+{number}" for number in some_numbers(count, first)]


@pytest.mark.parametrize(
    ("other", "told"),
    [
        ({"template": "2"}, "template: '1' there, '2' here"),
        ({"params": ["482914"]}, "params: other values there"),
        ({"sign": "Bank"}, "sign: 'Shop' there, 'Bank' here"),
        ({"lane": "notify"}, "lane: 'otp' there, 'notify' here"),
        ({"ttl_s": 60}, "ttl_s: 300.0 there, 60.0 here"),
        ({"start_s": 1.0}, "at: now there, 1970-01-01T00:00:01+00:00 here"),
        ({"number": FIRST + 1}, "numbers: others there"),
        ({"ref": "s"}, "refs: others there"),
    ],
)
def test_the_same_key_with_another_payload_is_a_conflict(scene: Scene, other: dict[str, Any], told: str) -> None:
    """It says what differs and shows no param; the job stays as it was."""
    job = send(scene).job
    with pytest.raises(Conflict, match=f"key 'login-77': its job {job} .*{re.escape(told)}") as refused:
        send(scene, **other)
    assert "4829" not in str(refused.value)
    scene.send_all()
    assert scene.counts(job) == {"total": 1, "accepted": 1}
    with pytest.raises(Conflict, match=re.escape(told)):
        send(scene, **other)
    assert send(scene) == Submitted(job, complete=True, existed=True)


def test_a_campaign_said_again_is_the_same_job_in_any_order(scene: Scene) -> None:
    """Also when it was sent meanwhile; a row more, less or changed is another campaign."""
    given = [Recipient(f"+{number}", (str(number % 7 + 1),), "r") for number in some_numbers(1_200)]
    job = campaign(scene, given).job
    assert campaign(scene, given[::-1]) == Summary(job, 0, 1_200, 0, 0, repeated=True)
    scene.send_all()
    assert campaign(scene, given).job == job
    for other, told in (
        (given[:-1], "numbers: 1,200 there, 1,199 here"),
        ([*given[:-1], Recipient(f"+{FIRST + 5_000}", ("1",), "r")], "numbers: others there"),
        ([*given[:-1], Recipient(given[-1].phone, ("x",), "r")], "params: others there"),
        ([*given[:-1], Recipient(given[-1].phone, given[-1].params, "s")], "refs: others there"),
    ):
        with pytest.raises(Conflict, match=told):
            campaign(scene, other)
    with pytest.raises(Conflict, match="template: '5678' there, '5679' here"):
        campaign(scene, iter([]), template="5679")
    assert scene.counts(job)["total"] == 1_200


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("order", ["as before", "backwards", "rotated, one more"])
def test_a_broken_off_campaign_goes_on_in_any_order(scene: Scene, order: str, *, stream: bool) -> None:
    """All rows are in the job, each once, whatever of it went out meanwhile."""
    given = rows()
    job = begun(scene, given, stream=stream)
    had = scene.counts(job)["total"]
    if stream:
        scene.run()
    again = {"as before": given, "backwards": given[::-1]}
    done = campaign(scene, again.get(order) or [*given[700:], *given[:700], f"+{FIRST + 2_600}"], stream=stream)
    extra = order == "rotated, one more"
    assert done == Summary(job, 2_600 - had + extra, had, 0, 0, repeated=False)
    assert scene.status(job)["complete"]
    assert scene.counts(job)["total"] == 2_600 + extra
    scene.send_all()
    assert scene.texts() == dict.fromkeys(some_numbers(2_600 + extra), 1)


@pytest.mark.parametrize(
    ("other", "changed", "told"),
    [
        (rows()[1:], {}, "another campaign: 1 of the 1,000 numbers handed over before are not in it"),
        (rows(first=FIRST + 9_000), {}, "another campaign: 1,000 of the 1,000 numbers"),
        ([Recipient(f"+{FIRST}", None, "x"), *rows()[1:]], {}, "row 1, .* was handed over before with other params"),
        (rows(), {"template": "9"}, "template: '5678' there, '9' here"),
        (rows(), {"params": ["x"]}, "params: other values there"),
    ],
)
def test_another_campaign_under_the_key_of_a_broken_one_adds_nothing(
    scene: Scene, other: list[str | Recipient], changed: dict[str, Any], told: str
) -> None:
    """The right one can still go on."""
    given = rows()
    job = begun(scene, given)
    with pytest.raises(Conflict, match=told):
        campaign(scene, other, **changed)
    assert scene.counts(job)["total"] == 1_000
    assert campaign(scene, given).added == 1_600


def test_a_campaign_whose_end_alone_was_lost_is_ended(scene: Scene) -> None:
    """All rows had come; the last part's answer, and with it the number of parts, had not."""
    given = rows(2_000)
    job = begun(scene, [*given, "+1"], at=2_001)
    scene.submit(
        some_numbers(1_000, FIRST + 1_000), job=job, part_no=1, parts=None, template="5678", lane="marketing", key="may"
    )
    assert campaign(scene, given).held == 2_000
    assert scene.status(job)["complete"]


def test_a_broken_campaign_that_ran_out_of_time_is_told(scene: Scene) -> None:
    """What is missing would never be sent: no call may believe that it was."""
    given = rows()
    begun(scene, given, ttl_s=60)
    scene.later(61)
    with pytest.raises(Conflict, match=r"ended with 1,000 numbers, before all were handed over; use another key"):
        campaign(scene, given, ttl_s=60)


def test_a_call_that_was_second_compares_too(scene: Scene) -> None:
    """Two calls see no job under the key.

    The ledger lets one make it, and the other has the same rows or a conflict.
    """

    def late(given: list[str | Recipient]) -> Iterator[str | Recipient]:
        yield from given
        campaign(scene, rows(3), key="race")

    def raced(given: list[str | Recipient]) -> Summary:
        return campaign(scene, late(given), key="race")

    assert raced(rows(3)).repeated
    scene.ledger.redis.delete(*scene.ledger.redis.keys(f"{scene.ledger.keys.prefix}*"))
    with pytest.raises(Conflict, match="numbers: 3 there, 2 here"):
        raced(rows(2))


@pytest.mark.parametrize("more", [False, True])
def test_two_calls_that_go_on_with_one_job_say_what_each_has_added(scene: Scene, *, more: bool) -> None:
    """The slower one has been overtaken and added nothing.

    Rows that the job has not are a conflict, never `accepted`.
    """
    given, quick = rows(), list[Summary]()
    begun(scene, given)

    def overtaken() -> Iterator[str | Recipient]:
        yield from [*given, f"+{FIRST + 9_000}"] if more else given
        quick.append(campaign(scene, given))
        scene.run()

    if more:
        with pytest.raises(Conflict, match=r"numbers: 2,600 there, 2,601 here|is complete|other rows in this place"):
            campaign(scene, overtaken())
    else:
        slow = campaign(scene, overtaken())
        assert (slow.added, slow.held, slow.repeated) == (0, 2_600, True)
    assert quick[0].added == 1_600


@pytest.mark.parametrize("ends", ["in another order", "with nothing to add"])
def test_two_calls_go_on_with_one_streamed_job_in_different_orders(scene: Scene, ends: str) -> None:
    """Their parts go out at once, so that only digests of them are left.

    The second call is told, and no row is missed or sent twice.
    """
    given = rows(5_600)
    begun(scene, given, stream=True)

    def overtaken() -> Iterator[str | Recipient]:
        yield from given[::-1] if ends == "in another order" else given[:1_000]
        with pytest.raises(Broken):  # it has added two parts by then
            campaign(scene, until_broken(), stream=True)
        scene.run()

    def until_broken() -> Iterator[str | Recipient]:
        yield from given[:4_100]
        raise Broken

    with pytest.raises(Conflict, match="another call hands it over now"):
        campaign(scene, overtaken(), stream=True)
    assert campaign(scene, given, stream=True).added
    scene.send_all()
    assert scene.texts() == dict.fromkeys(some_numbers(5_600), 1)


def test_what_breaks_a_call_off_carries_the_job_s_id(scene: Scene) -> None:
    """Ctrl-C above all: without key and id, what was handed over could not be continued."""
    upload = Upload(Calls(scene.ledger.keys, None, "ledger"), JobSpec.checked(CAMPAIGN | {"key": ""}))

    def interrupted() -> None:
        with upload:
            carry(scene.ledger.redis, upload.begin())
            for part in parts(rows(), upload.tally, known=upload.known):
                carry(scene.ledger.redis, upload.put(part))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as broken:
        interrupted()
    (note,) = broken.value.__notes__
    job = scene.ledger.redis.zrange(scene.ledger.keys.jobs, 0, -1)[0].decode()
    assert f"job {job} is incomplete: the call was broken off after 2 parts; nothing of it goes out" in note
    assert f"--job-id {job}" in note


def test_a_payload_under_a_used_key_is_the_same_job_or_refused(scene: Scene) -> None:
    """Producers of other languages share the keys.

    A message delivered twice is never a conflict with itself.
    """
    payload = {"v": PAYLOAD_VERSION, "to": [{"phone": f"+{FIRST}", "ref": "r"}], **SENT}
    job = send(scene).job
    assert submit_payload(scene.engine, payload, "m1") == job
    assert submit_payload(scene.engine, payload | {"template": "2"}, "m2") is None
    assert "template: '1' there, '2' here" in scene.ledger.redis.lindex(scene.ledger.keys.refused, 0).decode()
    own = payload | {"key": "", "to": rows(3)}
    assert submit_payload(scene.engine, own, "m3") == submit_payload(scene.engine, own, "m3") != job
