"""The index from a number to the blocks that hold it."""

from smsline.ledger import number_index
from smsline.ledger.link import Ledger
from smsline.ledger.number_index import RECORD_BYTES, place_of

FIRST = 8613700000000
MOBILE_FROM_ABROAD = 5491123456789
MOBILE_AT_HOME = 541123456789


def add(ledger: Ledger, blocks: dict[int, list[int]], keep_s: float = 60.0) -> None:
    """Add blocks as accepting does."""
    ledger.run(*number_index.adding(ledger, blocks, keep_s=keep_s))


def test_a_number_leads_to_its_blocks_newest_first(ledger: Ledger) -> None:
    """Each once, also when they were added twice."""
    add(ledger, {7: [FIRST, FIRST + 1], 8: [FIRST + 1]})
    add(ledger, {9: [FIRST]})
    add(ledger, {9: [FIRST]})

    assert number_index.blocks_of(ledger, FIRST) == [9, 7]
    assert number_index.blocks_of(ledger, FIRST + 1) == [8, 7]
    assert number_index.blocks_of(ledger, FIRST + 2) == []


def test_spellings_of_one_phone_share_their_records(ledger: Ledger) -> None:
    """Argentina's mobiles are one phone with the 9 and without it."""
    add(ledger, {7: [MOBILE_FROM_ABROAD]})
    assert number_index.blocks_of(ledger, MOBILE_AT_HOME) == [7]


def test_a_record_is_seven_bytes_and_few_blocks_are_named_in_vain(ledger: Ledger) -> None:
    """Of 50,000 numbers in 250 blocks, a strange one meets a block once in hundreds of looks."""
    add(ledger, {n: list(range(FIRST + n * 200, FIRST + n * 200 + 200)) for n in range(1, 251)})

    day = int(ledger.redis.zrange(ledger.keys.number_days, 0, -1)[0])
    lists = [ledger.redis.lrange(f"{ledger.keys.numbers_of(day)}{shard}", 0, -1) for shard in range(256)]
    sizes = [sum(map(len, pieces)) for pieces in lists]
    strangers = [number_index.blocks_of(ledger, 4915100000000 + n) for n in range(300)]

    assert sum(sizes) == 50_000 * RECORD_BYTES
    assert min(sizes) > 0
    assert sum(map(len, strangers)) < 20


def test_records_end_with_the_job_that_is_kept_longest(ledger: Ledger) -> None:
    """A job that is kept shortly does not shorten the life of the others' records.

    A day that is over is listed no more.
    """
    add(ledger, {7: [FIRST]}, keep_s=1000)
    add(ledger, {8: [FIRST]}, keep_s=10)
    (day,) = ledger.redis.zrange(ledger.keys.number_days, 0, -1)
    shard, _ = place_of(FIRST)
    assert 990 <= ledger.redis.ttl(f"{ledger.keys.numbers_of(int(day))}{shard}") <= 1000

    ledger.redis.zadd(ledger.keys.number_days, {"1": 5})
    add(ledger, {9: [FIRST]}, keep_s=10)
    assert ledger.redis.zrange(ledger.keys.number_days, 0, -1) == [day]
