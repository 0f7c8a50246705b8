"""Receipts are decided outside the ledger and written at once.

Others may write in between, and what is counted adds up.
"""

import pytest
from redis.exceptions import ResponseError

from smsline.ledger import receipts, serials, statistics
from smsline.ledger.batch_queues import StartedCall
from smsline.ledger.link import Ledger
from smsline.ledger.serials import BlockReceipts
from smsline.receipt import Receipt
from smsline.states import State
from tests.support.world import FIRST, World, some_numbers

AT_S = 1_790_000_000


@pytest.fixture
def world(ledger: Ledger) -> World:
    """An empty ledger and its helpers."""
    return World(ledger)


def accepted(world: World, numbers: list[int]) -> tuple[str, list[BlockReceipts]]:
    """A job whose numbers were accepted, and a receipt for each; every third one failed."""
    job = world.job(numbers)
    claim, begun = world.begin()
    assert isinstance(begun, StartedCall)
    world.record(claim, begun, State.ACCEPTED)
    told = [
        Receipt(number, f"s:{number}", bool(n % 3), "ok" if n % 3 else "no", AT_S) for n, number in enumerate(numbers)
    ]
    return job, serials.find(world.ledger, "main", told, today=begun.started_ms // 86_400_000).matched


def meanwhile(ledger: Ledger, matched: BlockReceipts, times: int) -> None:
    """Before so many of the next writes another process applies a receipt of the block."""
    run, left = ledger.run, list(range(times))

    def other_first(name: str, *call: object) -> object:
        if name == "receipts" and left:
            nth = left.pop()
            ledger.run = run  # type: ignore[method-assign]
            one = matched._replace(positions=matched.positions[nth : nth + 1], receipts=matched.receipts[nth : nth + 1])
            receipts.apply(ledger, "main", [one], now_s=AT_S)
            ledger.run = other_first  # type: ignore[method-assign,assignment]
        return run(name, *call)  # type: ignore[arg-type]

    ledger.run = other_first  # type: ignore[method-assign,assignment]


@pytest.mark.parametrize("times", [1, 5])
def test_a_block_that_another_writes_to_is_read_again(world: World, times: int) -> None:
    """Each receipt counts once, and none is lost, also when that happens again and again."""
    job, (matched,) = accepted(world, some_numbers(9))
    meanwhile(world.ledger, matched, times)
    done = receipts.apply(world.ledger, "main", [matched], now_s=AT_S)
    assert (done.applied, done.late) == (9 - times, times)
    assert world.counts(job) == {"total": 9, "delivered": 6, "undelivered": 3}
    assert statistics.totals(world.ledger)["k|main|receipt|ok"] == 6


def test_a_block_that_never_stands_still_is_an_error(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page stays stored, and is applied later."""
    job, (matched,) = accepted(world, some_numbers(9))
    monkeypatch.setattr(receipts, "TOGETHER", 2)
    monkeypatch.setattr(receipts, "ALONE", 2)
    meanwhile(world.ledger, matched, 9)
    with pytest.raises(ResponseError, match="changes"):
        receipts.apply(world.ledger, "main", [matched], now_s=AT_S)
    del world.ledger.run  # the others come to rest
    assert world.counts(job)["accepted"] == 5


def test_what_a_page_adds_to_the_statistics_adds_up(world: World) -> None:
    """States by lane, template and country, codes, dead letters: each recipient once.

    This holds whatever shares its block.
    """
    numbers = sorted([*some_numbers(4), 33612345678, 33612345679])
    _, (matched,) = accepted(world, numbers)
    world.ledger.redis.hset(world.ledger.keys.block(matched.block), "co", "FRFRCNCNCNCN")
    strangers = matched._replace(positions=[0, 200], receipts=[Receipt(FIRST + 77, "s", True, "ok", AT_S)] * 2)
    done = receipts.apply(world.ledger, "main", [matched, strangers, matched], now_s=AT_S, spent=2)
    assert (done.applied, done.late, done.strangers) == (6, 8, 2)
    told = statistics.totals(world.ledger)
    by_state = {field: by for field, by in told.items() if field.endswith("delivered")}
    assert {
        kind: sum(by for field, by in by_state.items() if field.startswith(kind)) for kind in "rtc"
    } == dict.fromkeys("rtc", 6)
    assert sum(by for field, by in by_state.items() if field.startswith("c|main|FR|")) == 2
    assert (told["k|main|receipt|ok"], told["k|main|receipt|no"]) == (4, 2)
