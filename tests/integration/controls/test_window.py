"""Sending windows: marketing waits for the recipient's daytime, which costs no try.

Other lanes do not wait.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from config.accounts import Account
from smsline.client import Client
from smsline.errors import BadInput
from smsline.ledger import job_list
from smsline.ledger.batch_queues import BatchQueue, parse_queue
from smsline.ledger.link import Ledger
from smsline.names import Lane
from tests.integration.controls.passing_time import let_pass
from tests.support.provider import FakeProvider, Script, never_left, refuse, refuse_items
from tests.support.scene import Scene, make_scene
from tests.support.world import FIRST, some_numbers
from worker.commands.check_ledger import look_at_ledger
from worker.providers.base import Answer, Call
from worker.routing import windows

BEIJING = ZoneInfo("Asia/Shanghai")
TOO_LATE = "FailedOperation.MarketingSendTimeConstraint"
FRENCH = 33612345000
JAPANESE = 819012345000
RUSSIAN = 79161234500
HOUR_S = 3600.0


@dataclass
class Wall:
    """A clock on the wall, which windows go by; Redis' own cannot be put forward."""

    now_s: float = 0.0

    def set(self, text: str, zone: str) -> None:
        """What it shows in a zone."""
        self.now_s = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()

    def now_ms(self) -> int:
        """As `Engine.now_ms`."""
        return int(self.now_s * 1000)


@pytest.fixture
def wall(monkeypatch: pytest.MonkeyPatch) -> Wall:
    """The clock that decides whether a window is open."""
    found, closed_s = Wall(), windows.queue_closed_s

    def by_the_wall(accounts: Mapping[str, Account], queue: BatchQueue, _now_ms: object) -> float:
        return closed_s(accounts, queue, found.now_ms)

    monkeypatch.setattr(windows, "queue_closed_s", by_the_wall)
    return found


Windowed = Callable[..., Scene]


@pytest.fixture
def windowed(ledger: Ledger) -> Windowed:
    """`windowed("08:00-22:00")`: a scene whose account has this window."""

    def make(window: str = "08:00-22:00", **settings: Any) -> Scene:
        return make_scene(ledger, accounts={"main": {"window": window}}, **{"linger_ms": 0, **settings})

    return make


def pass_both(scene: Scene, wall: Wall, seconds: float) -> None:
    """Let time pass on the wall and in the ledger."""
    wall.now_s += seconds
    let_pass(scene, seconds)


def held_until_s(scene: Scene, lane: str = "marketing") -> dict[str, float]:
    """In how many seconds each region's batch queue is due."""
    found = scene.ledger.redis.zrange(scene.ledger.keys.send(lane), 0, -1, withscores=True)
    now_ms = scene.engine.now_ms()
    return {parse_queue(queue.decode()).region: round((at_ms - now_ms) / 1000) for queue, at_ms in found}


def test_marketing_waits_until_the_window_opens(windowed: Windowed, wall: Wall) -> None:
    """The batch queue is due when it opens, not before; then all goes out at the first try.

    Until then there is no work that an alert could miss.
    """
    scene = windowed()
    wall.set("2030-05-01T23:00", "Asia/Shanghai")
    job = scene.submit(some_numbers(300))
    scene.run()
    assert scene.provider.calls == []
    assert abs(held_until_s(scene)["m"] - 9 * HOUR_S) <= 1
    assert job_list.work_due(scene.ledger)["marketing"] == 0
    pass_both(scene, wall, 9 * HOUR_S - 60)
    assert job_list.work_due(scene.ledger)["marketing"] == 1
    assert scene.provider.calls == []
    pass_both(scene, wall, 61)
    assert scene.counts(job) == {"total": 300, "accepted": 300}
    assert {row["attempts"] for row in scene.results(job)} == {1}


def test_what_is_left_when_it_closes_waits_for_the_next_day(windowed: Windowed, wall: Wall) -> None:
    """A campaign too long for the evening goes on in the morning, where it stopped, at its pace."""
    scene = windowed()
    wall.set("2030-05-01T21:59:48", "Asia/Shanghai")
    job = scene.submit(some_numbers(6), pace=0.2)
    scene.run()
    for _ in range(5):
        pass_both(scene, wall, 5)
    assert scene.counts(job) == {"total": 6, "waiting": 3, "accepted": 3}
    pass_both(scene, wall, 9 * HOUR_S)
    assert len(scene.provider.calls) == 3
    pass_both(scene, wall, HOUR_S)
    assert len(scene.provider.calls) == 4
    for _ in range(3):
        pass_both(scene, wall, 5)
    assert scene.counts(job) == {"total": 6, "accepted": 6}
    assert set(scene.texts().values()) == {1}


def test_otp_and_notify_do_not_wait(windowed: Windowed, wall: Wall) -> None:
    """What a person asked for is sent at night too, also when a campaign of its template waits."""
    scene = windowed()
    wall.set("2030-05-01T03:00", "Asia/Shanghai")
    scene.submit([FIRST])
    notice, code = scene.submit([FIRST + 1], lane="notify"), scene.otp(FIRST + 2)
    scene.run()
    assert set(scene.texts()) == {FIRST + 1, FIRST + 2}
    assert scene.counts(notice) == scene.counts(code) == {"total": 1, "accepted": 1}


def test_each_country_waits_for_its_own_morning(windowed: Windowed, wall: Wall) -> None:
    """A campaign goes out country by country, mainland China by Beijing's clock."""
    scene = windowed()
    wall.set("2030-05-01T14:00", "UTC")
    scene.submit([FIRST, FRENCH, FRENCH + 1, JAPANESE, JAPANESE + 1])
    scene.run()
    assert set(scene.texts()) == {FRENCH, FRENCH + 1}
    assert held_until_s(scene) == {"gJP": pytest.approx(9 * HOUR_S, abs=2), "m": pytest.approx(10 * HOUR_S, abs=2)}
    pass_both(scene, wall, 9 * HOUR_S + 1)
    assert set(scene.texts()) == {FRENCH, FRENCH + 1, JAPANESE, JAPANESE + 1}
    pass_both(scene, wall, HOUR_S)
    assert set(scene.texts().values()) == {1}
    assert FIRST in scene.texts()


def test_without_a_window_countries_share_a_call(scene: Scene) -> None:
    """Calls are not cut by country where nothing depends on it."""
    scene.submit([FRENCH, JAPANESE, RUSSIAN])
    scene.send_all()
    assert [len(call.numbers) for call in scene.provider.calls] == [3]


def test_a_retry_that_is_due_at_night_waits(windowed: Windowed, wall: Wall) -> None:
    """Its backoff ends when the window is shut: it goes out in the morning, as the second try."""
    scene = windowed()
    wall.set("2030-05-01T21:59:59", "Asia/Shanghai")

    def fail_and_close(provider: FakeProvider, call: Call) -> Answer:
        wall.now_s += 1
        return never_left()(provider, call)

    scene.provider.script.append(fail_and_close)
    job = scene.submit([FIRST])
    scene.run()
    pass_both(scene, wall, 60)
    assert len(scene.provider.calls) == 1
    pass_both(scene, wall, 10 * HOUR_S)
    assert [row["attempts"] for row in scene.results(job)] == [2]


def test_what_comes_meanwhile_waits_too(windowed: Windowed, wall: Wall) -> None:
    """A new job with the same content does not open the window for itself nor for the others."""
    scene = windowed()
    wall.set("2030-05-01T23:00", "Asia/Shanghai")
    for start in range(3):
        scene.submit(some_numbers(10, FIRST + start * 100))
        pass_both(scene, wall, HOUR_S)
    assert scene.provider.calls == []
    assert abs(held_until_s(scene)["m"] - 6 * HOUR_S) <= 2


def test_the_ttl_goes_on_while_the_window_is_closed(windowed: Windowed, wall: Wall) -> None:
    """An offer that ends at midnight is not texted in the morning."""
    scene = windowed()
    wall.set("2030-05-01T23:00", "Asia/Shanghai")
    job = scene.submit(some_numbers(3), ttl_s=HOUR_S)
    scene.run()
    pass_both(scene, wall, HOUR_S + 1)
    assert scene.counts(job) == {"total": 3, "expired": 3}
    pass_both(scene, wall, 10 * HOUR_S)
    assert scene.provider.calls == []


def test_a_window_that_is_never_open_is_told(windowed: Windowed, wall: Wall, caplog: pytest.LogCaptureFixture) -> None:
    """Two hours are too short for a country as wide as Russia.

    Nothing is sent at a wrong hour, and the log says what to do.
    """
    scene = windowed("10:00-12:00")
    wall.set("2030-05-01T11:00", "Europe/Moscow")
    with caplog.at_level(logging.ERROR):
        job = scene.submit([RUSSIAN])
        scene.run()
    assert scene.counts(job) == {"total": 1, "waiting": 1}
    assert "marketing to RU is never sent" in caplog.text
    assert "widen the window" in caplog.text


def test_hours_that_never_meet(windowed: Windowed, wall: Wall, caplog: pytest.LogCaptureFixture) -> None:
    """A job that could only wait is refused.

    One that was taken before the account had hours is told of until its ttl ends it.
    """
    scene, window = windowed("08:00-10:00"), "12:00-20:00"
    numbers, said = [f"+{FIRST}", f"+{FRENCH}"], {"template": "5678", "window": window}
    with pytest.raises(BadInput, match=r"^window: .* has no hour in common with the account's .* in CN, FR"):
        Client(ledger=scene.ledger).campaign(to=numbers, **said)  # type: ignore[arg-type]
    wall.set("2030-05-01T09:00", "Asia/Shanghai")
    job = scene.submit([FIRST], window=window, ttl_s=30 * HOUR_S)
    with caplog.at_level(logging.ERROR):
        scene.run()
    assert "hours do not meet" in caplog.text
    told = {"jobs": [job], "account": "main", "country": "CN", "hours": [window, "08:00-10:00"]}
    assert scene.ask.never_sent() == [told]
    assert [each[2] for each in look_at_ledger(scene.ledger) if each[0] == "hours"] == [
        f"never sent: hours do not meet (12:00-20:00 and 08:00-10:00 to CN, account main): {job}"
    ]
    for _ in range(15):
        pass_both(scene, wall, 2 * HOUR_S)
    pass_both(scene, wall, 60)
    assert scene.counts(job) == {"total": 1, "expired": 1}
    assert scene.status(job)["closed_at"]
    assert (scene.ask.never_sent(), scene.provider.calls) == ([], [])
    pass_both(scene, wall, HOUR_S)
    assert held_until_s(scene) == {}


@pytest.mark.parametrize("lane", ["marketing", "notify"])
def test_a_jobs_own_window(windowed: Windowed, wall: Wall, lane: Lane) -> None:
    """Its recipients wait for their own day or for a place's, whatever their lane.

    They need no hours of an account for it; other jobs do not wait.
    """
    scene = windowed("")
    wall.set("2030-05-01T14:00", "UTC")
    own = scene.submit([FIRST, FRENCH, JAPANESE], lane=lane, window="09:00-20:00")
    paris = scene.submit([FIRST + 1, FRENCH + 1, JAPANESE + 1], lane=lane, window="16:30-20:00 Europe/Paris")
    scene.submit([FIRST + 2], lane=lane)
    scene.run()
    assert set(scene.texts()) == {FRENCH, FIRST + 2}
    assert held_until_s(scene, lane) == {
        "gJP@09:00-20:00": pytest.approx(10 * HOUR_S, abs=2),
        "m@09:00-20:00": pytest.approx(11 * HOUR_S, abs=2),
        "m@16:30-20:00@Europe/Paris": pytest.approx(HOUR_S / 2, abs=2),
        "g@16:30-20:00@Europe/Paris": pytest.approx(HOUR_S / 2, abs=2),
    }
    pass_both(scene, wall, HOUR_S / 2 + 1)
    assert scene.counts(paris) == {"total": 3, "accepted": 3}
    pass_both(scene, wall, 10.5 * HOUR_S)
    assert scene.counts(own) == {"total": 3, "accepted": 3}
    assert set(scene.texts().values()) == {1}


def test_a_jobs_window_and_its_accounts_hold_together(windowed: Windowed, wall: Wall) -> None:
    """Only what is in both goes out."""
    scene = windowed("08:00-10:00")
    wall.set("2030-05-01T08:30", "Asia/Shanghai")
    scene.submit([FIRST], window="09:00-20:00")
    scene.run()
    assert held_until_s(scene) == {"m@09:00-20:00": pytest.approx(HOUR_S / 2, abs=2)}
    wall.set("2030-05-01T10:00", "Asia/Shanghai")
    let_pass(scene, HOUR_S / 2 + 3)
    assert held_until_s(scene) == {"m@09:00-20:00": pytest.approx(23 * HOUR_S, abs=2)}
    pass_both(scene, wall, 23 * HOUR_S + 3)
    assert set(scene.texts()) == {FIRST}


def test_a_window_stays_with_its_recipients(windowed: Windowed, wall: Wall) -> None:
    """A retry, and what a person requeues, wait for the job's hours like the first try."""
    scene = windowed("")
    wall.set("2030-05-01T19:59:59", "Asia/Shanghai")

    def fail_and_close(provider: FakeProvider, call: Call) -> Answer:
        wall.now_s += 1
        return never_left()(provider, call)

    scene.provider.script += [fail_and_close, refuse_items("FailedOperation.TemplateIncorrectOrUnapproved")]
    job = scene.submit([FIRST], window="09:00-20:00")
    scene.run()
    pass_both(scene, wall, HOUR_S)
    assert len(scene.provider.calls) == 1
    pass_both(scene, wall, 12 * HOUR_S)
    assert len(scene.provider.calls) == 2
    scene.ask.requeue(job=job)
    wall.set("2030-05-02T21:00", "Asia/Shanghai")
    scene.run()
    assert len(scene.provider.calls) == 2
    pass_both(scene, wall, 12 * HOUR_S + 1)
    assert scene.counts(job) == {"total": 1, "accepted": 1}


@pytest.mark.parametrize("refusal", [refuse_items(TOO_LATE), refuse(TOO_LATE)])
def test_the_providers_own_night_holds_the_batch_queue(scene: Scene, refusal: Script) -> None:
    """Without a window of ours the provider refuses.

    The line waits for its morning, 08:00 in Beijing, and no try is used up.
    """
    scene.provider.script.append(refusal)
    job = scene.submit(some_numbers(200))
    scene.run()
    assert len(scene.provider.calls) == 1
    assert scene.counts(job) == {"total": 200, "waiting": 200}
    wait_s = held_until_s(scene)["m"]
    opens = datetime.fromtimestamp(scene.engine.now_ms() / 1000 + wait_s, BEIJING)
    assert opens.strftime("%H:%M") in {"08:00", "08:01"}
    assert wait_s <= 24 * HOUR_S + 61
    let_pass(scene, wait_s + 2)
    assert scene.counts(job) == {"total": 200, "accepted": 200}
    assert {row["attempts"] for row in scene.results(job)} == {1}
    assert set(scene.texts().values()) == {1}


def test_what_comes_to_a_held_batch_queue_makes_no_further_call(scene: Scene) -> None:
    """Blocks of a paced job, jobs with the same content, and a resumed job wait with it.

    Each would only be refused as well.
    """
    scene.provider.usual = refuse_items(TOO_LATE)
    paced = scene.submit(some_numbers(100), pace=20)
    scene.run()
    for _ in range(4):
        let_pass(scene, 1)
    scene.submit(some_numbers(10, FIRST + 500))
    scene.ask.pause(paced)
    let_pass(scene, 1)
    scene.ask.resume(paced)
    let_pass(scene, 60)
    assert len(scene.provider.calls) == 1


def test_another_template_is_not_held(scene: Scene) -> None:
    """The provider's night is for its marketing templates; what it takes at any hour goes out."""
    scene.provider.script.append(refuse_items(TOO_LATE))
    scene.submit(some_numbers(200))
    scene.run()
    other = scene.submit(some_numbers(200, FIRST + 500), template="77")
    scene.run()
    assert scene.counts(other) == {"total": 200, "accepted": 200}
