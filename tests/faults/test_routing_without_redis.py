"""Redis breaks at the very moment at which a recipient's next account is looked up.

The provider has answered, and that is kept.
"""

import pytest
from redis.exceptions import ConnectionError as RedisGone

from smsline.ledger import breaker
from smsline.ledger.link import Ledger
from tests.support.provider import FakeProvider, refuse_items
from tests.support.scene import make_scene
from tests.support.world import FIRST, some_numbers

REGION = "UnsupportedOperation.UnsupportedRegion"


def test_a_known_answer_is_written_although_the_next_account_cannot_be_looked_up(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who was taken is accepted, who was refused moves on to simply the next account.

    No recipient is in doubt or texted twice.
    """
    scene = make_scene(ledger, {"first": FakeProvider(), "second": FakeProvider(), "third": FakeProvider()})
    answer = refuse_items({FIRST: REGION})

    def answered(provider: FakeProvider, call: object) -> object:
        """From the answer on, breakers and parks cannot be read."""

        def gone(*_: object) -> None:
            raise RedisGone("gone")

        scene.engine.router.breakers.forget()
        monkeypatch.setattr(breaker, "read", gone)
        return answer(provider, call)  # type: ignore[arg-type]

    scene.provider_of("first").script.append(answered)  # type: ignore[arg-type]
    job = scene.submit(some_numbers(3))
    scene.run()
    scene.advance(2)
    scene.send_some("marketing")
    assert scene.counts(job) == {"total": 3, "waiting": 1, "accepted": 2}
    monkeypatch.undo()
    scene.later(2)
    assert scene.counts(job) == {"total": 3, "accepted": 3}
    assert scene.texts() == dict.fromkeys(some_numbers(3), 1)
    assert [call.numbers for call in scene.provider_of("second").calls] == [[FIRST]]
