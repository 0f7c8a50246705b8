"""What a one-time password leaves behind in Redis: nothing, as soon as it is of no use."""

from collections.abc import Callable
from typing import Any

import pytest

from smsline.job import Recipient
from smsline.ledger.link import Ledger
from smsline.parts import Tally, parts
from tests.support.provider import lost, never_left, refuse
from tests.support.scene import Scene
from tests.support.world import FIRST

CODE = "551177"
READ: dict[str, Callable[[Any, bytes], object]] = {
    "hash": lambda client, key: client.hgetall(key),
    "zset": lambda client, key: client.zrange(key, 0, -1),
    "set": lambda client, key: client.smembers(key),
    "list": lambda client, key: client.lrange(key, 0, -1),
    "string": lambda client, key: client.get(key),
}


def places_of(ledger: Ledger, secret: str) -> list[str]:
    """Every key of Redis with the secret in its name or its value."""
    found = []
    for key in ledger.redis.scan_iter():
        kind = ledger.redis.type(key).decode()
        if secret in f"{key!r} {READ[kind](ledger.redis, key)!r}":
            found.append(f"{key.decode()} ({kind})")
    return found


def test_the_search_finds_what_is_there(scene: Scene) -> None:
    """While it waits, the code is kept: in the inbox, and in the block."""
    scene.ask.pause(scene.otp(FIRST, CODE))
    assert places_of(scene.ledger, CODE)
    scene.run()
    assert places_of(scene.ledger, CODE)


def test_a_code_is_erased_when_its_receipt_has_come(scene: Scene) -> None:
    """Until then another try may need it, at most to the end of its ttl."""
    scene.otp(FIRST, CODE)
    scene.run()
    assert places_of(scene.ledger, CODE)
    scene.apply(scene.provider.deliver())
    assert not places_of(scene.ledger, CODE)
    scene.otp(FIRST, CODE, ttl_s=60)
    scene.run()
    scene.later(61)
    assert not places_of(scene.ledger, CODE)


def test_codes_of_a_campaign_are_erased_number_by_number(scene: Scene) -> None:
    """Numbers with their own codes share a block; the last one whose receipt comes erases it."""
    rows = [Recipient(f"+{FIRST + n}", (f"{CODE}{n}",)) for n in range(3)]
    (part,) = parts(rows, Tally())
    scene.submit(part.numbers, own_params=part.params, lane="otp", template="1234")
    scene.run()
    scene.later(1)
    assert len(scene.provider.out) == 3
    scene.apply(scene.provider.deliver())
    assert not places_of(scene.ledger, CODE)


def test_a_code_that_expired_in_the_inbox_is_erased(scene: Scene) -> None:
    """The row stays, for the results; its params do not."""
    job = scene.submit([FIRST], own_params=[[CODE]], refs=["mine"], parts=None, lane="otp", ttl_s=60)
    scene.later(61)
    assert not places_of(scene.ledger, CODE)
    assert [(row["ref"], row["state"]) for row in scene.results(job)] == [("mine", "expired")]


def test_a_code_that_expired_while_it_waited_is_erased(scene: Scene) -> None:
    """In a line, and set aside by a pause."""
    scene.ask.pause(scene.otp(FIRST, CODE, ttl_s=60))
    scene.provider.usual = refuse("FailedOperation.InsufficientBalanceInSmsPackage")
    scene.otp(FIRST + 1, CODE, ttl_s=60)
    scene.run()
    scene.later(61)
    assert not places_of(scene.ledger, CODE)


def test_a_code_that_is_ended_at_the_last_look_is_erased(scene: Scene) -> None:
    """It was in a claim when its job was cancelled."""
    job = scene.otp(FIRST, CODE)
    scene.provider.script.append(never_left())
    # Not `run`: the pause before the next try is drawn, and may be over while a
    # busy machine still works.
    while scene.provider.script:
        assert scene.tick()
    scene.ask.cancel(job)
    scene.ledger.redis.delete(scene.ledger.keys.expire)
    scene.later(2)
    assert scene.counts(job) == {"total": 1, "cancelled": 1}
    assert not places_of(scene.ledger, CODE)


@pytest.mark.parametrize("trouble", ["dead", "unsure", "retry"])
def test_a_code_is_kept_for_a_requeue_and_erased_at_its_deadline(scene: Scene, trouble: str) -> None:
    """Dead, lost, or waiting for its next try when the time is over."""
    scripts = {"dead": refuse("FailedOperation.ContainSensitiveWord"), "unsure": lost(), "retry": never_left()}
    scene.provider.usual = scripts[trouble]
    scene.otp(FIRST, CODE, ttl_s=100)
    scene.run()
    assert places_of(scene.ledger, CODE)
    scene.later(101)
    scene.later(61)
    assert not places_of(scene.ledger, CODE)


def test_the_job_keeps_no_copy_of_its_own(scene: Scene) -> None:
    """An incomplete job that is given up erases its params too."""
    job = scene.submit([FIRST], parts=None, stream=True, lane="otp", params=[CODE])
    scene.run()
    assert scene.counts(job) == {"total": 1, "accepted": 1}
    assert places_of(scene.ledger, CODE)
    scene.ask.cancel(job)
    scene.run()
    assert not places_of(scene.ledger, CODE)
