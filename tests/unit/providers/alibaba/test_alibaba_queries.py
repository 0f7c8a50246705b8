"""Receipts of a provider without a queue.

Its accepted recipients are asked about until each has its final word.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import fakeredis
import pytest

from config.settings import Settings
from smsline.ledger import accounts, buckets, jobs
from smsline.ledger.batch_queues import StartedCall
from smsline.ledger.link import Ledger
from smsline.states import State
from tests.support.clock import advance, standing_still
from tests.support.world import World, some_numbers
from tests.unit.providers.answering import QUERY, Answering
from worker.engine import Engine
from worker.providers.base import Broken, Provider, QueryProvider, QueueProvider, Receipt, Refused
from worker.receipts import apply, drain, poll

MAIN = "main"
CREDENTIALS = {"provider": "tencent", "secret_id": "id", "secret_key": "key", "sdk_app_id": "1400"}
MINUTE_MS = 60_000.0


@dataclass
class Scene:
    """A ledger with accepted recipients, and the hands that ask about them."""

    ledger: Ledger
    provider: Answering
    engine: Engine
    world: World

    def accepted(self, count: int = 3) -> list[int]:
        """So many recipients of a new job, accepted in one call."""
        numbers = some_numbers(count)
        self.job = self.world.job(numbers)
        claim, begun = self.world.begin()
        assert isinstance(begun, StartedCall)
        assert self.world.record(claim, begun, State.ACCEPTED) is not None
        return numbers

    def schedule(self) -> dict[str, float]:
        """The blocks in the probe's schedule, and in how many ms each is due."""
        now_ms = self.engine.now_ms()
        held = self.ledger.redis.zrange(self.ledger.keys.probe, 0, -1, withscores=True)
        return {member.decode(): score - now_ms for member, score in held}

    def make_due(self, key: str) -> list[str]:
        """Everything in a due set is due now."""
        members = [member.decode() for member in self.ledger.redis.zrange(key, 0, -1)]
        self.ledger.redis.zadd(key, dict.fromkeys(members, 1))
        return members

    def drain(self) -> None:
        """The account's drain has come due."""
        assert MAIN in self.make_due(self.ledger.keys.drain)
        assert drain.drain(self.engine, MAIN) == 0

    def look(self, seconds: float = 5.0) -> None:
        """Every block has come due."""
        for member in self.make_due(self.ledger.keys.probe):
            poll.poll_block(self.engine, member, seconds)

    def counts(self) -> dict[str, int]:
        """The job's counts that are not zero."""
        return self.world.counts(self.job)


@pytest.fixture
def ledger() -> Iterator[Ledger]:
    """An empty ledger without a server."""
    made = Ledger(fakeredis.FakeRedis(server=fakeredis.FakeServer()), "t")
    with standing_still(made):
        yield made


@pytest.fixture
def scene(ledger: Ledger) -> Scene:
    """An account whose provider has no queue, on an empty ledger."""
    return make_scene(ledger)


def make_scene(ledger: Ledger, provider: Answering | None = None, **settings: object) -> Scene:
    """The same with another provider or other settings."""
    found = provider or Answering()
    made = Settings.model_validate({"accounts": {MAIN: CREDENTIALS}, **settings})
    return Scene(ledger, found, Engine(made, ledger, {MAIN: found}), World(ledger))


def test_the_kinds_of_provider_are_told_apart() -> None:
    """By what they can do: a queue is pulled, a provider without one is queried."""
    provider: Provider = Answering()

    assert isinstance(provider, QueryProvider)
    assert not isinstance(provider, QueueProvider)


def test_drain_makes_new_blocks_due_soon(scene: Scene) -> None:
    """What was accepted is asked about at its lane's first poll, before the first probe is due."""
    scene.accepted()
    ((member, before_ms),) = scene.schedule().items()

    scene.drain()

    assert 9 * MINUTE_MS < before_ms <= 10 * MINUTE_MS
    assert 3_000 < scene.schedule()[member] <= 5_000
    assert scene.ledger.redis.zcard(scene.ledger.keys.drain) == 0


def test_drain_moves_a_block_once(scene: Scene) -> None:
    """A block that had its first look keeps the time of its next, whatever is sent meanwhile."""
    scene.accepted()
    scene.drain()
    ((member, _),) = scene.schedule().items()
    scene.ledger.redis.zadd(scene.ledger.keys.probe, {member: scene.engine.now_ms() + 20 * MINUTE_MS})

    scene.ledger.redis.zadd(scene.ledger.keys.drain, {MAIN: 1})
    scene.drain()

    assert scene.schedule()[member] > 19 * MINUTE_MS


def test_drain_finds_a_block_that_moved(scene: Scene) -> None:
    """Each further acceptance moves a block a little ahead, perhaps before the last drain.

    It is found all the same.
    """
    scene.accepted()
    noted = scene.ledger.keys.account(MAIN)
    scene.ledger.redis.hset(noted, "forward_ms", scene.engine.now_ms() + 500)

    scene.drain()

    assert max(scene.schedule().values()) <= 5_000


def test_drain_leaves_other_accounts_alone(scene: Scene) -> None:
    """The blocks of an account whose receipts are queued stay where their first probe is."""
    scene.accepted()
    ((member, at_ms),) = scene.schedule().items()
    other = member.replace(MAIN, "main2")
    scene.ledger.redis.zadd(scene.ledger.keys.probe, {other: scene.engine.now_ms() + at_ms})

    scene.drain()

    assert scene.schedule()[member] <= 5_000
    assert scene.schedule()[other] > 9 * MINUTE_MS


def test_every_silent_message_is_asked_about(scene: Scene) -> None:
    """With serial, number and the time it was accepted at; what is known of it is applied."""
    first, second, third = scene.accepted()
    scene.provider.tells(first)
    scene.provider.tells(second, ok=False, code="INVALID_NUM")

    scene.look()

    assert sorted(scene.provider.numbers) == [first, second, third]
    ((asked,), *_) = scene.provider.asked
    assert asked.serial == f"s:{asked.number}"
    assert abs(asked.accepted_s - scene.engine.now_ms() / 1000) < 5
    assert scene.counts() == {"total": 3, "delivered": 1, "undelivered": 1, "accepted": 1}
    rows = {row["phone"]: row for row in jobs.results(scene.ledger, scene.job)}
    assert rows[f"+{second}"]["code"] == "INVALID_NUM"


def test_only_the_silent_are_asked_again(scene: Scene) -> None:
    """A block is scheduled while a recipient in it is silent, and not after the last receipt."""
    first, second, third = scene.accepted()
    scene.provider.tells(first)
    scene.provider.tells(second)
    scene.look()
    scene.provider.asked.clear()
    scene.provider.tells(third)

    scene.look()

    assert scene.provider.numbers == [third]
    assert scene.counts() == {"total": 3, "delivered": 3}
    assert scene.schedule() == {}
    assert accounts.outstanding(scene.ledger, MAIN) == 0


@pytest.mark.parametrize(
    ("ages_ms", "again_ms"),
    [
        ([0], 1_000),
        ([5_000], 5_000),
        ([5_000, 80_000], 5_000),
        ([80_000], 80_000),
        ([5 * 3_600_000], 3_600_000),
        ([259_200_000 - 90_000], 90_000),
        ([5_000, 259_200_000 - 2_000], 2_000),
        ([259_200_000 + 1], 0),
    ],
)
def test_pace(ages_ms: list[float], again_ms: float) -> None:
    """Asked again after as long as the youngest has been silent, within a second and an hour.

    At the deadline at the latest.
    """
    assert poll.next_query_ms(ages_ms, 259_200_000) == again_ms


def test_silent_is_asked_again_later(scene: Scene) -> None:
    """A message still on its way keeps its block in the schedule, a little later than before."""
    scene.accepted(1)

    scene.look()

    ((_, again_ms),) = scene.schedule().items()
    assert 500 < again_ms <= 2_000
    assert scene.counts() == {"total": 1, "accepted": 1}


@pytest.mark.parametrize(("limit", "sizes"), [(1, [1] * 7), (3, [1, 3, 3]), (500, [7])])
def test_batches(ledger: Ledger, limit: int, sizes: list[int]) -> None:
    """A query holds as many messages as the provider takes, and each is asked about once."""
    scene = make_scene(ledger, Answering(limit=limit))
    numbers = scene.accepted(7)

    scene.look()

    assert sorted(map(len, scene.provider.asked)) == sizes
    assert sorted(scene.provider.numbers) == numbers


def test_receipts_are_matched_by_serial_and_number(scene: Scene) -> None:
    """A receipt for another number, or with another serial, belongs to no recipient."""
    first, second = scene.accepted(2)
    scene.provider.known[first] = Receipt(second, f"s:{first}", ok=True, code="", received_at_s=0, context="")
    scene.provider.known[second] = Receipt(second, "s:other", ok=True, code="", received_at_s=0, context="")

    scene.look()

    assert scene.counts() == {"total": 2, "accepted": 2}


THROTTLED = Refused("RequestLimitExceeded", "", "r")
UNREADABLE = Broken(maybe_sent=True, code="http.NotJson", detail="")


@pytest.mark.parametrize("trouble", [THROTTLED, UNREADABLE])
def test_trouble_holds_the_action(scene: Scene, trouble: Refused | Broken) -> None:
    """After a refusal the bucket is closed for a while; the block's rest waits, none is lost."""
    scene.accepted(50)
    scene.provider.trouble = trouble

    scene.look()

    assert 1 <= len(scene.provider.asked) <= 4
    limit = scene.engine.limit(MAIN, QUERY)
    assert buckets.take_token(scene.ledger, MAIN, QUERY, limit=limit) > 0
    assert 0 <= min(scene.schedule().values()) <= 5_000
    assert scene.counts() == {"total": 50, "accepted": 50}
    assert trouble.code in accounts.health(scene.ledger, MAIN, "tencent")["last_error"]


def test_a_message_that_cannot_be_asked_about_holds_up_nobody(scene: Scene) -> None:
    """What is refused for its own sake closes no bucket: all the others are asked about at once."""
    scene.accepted(50)
    scene.provider.trouble = Refused("InvalidParameterValue.IncorrectPhoneNumber", "", "r")

    scene.look()

    assert len(scene.provider.asked) == 50
    assert scene.counts() == {"total": 50, "accepted": 50}


def test_the_action_keeps_its_rate(ledger: Ledger) -> None:
    """A look asks no more often than the action allows.

    Who is left is due again at once, or when there is a token.
    """
    scene = make_scene(ledger, Answering(limits={QUERY: 0.5}))
    scene.accepted(3)

    scene.look()

    assert len(scene.provider.asked) == 1
    assert min(scene.schedule().values()) <= 2_500


def test_a_look_cut_short_goes_on_at_once(scene: Scene) -> None:
    """When time is up the block is due again at once: not every recipient was asked about."""
    scene.accepted(5)

    scene.look(seconds=0.0)

    assert scene.provider.asked == []
    assert min(scene.schedule().values()) <= 1


def test_accepted_during_a_look(scene: Scene) -> None:
    """One accepted in a block while its last silent one is asked about is asked about soon."""
    numbers = some_numbers(2)
    scene.job = scene.world.job(numbers)
    (first, second) = ((claim, begun) for claim, begun in (scene.world.begin(limit=1), scene.world.begin(limit=1)))
    assert isinstance(first[1], StartedCall)
    assert scene.world.record(first[0], first[1], State.ACCEPTED) is not None
    scene.provider.tells(numbers[0])
    scene.provider.meanwhile = lambda: scene.world.record(second[0], second[1], State.ACCEPTED)  # type: ignore[arg-type]

    scene.look()

    assert scene.counts() == {"total": 2, "delivered": 1, "accepted": 1}
    assert next(iter(scene.schedule().values())) <= 2_000


def test_the_deadline_ends_the_silence(ledger: Ledger) -> None:
    """Who is silent until the receipts' deadline ends as unknown, without another query."""
    scene = make_scene(ledger, receipt_deadline_s=0.000_001)
    scene.accepted(2)

    advance(ledger, 0.001)
    scene.look()

    assert scene.counts() == {"total": 2, "unknown": 2}
    assert scene.provider.asked == []
    assert scene.schedule() == {}


@pytest.mark.parametrize(
    ("ask", "kept"), [(lambda _: Answering(), 0), (lambda _: None, 1)], ids=["asked again", "given once"]
)
def test_what_can_be_asked_for_again_is_not_kept(
    ledger: Ledger, ask: Callable[[None], Answering | None], kept: int
) -> None:
    """A receipt that matches nothing is kept only where it is given once."""
    scene = make_scene(ledger)
    provider = ask(None)
    engine = Engine(scene.engine.settings, ledger, {MAIN: provider} if provider else {})
    stranger = Receipt(8613799998888, "", ok=True, code="DELIVERED", received_at_s=0, context="someone else's")

    apply.apply_receipts(engine, MAIN, [stranger])

    assert accounts.health(ledger, MAIN, "tencent")["orphans"] == kept
