"""Fairness: campaigns of one lane take turns.

A small one behind a huge one is out within the first few calls.
"""

from collections import Counter
from collections.abc import Sequence

import fakeredis
import pytest
import redis

from smsline.job import JobSpec, new_job_id
from smsline.ledger import inbox
from smsline.ledger.link import Ledger
from tests.support.provider import FakeProvider
from tests.support.provider import accept as accept_call
from tests.support.scene import Scene, make_scene
from tests.support.world import FIRST, some_numbers
from worker.intake import accept
from worker.providers.base import Answer, Call
from worker.sending import send

PART = 1_000
SMALL = FIRST + 50_000


@pytest.fixture
def line(ledger: Ledger) -> Scene:
    """A scene whose lanes do not linger."""
    return make_scene(ledger, linger_ms=0)


@pytest.fixture
def huge(ledger: Ledger) -> int:
    """Numbers of a huge campaign; fewer on the fake Redis: its scripts are twenty times slower."""
    return (
        20_000 if isinstance(ledger.redis, redis.Redis) and not isinstance(ledger.redis, fakeredis.FakeRedis) else 2_000
    )


def hand_over(scene: Scene, numbers: Sequence[int], template: str = "5678") -> str:
    """A job in parts, as a client hands it over, accepted to the last one; nothing is sent yet."""
    cuts, job = [numbers[i : i + PART] for i in range(0, len(numbers), PART)], new_job_id()
    spec = JobSpec.checked({"template": template, "lane": "marketing"})
    for part_no, cut in enumerate(cuts):
        inbox.submit_part(scene.ledger, job, spec, inbox.Part(cut), part_no=part_no, parts=len(cuts))
    while scene.due(scene.ledger.keys.inbox("marketing")):
        accept.accept_job(scene.engine, job)
    return job


def make_calls(scene: Scene, count: int) -> list[Call]:
    """The next so many calls of the marketing lane."""
    before = len(scene.provider.calls)

    def stop_in_time(provider: FakeProvider, call: Call) -> Answer:
        if len(provider.calls) - before >= count:
            scene.engine.stopping.set()
        return accept_call(provider, call)

    scene.provider.usual = stop_in_time
    scene.engine.stopping.clear()
    while not scene.engine.stopping.is_set():
        assert send.send_slice(scene.engine, "marketing", 60), "nothing more to send"
    scene.engine.stopping.clear()
    return scene.provider.calls[before:]


def whose(call: Call, starts: Sequence[int]) -> Counter[int]:
    """How many numbers of a call belong to which job, by the jobs' first numbers."""
    return Counter(max(start for start in starts if start <= number) for number in call.numbers)


@pytest.mark.parametrize("template", ["5678", "77"])
def test_a_small_campaign_behind_a_huge_one_is_out_within_a_few_calls(line: Scene, huge: int, template: str) -> None:
    """Whether it says the same, and shares the huge one's batch queue, or has one of its own."""
    hand_over(line, some_numbers(huge))
    make_calls(line, 3)
    small = hand_over(line, some_numbers(200, SMALL), template=template)
    make_calls(line, 3)
    assert line.counts(small) == {"total": 200, "accepted": 200}


@pytest.mark.parametrize("template", ["5678", "77"])
def test_two_campaigns_share_the_lane(line: Scene, template: str) -> None:
    """As long as both have something to send, each has about half of the calls."""
    hand_over(line, some_numbers(1_400))
    hand_over(line, some_numbers(1_400, SMALL), template=template)
    gone: Counter[int] = Counter()
    for call in make_calls(line, 6):
        gone += whose(call, (FIRST, SMALL))
    assert gone.total() == 1_200
    assert 400 <= gone[SMALL] <= 800


@pytest.mark.parametrize("templates", [("1", "1", "1"), ("1", "2", "3"), ("1", "1", "2")])
def test_three_campaigns_share_the_lane(line: Scene, templates: tuple[str, str, str]) -> None:
    """None is left out, whether they share batch queues or not."""
    starts = [FIRST, FIRST + 20_000, FIRST + 40_000]
    for start, template in zip(starts, templates, strict=True):
        hand_over(line, some_numbers(800, start), template=template)
    gone: Counter[int] = Counter()
    for call in make_calls(line, 9):
        gone += whose(call, starts)
    assert len(gone) == 3
    assert min(gone.values()) >= 400


def test_a_single_message_does_not_wait_behind_two_huge_campaigns(line: Scene) -> None:
    """Its batch queue's turn comes after one call of each of the others."""
    hand_over(line, some_numbers(1_000))
    hand_over(line, some_numbers(1_000, FIRST + 20_000), template="2")
    make_calls(line, 4)
    single = hand_over(line, [SMALL], template="3")
    make_calls(line, 3)
    assert line.counts(single) == {"total": 1, "accepted": 1}


def test_nothing_is_lost_for_fairness(line: Scene) -> None:
    """Campaigns that take turns are sent to the last number, each once, in full calls."""
    hand_over(line, some_numbers(1_500))
    hand_over(line, some_numbers(1_000, SMALL))
    line.run()
    assert Counter(line.texts().values()) == {1: 2_500}
    assert [len(call.numbers) for call in line.provider.calls] == [200] * 12 + [100]
