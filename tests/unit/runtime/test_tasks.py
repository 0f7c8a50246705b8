"""Rules of what becomes of a message whose task fails."""

import logging
from types import SimpleNamespace
from typing import Any

import pytest
from celery.exceptions import Reject
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import OutOfMemoryError

import tasks
from smsline.errors import OtherVersion
from smsline.ledger import inbox
from worker.app import SmslineApp
from worker.intake import submit
from worker.runtime.tasks import PAUSE_S
from worker.sending import loop


class Engine(SimpleNamespace):
    """An engine whose ledger fails."""

    def __init__(self, error: Exception | None) -> None:
        super().__init__(pauses=[], settings=SimpleNamespace(region_default=None), ledger=SimpleNamespace(run=self.run))
        self.error = error

    def run(self, *_: object) -> None:
        """Fail, if this is the time for it."""
        if self.error:
            raise self.error

    def sleep(self, seconds: float) -> None:
        """Note the pause."""
        self.pauses.append(seconds)


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    made = Engine(None)
    monkeypatch.setattr(SmslineApp, "engine", property(lambda _app: made))
    return made


PAYLOAD: dict[str, Any] = {"v": 1, "template": "1", "to": ["+8613800100000"]}


@pytest.mark.parametrize(
    "error",
    [
        RedisConnectionError("Connection refused"),
        OutOfMemoryError("command not allowed"),
        OtherVersion("the ledger has layout 9, newer than this smsline's 3: upgrade this process"),
    ],
)
def test_a_job_goes_back_to_the_queue_while_redis_says_no(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """After a pause, because RabbitMQ delivers it again at once.

    Acknowledged, it would be lost with its job.
    """
    monkeypatch.setattr(submit, "_submit", lambda *_: (_ for _ in ()).throw(error))
    monkeypatch.setattr(inbox, "keep_refusal", lambda *_: pytest.fail("nothing is wrong with the message"))
    with pytest.raises(Reject) as caught:
        tasks.submit_job(PAYLOAD)

    assert caught.value.requeue
    assert engine.pauses == [PAUSE_S]


def test_a_wake_up_is_over_when_redis_says_no(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """What it was to do is still due in the ledger; a line of log has Redis' words and advice."""
    monkeypatch.setattr(loop, "work", lambda *_, **__: (_ for _ in ()).throw(OutOfMemoryError("command not allowed")))
    with caplog.at_level(logging.WARNING):
        tasks.send_lane("otp")

    assert engine.pauses == []
    assert "smsline.send cannot use Redis (OOM command not allowed: Redis has reached maxmemory" in caplog.text
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize("payload", [None, [], {"v": 1}, {**PAYLOAD, "v": "1"}])
def test_a_job_that_breaks_a_rule_is_kept_as_refused(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, payload: object
) -> None:
    """With its message's id, for a week; so is one whose reading breaks, and nothing it held."""
    kept: list[tuple[str, str]] = []
    monkeypatch.setattr(inbox, "keep_refusal", lambda _ledger, message, reason: kept.append((message, reason)))
    assert submit.submit_payload(engine, payload, "m1") is None  # type: ignore[arg-type]  # as far as it is needed
    engine.error = UnicodeEncodeError("utf-8", "771\ud800204", 3, 4, "surrogates not allowed")
    monkeypatch.setattr(submit, "_submit", lambda *_: engine.run())
    assert submit.submit_payload(engine, payload, "m2") is None  # type: ignore[arg-type]

    assert [message for message, _ in kept] == ["m1", "m2"]
    assert "771" not in kept[1][1]
