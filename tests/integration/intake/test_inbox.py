"""Jobs on their way in: parts in any order, twice, too few or too many.

Keys used again; doubles between parts.
"""

import threading

import pytest

from smsline import Client
from smsline.errors import Conflict
from smsline.job import PART_SIZE, new_job_id
from smsline.names import PAYLOAD_VERSION
from tests.support.scene import Scene
from tests.support.world import FIRST, some_numbers
from worker.intake.submit import submit_payload


def test_parts_in_any_order_and_twice_are_sent_once(scene: Scene) -> None:
    """The last part may come first, and each may come again: every number is texted once."""
    job = scene.submit(some_numbers(5, FIRST + 10), part_no=2, parts=3)
    scene.submit(some_numbers(5), job=job, part_no=0, parts=None)
    scene.submit(some_numbers(5), job=job, part_no=0, parts=None)
    scene.submit(some_numbers(5, FIRST + 5), job=job, part_no=1, parts=None)
    scene.submit(some_numbers(5, FIRST + 5), job=job, part_no=1, parts=3)
    scene.send_all()
    assert scene.counts(job) == {"total": 15, "accepted": 15}
    assert scene.texts() == dict.fromkeys(some_numbers(15), 1)
    assert [row["phone"] for row in scene.results(job)] == [f"+{number}" for number in some_numbers(15)]


def test_an_incomplete_job_sends_nothing_and_is_seen(scene: Scene) -> None:
    """It shows what it has, and neither time nor a pause and resume makes it go out."""
    job = scene.submit(some_numbers(3), parts=None)
    scene.ask.pause(job)
    scene.ask.resume(job)
    scene.later(60)
    assert not scene.provider.calls
    assert not scene.status(job)["complete"]
    assert scene.counts(job) == {"total": 3, "waiting": 3}
    assert [row["state"] for row in scene.results(job)] == ["waiting"] * 3


def test_an_incomplete_job_that_is_cancelled_closes_and_takes_nothing_more(scene: Scene) -> None:
    """Its rows end as cancelled and keep their names."""
    job = scene.submit(some_numbers(3), parts=None, refs=["a", "b", "c"])
    scene.ask.cancel(job)
    scene.run()
    assert scene.counts(job) == {"total": 3, "cancelled": 3}
    assert scene.status(job)["closed_at"]
    assert [(row["ref"], row["state"]) for row in scene.results(job)] == [(ref, "cancelled") for ref in "abc"]
    with pytest.raises(Conflict, match="no more recipients"):
        scene.submit(some_numbers(3, FIRST + 3), job=job, part_no=1, parts=2)


def test_an_incomplete_job_closes_at_its_deadline(scene: Scene) -> None:
    """A producer that never comes back leaves nothing behind that stays for ever."""
    job = scene.submit(some_numbers(3), parts=None, ttl_s=60)
    scene.later(61)
    assert scene.counts(job) == {"total": 3, "expired": 3}
    assert scene.status(job)["closed_at"]


def test_a_streamed_job_goes_out_as_its_parts_come(scene: Scene) -> None:
    """And it closes only when the last part has come."""
    job = scene.submit(some_numbers(3), parts=None, stream=True)
    scene.send_all()
    scene.provider.deliver()
    scene.later(10)
    assert scene.counts(job) == {"total": 3, "delivered": 3}
    assert not scene.status(job)["closed_at"]
    scene.submit(some_numbers(2, FIRST + 1), job=job, part_no=1, parts=2, stream=True)
    scene.send_all()
    assert scene.counts(job) == {"total": 3, "delivered": 3}
    assert scene.status(job)["doubled"] == 2
    assert scene.status(job)["closed_at"]


def test_a_streamed_job_that_is_given_up_closes(scene: Scene) -> None:
    """All that came is delivered; cancelling it is the end of it."""
    job = scene.submit(some_numbers(3), parts=None, stream=True)
    scene.send_all()
    scene.provider.deliver()
    scene.later(10)
    scene.ask.cancel(job)
    scene.run()
    assert scene.status(job)["closed_at"]


def test_numbers_that_a_producer_has_compared_are_not_kept_to_compare_again(scene: Scene) -> None:
    """Its parts share none, so no set of them costs eight bytes a number for a week."""
    client = Client(ledger=scene.ledger)
    job = client.campaign(to=[f"+{number}" for number in some_numbers(PART_SIZE + 1)], template="5678", lane="notify")
    scene.send_all()
    assert scene.counts(job) == {"total": PART_SIZE + 1, "accepted": PART_SIZE + 1}
    assert not list(scene.ledger.redis.scan_iter("*seen:*"))


def test_doubles_between_parts_are_sent_once_and_counted(scene: Scene) -> None:
    """A number that an earlier part had is left out of the total, the sending and the results."""
    job = scene.submit(some_numbers(300), parts=None)
    scene.submit(some_numbers(300, FIRST + 200), job=job, part_no=1, parts=2)
    scene.send_all()
    assert scene.counts(job) == {"total": 500, "accepted": 500}
    assert scene.status(job)["doubled"] == 100
    assert len(scene.results(job)) == 500
    assert scene.texts() == dict.fromkeys(some_numbers(500), 1)


def test_a_part_beyond_a_complete_job_is_refused(scene: Scene) -> None:
    """Nothing is dropped without a word."""
    job = scene.submit(some_numbers(3))
    with pytest.raises(Conflict, match="complete"):
        scene.submit(some_numbers(3, FIRST + 3), job=job, part_no=1, parts=2)
    scene.submit(some_numbers(3), job=job)
    assert scene.counts(job) == {"total": 3, "waiting": 3}


def test_a_job_continued_with_fewer_parts_closes(scene: Scene) -> None:
    """A producer that goes on under its key and cuts the rest differently gets a job that ends."""
    job = scene.submit(some_numbers(3), parts=None, key="k")
    scene.submit(some_numbers(3, FIRST + 3), job=job, part_no=1, parts=None, key="k")
    scene.submit(some_numbers(3), job=job, parts=1, key="k")
    scene.submit(some_numbers(3), job=job, parts=7, key="k")
    status = scene.close_all(job)
    assert status["counts"]["delivered"] == 6


def test_a_key_used_again_is_the_same_job(scene: Scene) -> None:
    """Also after the job has closed, as long as it is kept."""
    job = scene.submit([FIRST], key="order-1")
    scene.close_all(job)
    assert scene.submit([FIRST + 1], key="order-1") == job
    assert scene.submit([FIRST], key="order-2") != job
    scene.send_all()
    assert scene.texts() == {FIRST: 2}


def test_of_racing_producers_one_makes_the_job(scene: Scene) -> None:
    """Twenty producers hand over the same job at the same moment; all get one id, sent once."""
    answers: list[str] = []
    start = threading.Barrier(20)

    def produce() -> None:
        start.wait()
        answers.append(scene.submit([FIRST], job=new_job_id(), key="race"))

    threads = [threading.Thread(target=produce) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 20
    assert len(set(answers)) == 1
    scene.send_all()
    assert scene.texts() == {FIRST: 1}
    assert len(scene.ask.jobs()) == 1


CODE = "551177"
PAYLOAD = {"v": PAYLOAD_VERSION, "to": [f"+{FIRST}"], "template": "1234", "lane": "otp", "params": [CODE]}


def test_a_payload_delivered_twice_is_one_job(scene: Scene) -> None:
    """The message's id makes the job's id; delivered again after the close, it changes nothing."""
    job = submit_payload(scene.engine, PAYLOAD, "m1")
    assert job is not None
    assert submit_payload(scene.engine, PAYLOAD, "m1") == job
    scene.close_all(job)
    assert submit_payload(scene.engine, PAYLOAD, "m1") == job
    assert scene.texts() == {FIRST: 1}
    assert not refusals(scene)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"v": 2}, "v: '2': must be 1"),
        ({"to": []}, "to: 'list': must be a list with at least one number"),
        ({"to": "+8613711112222"}, "to: 'str': must be a list with at least one number"),
        ({"to": ["12"]}, "no row is good; the first, row 1: phone"),
        ({"to": [None]}, "no row is good; the first, row 1: phone must be text"),
        ({"lane": "fast"}, "lane: 'fast': must be one of otp, notify, marketing"),
        ({"ttl": 5}, "ttl: '…': is not a field of a job"),
        ({"at": 5, "start_s": 9}, "start_s: '…': is not a field of a job; its start is called at"),
        ({"template": 1234}, "template: '1234': must be text"),
        ({"params": CODE}, "params: 'str': must be a list of text"),
    ],
)
def test_a_payload_that_breaks_a_rule_is_refused_and_kept(scene: Scene, change: dict[str, object], words: str) -> None:
    """No producer waits for an answer, so the refusal is kept for people; it never shows params."""
    assert submit_payload(scene.engine, {**PAYLOAD, **change}, "m1") is None
    (refusal,) = refusals(scene)
    assert words in refusal
    assert CODE not in refusal
    assert not scene.ask.jobs()


def test_the_good_rows_of_a_payload_go_out(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    """Rows with their own params and refs; each bad one among them is told, by its place."""
    rows = [{"phone": f"+{FIRST}", "params": ["1"], "ref": "a"}, {"phone": "nobody"}, f"+{FIRST + 1}", "+1", 5]
    job = submit_payload(scene.engine, {**PAYLOAD, "to": rows}, "m1")
    assert "3 of 5 rows were refused: row 2, no****: phone is not" in caplog.text
    assert "; row 5, int: phone must be text" in caplog.text
    scene.send_all()
    assert {message.number: message.params for message in scene.provider.out} == {
        FIRST: ("1",),
        FIRST + 1: (CODE,),
    }
    assert sorted((row["phone"], row["ref"]) for row in scene.results(str(job))) == [
        (f"+{FIRST}", "a"),
        (f"+{FIRST + 1}", ""),
    ]


def refusals(scene: Scene) -> list[str]:
    """What is kept of refused payloads."""
    return [text.decode() for text in scene.ledger.redis.lrange(scene.ledger.keys.prefix + "refused", 0, -1)]
