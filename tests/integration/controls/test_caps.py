"""Caps: how many messages one number gets through one account in 30 seconds, an hour and a day.

What is over waits, in its ttl.
"""

from collections.abc import Callable

import pytest

from smsline.ledger.link import Ledger
from tests.integration.controls.passing_time import due_in_s, let_pass
from tests.support.provider import FakeProvider, lost, never_left, refuse, refuse_items
from tests.support.scene import Scene, make_scene
from tests.support.world import FIRST, some_numbers

HOUR_S = 3600.0
DAY_S = 86_400.0

Capped = Callable[..., Scene]


@pytest.fixture
def capped(ledger: Ledger) -> Capped:
    """`capped(cap_30s=1)`: a scene with these settings, whose marketing does not linger."""
    return lambda **settings: make_scene(ledger, **{"linger_ms": 0, **settings})


@pytest.mark.parametrize(("cap", "span_s"), [("cap_30s", 30), ("cap_hour", 3600), ("cap_day", 86_400)])
def test_the_second_message_waits_for_its_span(capped: Capped, cap: str, span_s: int) -> None:
    """It is due when the span has passed since the second of the first call, and never early.

    All of that second is included.
    """
    scene = capped(**{cap: 1})
    scene.submit([FIRST])
    scene.run()
    second = scene.submit([FIRST])
    scene.run()
    assert scene.texts()[FIRST] == 1
    assert scene.counts(second) == {"total": 1, "waiting": 1}
    assert due_at_s(scene) == [called_at_s(scene, FIRST) + span_s + 1]

    let_pass(scene, span_s - 1)
    assert scene.texts()[FIRST] == 1
    let_pass(scene, 2)
    assert scene.texts()[FIRST] == 2
    assert scene.counts(second) == {"total": 1, "accepted": 1}


def called_at_s(scene: Scene, number: int) -> int:
    """The second in which a number was called last."""
    (key,) = scene.ledger.redis.scan_iter(match="*called:*")
    return int.from_bytes(scene.ledger.redis.hget(key, str(number))[-4:], "big")


def due_at_s(scene: Scene) -> list[float]:
    """When what was put off is due, epoch seconds."""
    return [at_ms / 1000 for _, at_ms in scene.ledger.redis.zrange(scene.ledger.keys.later, 0, -1, withscores=True)]


def test_as_many_as_the_cap_says_go_at_once(capped: Capped) -> None:
    """With three an hour three go; the fourth waits for the first one's hour, not the last's."""
    scene = capped(cap_hour=3)
    scene.submit([FIRST])
    scene.run()
    let_pass(scene, 1000)
    for _ in range(3):
        scene.submit([FIRST])
        scene.run()
    assert scene.texts()[FIRST] == 3
    (due_s,) = due_in_s(scene, scene.ledger.keys.later)
    assert 2599 < due_s <= 2601


def test_the_longest_wait_counts(capped: Capped) -> None:
    """Where several caps are reached, the message waits for the last of them."""
    scene = capped(cap_30s=1, cap_hour=2, cap_day=3)
    for wait_s in (31, 31):
        scene.submit([FIRST])
        scene.run()
        let_pass(scene, wait_s)
    scene.submit([FIRST])
    scene.run()
    (due_s,) = due_in_s(scene, scene.ledger.keys.later)
    assert HOUR_S - 63 < due_s <= HOUR_S - 61
    let_pass(scene, HOUR_S)
    assert scene.texts()[FIRST] == 3
    scene.submit([FIRST])
    scene.run()
    (due_s,) = due_in_s(scene, scene.ledger.keys.later)
    assert due_s > DAY_S - 2 * HOUR_S


def test_others_of_the_same_call_go_out(capped: Capped) -> None:
    """Only the capped number is taken out of the call."""
    scene = capped(cap_hour=1)
    scene.submit([FIRST + 3])
    scene.run()
    job = scene.submit(some_numbers(200))
    scene.run()
    assert len(scene.provider.calls[-1].numbers) == 199
    assert scene.counts(job) == {"total": 200, "waiting": 1, "accepted": 199}
    let_pass(scene, HOUR_S + 2)
    assert scene.counts(job) == {"total": 200, "accepted": 200}
    assert scene.texts()[FIRST + 3] == 2


def test_caps_hold_across_jobs_lanes_and_templates(capped: Capped) -> None:
    """A number does not care which job texts it.

    A campaign's message counts for a notice and for a one-time password.
    """
    scene = capped(cap_30s=1)
    scene.submit([FIRST])
    scene.run()
    notice = scene.submit([FIRST], lane="notify", template="77")
    code = scene.otp(FIRST)
    scene.run()
    assert scene.texts()[FIRST] == 1
    let_pass(scene, 31)
    assert scene.texts()[FIRST] == 2
    let_pass(scene, 31)
    assert scene.texts()[FIRST] == 3
    assert scene.counts(notice) == scene.counts(code) == {"total": 1, "accepted": 1}


def test_caps_are_per_account(ledger: Ledger) -> None:
    """Another account has its own sender, and its own count."""
    providers = {"main": FakeProvider(), "other": FakeProvider()}
    scene = make_scene(ledger, providers, linger_ms=0, cap_day=1)
    scene.submit([FIRST], account="main")
    scene.submit([FIRST], account="other")
    scene.run()
    assert [provider.texts()[FIRST] for provider in providers.values()] == [1, 1]


def test_a_capped_message_lives_by_its_ttl(capped: Capped) -> None:
    """One that would be allowed only after its deadline ends as expired, at the deadline."""
    scene = capped(cap_30s=1)
    scene.submit([FIRST])
    scene.run()
    code = scene.otp(FIRST, ttl_s=10)
    scene.run()
    let_pass(scene, 11)
    assert scene.counts(code) == {"total": 1, "expired": 1}
    let_pass(scene, 60)
    assert scene.texts()[FIRST] == 1


@pytest.mark.parametrize(
    "script", [never_left(), refuse("RequestLimitExceeded"), refuse_items("FailedOperation.ContainSensitiveWord")]
)
def test_what_did_not_go_out_does_not_count(capped: Capped, script: object) -> None:
    """A call that never left, or was refused, is no message: the next one need not wait for it."""
    scene = capped(cap_day=1)
    scene.provider.script.append(script)  # type: ignore[arg-type]
    job = scene.submit([FIRST])
    scene.run()
    assert scene.provider.calls
    let_pass(scene, 10)
    other = scene.submit([FIRST])
    let_pass(scene, 1)
    assert scene.texts()[FIRST] == 1
    assert scene.counts(job).get("accepted", 0) + scene.counts(other).get("accepted", 0) == 1


def test_what_may_have_gone_out_counts(capped: Capped) -> None:
    """While it is unknown whether a message went out, its number is not texted within the span."""
    scene = capped(cap_30s=1)
    scene.provider.script.append(lost())
    scene.submit([FIRST])
    scene.run()
    scene.submit([FIRST], template="77")
    scene.run()
    assert len(scene.provider.calls) == 1
    let_pass(scene, 31)
    assert len(scene.provider.calls) == 2


def test_off_by_default_and_then_nothing_is_written(scene: Scene) -> None:
    """Without a cap a number is texted as often as asked for, and Redis keeps nothing about it."""
    for _ in range(3):
        scene.submit([FIRST])
        scene.send_all()
    assert scene.texts()[FIRST] == 3
    assert not list(scene.ledger.redis.scan_iter(match="*called:*"))


def test_times_of_messages_go_away(capped: Capped) -> None:
    """What is kept of a number's messages ends with the second day after them."""
    scene = capped(cap_day=1)
    scene.submit([FIRST])
    scene.run()
    (key,) = scene.ledger.redis.scan_iter(match="*called:*")
    assert 0 < scene.ledger.redis.ttl(key) <= 2 * DAY_S
