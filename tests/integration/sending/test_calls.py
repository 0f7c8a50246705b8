"""How few calls are made: recipients with the same content share them, whatever their jobs."""

from collections import Counter

from smsline.ledger.link import Ledger
from smsline.numbers import is_mainland
from tests.support.provider import FakeProvider, never_left, refuse_items
from tests.support.scene import Scene, make_scene
from tests.support.world import FIRST, some_numbers

FRENCH = 33612345000


def sizes(scene: Scene) -> list[int]:
    """How many numbers each call held."""
    return [len(call.numbers) for call in scene.provider.calls]


def test_a_thousand_numbers_leave_in_five_calls(scene: Scene) -> None:
    """A campaign is cut into full calls, and every number is texted once.

    The job counts its calls and its fee.
    """
    job = scene.submit(some_numbers(1000))
    scene.send_all()
    assert sizes(scene) == [200] * 5
    assert set(scene.texts().values()) == {1}
    assert len(scene.texts()) == 1000
    assert scene.counts(job) == {"total": 1000, "accepted": 1000}
    assert (scene.status(job)["calls"], scene.status(job)["fee"]) == (5, 1000)


def test_jobs_of_one_number_share_calls(scene: Scene) -> None:
    """Forty single-number jobs with the same content leave in one call; each counts it."""
    jobs = [scene.submit([number]) for number in some_numbers(40)]
    scene.send_all()
    assert sizes(scene) == [40]
    assert {scene.status(job)["calls"] for job in jobs} == {1}
    assert all(scene.counts(job) == {"total": 1, "accepted": 1} for job in jobs)


def test_campaigns_with_the_same_content_fill_each_others_calls(scene: Scene) -> None:
    """What is left of one campaign shares a call with the beginning of the next."""
    scene.submit(some_numbers(250))
    scene.submit(some_numbers(150, FIRST + 1000))
    scene.send_all()
    assert sizes(scene) == [200, 200]


def test_a_batch_queue_waits_for_more_as_long_as_its_lane_says(scene: Scene) -> None:
    """Marketing waits half a second for a full call; otp waits for nothing."""
    scene.submit([FIRST])
    code = scene.otp(FIRST + 1)
    scene.run()
    assert [list(call.numbers) for call in scene.provider.calls] == [[FIRST + 1]]
    assert scene.counts(code) == {"total": 1, "accepted": 1}
    scene.submit([FIRST + 2])
    scene.later(1)
    assert sorted(scene.provider.calls[-1].numbers) == [FIRST, FIRST + 2]


def test_a_full_call_does_not_wait(scene: Scene) -> None:
    """The number that fills a call sends it off."""
    scene.submit(some_numbers(199))
    scene.run()
    assert sizes(scene) == []
    scene.submit([FIRST + 500])
    scene.run()
    assert sizes(scene) == [200]


def test_mainland_and_global_numbers_never_share_a_call(scene: Scene) -> None:
    """The provider takes one kind per call (Tencent SMS API document, line 3770)."""
    scene.submit([FIRST, FRENCH, FIRST + 1, FRENCH + 1, FRENCH + 2])
    scene.send_all()
    assert sorted(sizes(scene)) == [2, 3]
    assert all(len({is_mainland(number) for number in call.numbers}) == 1 for call in scene.provider.calls)


def test_different_params_do_not_share_a_call(scene: Scene) -> None:
    """Each number gets its own params, and numbers that happen to have equal ones share a call."""
    numbers = some_numbers(6)
    own = [["a"], ["b"], ["a"], None, ["c"], ["a"]]
    scene.submit(numbers, own_params=own, params=["job"])
    scene.send_all()
    sent = {message.number: message.params for message in scene.provider.out}
    assert sent == {number: tuple(mine or ["job"]) for number, mine in zip(numbers, own, strict=True)}
    assert sorted(sizes(scene)) == [1, 1, 1, 3]


def test_a_number_of_two_jobs_is_in_a_call_once(scene: Scene) -> None:
    """Two campaigns to overlapping lists text a number twice, in two calls.

    So each receipt finds its own job.
    """
    first = scene.submit(some_numbers(10))
    second = scene.submit(some_numbers(10, FIRST + 5))
    scene.send_all()
    assert all(max(Counter(call.numbers).values()) == 1 for call in scene.provider.calls)
    assert scene.texts()[FIRST + 7] == 2
    for job in (first, second):
        assert scene.counts(scene.close_all(job)["job"]) == {"total": 10, "delivered": 10}


def test_what_comes_back_to_a_batch_queue_goes_in_full_calls_at_once(scene: Scene) -> None:
    """After a pause, a line with many full calls in it does not wait for more between them."""
    job = scene.submit(some_numbers(1000))
    scene.ask.pause(job)
    scene.send_all()
    scene.ask.resume(job)
    scene.run()
    assert sizes(scene) == [200] * 5


def test_pieces_of_a_block_are_one_entry_of_their_call(scene: Scene) -> None:
    """When a block tried in part comes together in one call, no recipient's serial is lost."""
    others = some_numbers(150)
    scene.submit(others)
    job = scene.submit(some_numbers(200, FIRST + 1000))
    codes = dict.fromkeys(others, "LimitExceeded.DeliveryFrequencyLimit")
    codes |= dict.fromkeys(some_numbers(50, FIRST + 1000), "RequestLimitExceeded")
    scene.provider.script.append(refuse_items(codes))
    scene.send_all()
    assert sizes(scene) == [200, 200]
    assert scene.counts(job) == {"total": 200, "accepted": 200}
    assert all(row["serial"] and row["accepted_at"] for row in scene.results(job))
    scene.later(700)
    assert scene.counts(job) == {"total": 200, "accepted": 200}


def test_a_retry_waits_for_its_time(scene: Scene) -> None:
    """A call that never left is made again as one call, within a second.

    The try is counted.
    """
    job = scene.submit(some_numbers(3))
    scene.provider.script.append(never_left())
    scene.send_all()
    scene.later(2)
    assert sizes(scene) == [3, 3]
    assert {row["attempts"] for row in scene.results(job)} == {2}
    assert {row["code"] for row in scene.results(job)} == {""}


def test_a_number_goes_through_the_account_of_its_longest_prefix(ledger: Ledger) -> None:
    """Among accounts that match equally well the lower priority number serves, then the name."""
    accounts = {
        "any": {},
        "cn": {"prefixes": ["86"]},
        "second": {"prefixes": ["33"], "priority": 2},
        "first": {"prefixes": ["33"], "priority": 1},
        "paris": {"prefixes": ["331"]},
    }
    scene = make_scene(ledger, {name: FakeProvider() for name in accounts}, accounts=accounts)
    scene.submit([FIRST, FRENCH, 33112345678, 14155550100])
    scene.send_all()
    assert {name: list(scene.provider_of(name).texts()) for name in accounts} == {
        "any": [14155550100],
        "cn": [FIRST],
        "second": [],
        "first": [FRENCH],
        "paris": [33112345678],
    }
