"""Redis goes away in the middle of the work: what was sent is written down when it is back."""

from collections.abc import Callable
from typing import Any

import pytest
from redis.exceptions import ConnectionError as RedisGone

from smsline.ledger import accounts, attempts, buckets
from smsline.ledger.link import Ledger
from tests.support.provider import refuse, refuse_items
from tests.support.scene import Scene
from tests.support.world import FIRST, some_numbers


def failing(real: Callable[..., Any], times: int) -> Callable[..., Any]:
    """The function, but the first calls find no Redis."""
    left = [times]

    def call(*args: Any, **kwargs: Any) -> Any:
        if left[0]:
            left[0] -= 1
            raise RedisGone("gone")
        return real(*args, **kwargs)

    return call


def test_an_outcome_is_written_again_and_again(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the only trace of what was sent."""
    pauses: list[float] = []
    scene.engine.pause = pauses.append
    job = scene.submit(some_numbers(3))
    monkeypatch.setattr(attempts, "record", failing(attempts.record, 5))
    scene.send_all()
    assert scene.counts(job) == {"total": 3, "accepted": 3}
    assert len(pauses) == 5
    assert pauses == sorted(pauses)


@pytest.mark.parametrize(("module", "name"), [(accounts, "note_error"), (buckets, "shut"), (accounts, "park")])
def test_what_an_outcome_means_for_the_account_does_not_keep_it_from_being_written(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, module: Any, name: str
) -> None:
    """A bucket that could not be closed costs a call; an outcome not written costs the truth."""
    job = scene.submit(some_numbers(3))
    codes = {
        "note_error": {FIRST: "InvalidParameterValue.IncorrectPhoneNumber"},
        "shut": {FIRST: "RequestLimitExceeded"},
    }
    answer = refuse_items(codes[name]) if name in codes else refuse("FailedOperation.InsufficientBalanceInSmsPackage")
    scene.provider.script.append(answer)
    monkeypatch.setattr(module, name, failing(getattr(module, name), 1))
    scene.send_all()
    assert scene.counts(job).get("sending", 0) == 0
    assert sum(scene.counts(job).values()) == 6


def test_no_call_is_made_without_redis(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bucket could not be asked, so nothing is sent; the lease's end gives the claim back."""
    job = scene.submit(some_numbers(3))
    scene.run()
    run = Ledger.run

    def gone(self: Ledger, name: str, *args: Any) -> Any:
        if name == "begin":
            raise RedisGone("gone")
        return run(self, name, *args)

    monkeypatch.setattr(Ledger, "run", gone)
    with pytest.raises(RedisGone):
        scene.later(1)
    assert not scene.provider.calls
    monkeypatch.undo()
    scene.later(61)
    scene.later(1)
    assert scene.counts(job) == {"total": 3, "accepted": 3}
    assert set(scene.texts().values()) == {1}
