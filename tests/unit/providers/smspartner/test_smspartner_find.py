"""A call whose answer was lost, at a provider that can be asked about the call.

What is found is not sent again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import fakeredis
import pytest

from config.settings import Settings
from smsline.ledger import accounts, jobs
from smsline.ledger.attempts import PollSchedule, read_attempt, record
from smsline.ledger.batch_queues import BatchQueue, StartedCall
from smsline.ledger.blocks import read_note
from smsline.ledger.call_results import EntryResults, RecipientResult
from smsline.ledger.link import Ledger
from smsline.states import State
from tests.support.world import World, some_numbers
from worker.engine import Engine
from worker.providers.base import (
    Answer,
    BatchRule,
    Broken,
    Call,
    FindProvider,
    FoundMessage,
    Receipt,
    ReceiptPage,
    Refused,
    Region,
)
from worker.receipts import resolve

MAIN = "main"
FIND = "bulk-status-by-tag"
CREDENTIALS = {"provider": "smspartner", "secret_key": "key", "texts": {"hello": "Hello {1}"}}
HOUR_S = 3600.0


@dataclass
class Finding:
    """A provider that can be asked about calls.

    `known` is what it took, `trouble` an answer in its place.
    """

    known: list[FoundMessage] = field(default_factory=list)
    trouble: Refused | Broken | None = None
    limits: Mapping[str, float] = field(default_factory=lambda: {FIND: 1e6})
    asked: list[tuple[str, list[int]]] = field(default_factory=list)
    ask_action: str = FIND
    find_action: str = FIND
    find_limit: int = 500

    def batch_rule(self, region: Region) -> BatchRule:  # noqa: ARG002
        """Not asked for here."""
        return BatchRule("bulk-send", 500)

    def send(self, call: Call) -> Answer:
        """Nothing is sent here."""
        raise NotImplementedError

    def ask(self, number: int, *, since_s: int, until_s: int) -> ReceiptPage | Refused | Broken:
        """No question is asked by number."""
        raise NotImplementedError

    def find(self, context: str, numbers: Sequence[int]) -> tuple[FoundMessage, ...] | Refused | Broken:
        """What is known of the numbers."""
        self.asked.append((context, list(numbers)))
        return self.trouble or tuple(found for found in self.known if found.number in numbers)

    def close(self) -> None:
        """Nothing is open."""

    def took(self, number: int, *, ok: bool | None = None, context: str = "") -> None:
        """From now on the number is listed; `ok` None while its message is on the way."""
        serial = f"t/{number}"
        receipt = None if ok is None else Receipt(number, serial, ok, "delivered", 1_790_000_000, context)
        self.known.append(FoundMessage(number, serial, receipt))


@dataclass
class Scene:
    """A ledger with one call in doubt."""

    ledger: Ledger
    provider: Finding
    engine: Engine
    world: World
    job: str = ""
    attempt: int = 0

    def lost(self, count: int = 3, *, accepted: int = 0) -> list[int]:
        """The numbers of a call of which only the first few were answered for."""
        numbers = some_numbers(count, 33612340000)
        self.job = self.world.job(numbers, lane=self.world.queue.lane)
        claim, begun = self.world.begin()
        assert isinstance(begun, StartedCall)
        (group,) = begun.groups
        marks = [
            RecipientResult(position, State.ACCEPTED, serial=f"m/{number}")
            if position < accepted
            else RecipientResult(position, State.UNSURE, "http.ReadTimeout")
            for position, number in zip(group.positions, group.numbers, strict=True)
        ]
        verdicts = [EntryResults(group.entry, marks)]
        assert (
            record(self.ledger, claim.attempt, claim.queue, verdicts, at_ms=begun.started_ms, polls=PollSchedule())
            is not None
        )
        self.attempt = claim.attempt
        return numbers

    @property
    def context(self) -> str:
        """What the call carried."""
        return self.engine.context(self.attempt)

    def look(self, after_s: float = 0.0) -> None:
        """The attempt has come due, so many seconds after the call."""
        key = self.ledger.keys.attempt(self.attempt)
        self.ledger.redis.hset(key, "unsure_ms", int(self.engine.now_ms() - after_s * 1000))
        self.ledger.redis.zadd(self.ledger.keys.unsure_due, {str(self.attempt): 1}, xx=True)
        resolve.look(self.engine, self.attempt)

    def due_in_s(self) -> float | None:
        """When the attempt is looked into again."""
        score = self.ledger.redis.zscore(self.ledger.keys.unsure_due, str(self.attempt))
        return None if score is None else (score - self.engine.now_ms()) / 1000

    def counts(self) -> dict[str, int]:
        """The job's counts that are not zero."""
        return self.world.counts(self.job)

    def serials(self) -> dict[int, str]:
        """The serial of every number that has one."""
        return {int(row["phone"][1:]): row["serial"] for row in jobs.results(self.ledger, self.job) if row["serial"]}


def make_scene(lane: str = "marketing") -> Scene:
    """An account whose provider can be asked about calls, on an empty ledger."""
    ledger = Ledger(fakeredis.FakeRedis(server=fakeredis.FakeServer()), "t")
    provider = Finding()
    made = Settings.model_validate({"accounts": {MAIN: CREDENTIALS}})
    line = BatchQueue(lane, MAIN, "hello", "g", "s", "h0")
    return Scene(ledger, provider, Engine(made, ledger, {MAIN: provider}), World(ledger, line))


@pytest.fixture
def scene() -> Scene:
    """A marketing account."""
    return make_scene()


def test_asked_once_for_the_call(scene: Scene) -> None:
    """One question about the call takes the place of one for each number."""
    numbers = scene.lost()

    scene.look()

    assert isinstance(scene.provider, FindProvider)
    assert scene.provider.asked == [(scene.context, numbers)]


def test_all_on_the_way(scene: Scene) -> None:
    """If the provider took every number, all are accepted at once and asked about from then on."""
    numbers = scene.lost()
    for number in numbers:
        scene.provider.took(number)

    scene.look()

    assert scene.counts() == {"total": 3, "accepted": 3}
    assert scene.serials() == {number: f"t/{number}" for number in numbers}
    assert scene.due_in_s() is None
    assert scene.ledger.redis.zcard(scene.ledger.keys.probe) == 1
    assert scene.ledger.redis.zcard(scene.ledger.keys.drain) == 1
    assert accounts.outstanding(scene.ledger, MAIN) == 3


def test_receipts_are_applied(scene: Scene) -> None:
    """A final word that is found ends its recipient; nothing is awaited any more."""
    for number in scene.lost(2):
        scene.provider.took(number, ok=True, context=scene.context)

    scene.look()

    assert scene.counts() == {"total": 2, "delivered": 2}
    assert accounts.outstanding(scene.ledger, MAIN) == 0
    attempt = read_attempt(scene.ledger, scene.attempt)
    assert attempt is not None
    assert attempt.state == "done"


def test_a_part_is_found(scene: Scene) -> None:
    """A number that is missing is doubted until the horizon.

    What was found waits with it, and is never sent again.
    """
    first, second, third = scene.lost()
    scene.provider.took(first)
    scene.provider.took(second, ok=False, context=scene.context)

    scene.look()

    assert scene.counts() == {"total": 3, "sending": 2, "undelivered": 1}
    due_s = scene.due_in_s()
    assert due_s is not None
    assert due_s > 1

    scene.look(after_s=HOUR_S + 1)

    assert scene.counts() == {"total": 3, "accepted": 1, "undelivered": 1, "unknown": 1}
    assert scene.serials()[first] == f"t/{first}"
    assert third not in scene.serials()


def test_otp_that_was_taken_is_not_sent_again() -> None:
    """An otp at its horizon goes out again only if the provider does not list it."""
    scene = make_scene("otp")
    first, _ = scene.lost(2)
    scene.provider.took(first)

    scene.look(after_s=11)

    assert scene.counts() == {"total": 2, "accepted": 1, "waiting": 1}


def test_serials_of_the_answer_stay(scene: Scene) -> None:
    """An answer that told of some numbers keeps its serials beside those that were found."""
    numbers = scene.lost(4, accepted=2)
    for number in numbers[2:]:
        scene.provider.took(number)

    scene.look()

    expected = {number: f"{'m' if place < 2 else 't'}/{number}" for place, number in enumerate(numbers)}
    assert scene.serials() == expected
    (block,) = jobs.blocks_of(scene.ledger, scene.job)
    held = scene.ledger.redis.hget(scene.ledger.keys.block(block), f"z{scene.attempt}")
    assert read_note(held)["r"] == "0-3"


@pytest.mark.parametrize(
    "trouble", [Refused("10", "", ""), Broken(maybe_sent=True, code="http.ReadTimeout", detail="")]
)
def test_trouble_decides_nothing(scene: Scene, trouble: Refused | Broken) -> None:
    """An unanswered question is asked again soon, past the horizon too, before one is given up."""
    scene.lost()
    scene.provider.trouble = trouble

    scene.look(after_s=HOUR_S + 1)

    assert scene.counts() == {"total": 3, "sending": 3}
    due_s = scene.due_in_s()
    assert due_s is not None
    assert 1 < due_s < 5.1

    scene.look(after_s=2 * HOUR_S + 1)

    assert scene.counts() == {"total": 3, "unknown": 3}


def test_limit_is_kept(scene: Scene) -> None:
    """Without a token nothing is asked, and nothing decided."""
    scene.provider.limits = {FIND: 0.001}
    scene.lost()
    scene.look()
    assert len(scene.provider.asked) == 1

    scene.look(after_s=HOUR_S + 1)

    assert len(scene.provider.asked) == 1
    assert scene.counts() == {"total": 3, "sending": 3}
