"""Receipts: applied to their recipients, page by page; and when the silent ones are asked about."""

import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from dataclasses import fields as dataclass_fields
from typing import Final

from redis.exceptions import ResponseError

from smsline import numbers as phone_numbers
from smsline.ledger import serials
from smsline.ledger.batch_queues import BatchQueue, parse_queue
from smsline.ledger.codes import CodeUse
from smsline.ledger.link import Ledger, ScriptCall, Value
from smsline.ledger.serials import BlockReceipts
from smsline.ledger.settling import READ, SettlingBlock
from smsline.receipt import Receipt

JOINED_SLACK_MS: Final = 1_000

# So often a page is tried as a whole, while others write to its blocks; then block by block, where
# one that is written to all the time keeps no other from its end.
TOGETHER: Final = 3
ALONE: Final = 50


@dataclass(frozen=True, slots=True)
class ApplyCounts:
    """How many receipts were applied, came too late, or named a number that is not there.

    `again` are those of the applied after which the recipient is tried again.
    """

    applied: int = 0
    late: int = 0
    strangers: int = 0
    again: int = 0


def queues_of(ledger: Ledger, blocks: Sequence[int]) -> dict[int, BatchQueue]:
    """The batch queue each block that exists was accepted into."""
    found = ledger.run("hget_each", [ledger.keys.block(block) for block in blocks], ["queue"]) if blocks else []
    return {block: parse_queue(text.decode()) for block, text in zip(blocks, found, strict=True) if text}


def numbers_at(ledger: Ledger, places: Sequence[tuple[int, int]]) -> set[int]:
    """The numbers of recipients, by block and position."""
    blocks = sorted({block for block, _ in places})
    found = ledger.run("hget_each", [ledger.keys.block(block) for block in blocks], ["n"]) if blocks else []
    held = {block: phone_numbers.unpack(packed) for block, packed in zip(blocks, found, strict=True)}
    # A block that is gone with its job has no numbers any more.
    return {held[block][position] for block, position in places if position < len(held[block])}


def jobs_of(ledger: Ledger, blocks: Sequence[int]) -> dict[int, str]:
    """The job of each block that exists."""
    jobs = ledger.run("hget_each", [ledger.keys.block(block) for block in blocks], ["job"]) if blocks else []
    return {block: job.decode() for block, job in zip(blocks, jobs, strict=True) if job}


def specs_of(ledger: Ledger, jobs: Sequence[str]) -> list[bytes | None]:
    """The text of each job as it was handed over.

    None for one that is gone, or closed and small.
    """
    return list(ledger.run("hget_each", [ledger.keys.job(job) for job in jobs], ["spec"])) if jobs else []


def apply(ledger: Ledger, account: str, matched: Sequence[BlockReceipts], *, now_s: int, spent: int = 0) -> ApplyCounts:
    """Move matched recipients to their final state; one that is final already is counted as late.

    Args:
        ledger: Where.
        account: Whose receipts.
        matched: Receipts with their recipients.
        now_s: The present, epoch seconds.
        spent: Receipts of serials that have had one; late, too.

    Raises:
        redis.exceptions.RedisError: Redis cannot be reached; doing it again does no harm.
    """
    noted = [each for each in matched if each.noted]
    if noted:
        day = serials.note(ledger, account, noted)
        matched = [each._replace(day=day) if each.noted else each for each in matched]
    by_block: defaultdict[int, list[BlockReceipts]] = defaultdict(list)
    for each in matched:
        by_block[each.block].append(each)
    if spent:
        ledger.redis.hincrby(ledger.keys.account(account), "late", spent)
    done = _applied(ledger, account, by_block, now_s=now_s)
    return replace(done, late=done.late + spent)


def give_up(ledger: Ledger, account: str, block: int, silent: Sequence[tuple[int, int]], *, now_s: int) -> ApplyCounts:
    """End accepted recipients of a block as unknown, as no receipt came in time.

    `silent` are positions and numbers.
    """
    # As receipts of our own, so that they are decided and written as any others.
    never = [Receipt(number, "", ok=False, code="receipt.Deadline", received_at_s=now_s) for _, number in silent]
    told = BlockReceipts(block, [position for position, _ in silent], never)
    return _applied(ledger, account, {block: [told]}, now_s=now_s, given_up=True)


def _applied(
    ledger: Ledger,
    account: str,
    by_block: Mapping[int, Sequence[BlockReceipts]],
    *,
    now_s: int,
    given_up: bool = False,
) -> ApplyCounts:
    """Apply all together; where others write to these blocks all the time, block by block."""
    page = _Page(ledger, account, now_s, given_up)
    for _ in range(TOGETHER):
        if (done := page.apply(by_block)) is not None:
            return done
    total = ApplyCounts()
    for block, told in by_block.items():
        tries = (page.apply({block: told}) for _ in range(ALONE))
        done = next((counts for counts in tries if counts is not None), None)
        if done is None:
            raise ResponseError(f"block {block} changes while receipts are applied to it")
        total = ApplyCounts(*(sum(both) for both in zip(astuple(total), astuple(done), strict=True)))
    return total


@dataclass(frozen=True, slots=True)
class _Page:
    """What all receipts of a page have in common."""

    ledger: Ledger
    account: str
    now_s: int
    given_up: bool

    def apply(self, by_block: Mapping[int, Sequence[BlockReceipts]]) -> ApplyCounts | None:
        """Read the blocks, decide, and write all or nothing.

        None when one of them was changed by another meanwhile.
        """
        if not by_block:
            return ApplyCounts()
        keys = self.ledger.keys
        read = self.ledger.run("hmget_each", [keys.block(block) for block in by_block], READ)
        settled = list[SettlingBlock]()

        def call(used: CodeUse) -> ScriptCall:
            """Decided anew each time: columns hold numbers of codes, which may have changed."""
            settled.clear()
            for (block, told), fields in zip(by_block.items(), read, strict=True):
                if fields[0] is None:
                    continue  # it was removed with its job
                settled.append(SettlingBlock(block, self.account, fields, given_up=self.given_up))
                for each in told:
                    settled[-1].take(used, each, keys.index_of(self.account, each.day), now_s=self.now_s)
            return self._written(used, settled)

        answer = self.ledger.run_with_codes(call)
        if answer[0] == b"refused":
            return self.apply(_without_tries(by_block, answer[1:]))
        if answer[0] == b"changed":
            return None
        return ApplyCounts(
            *(sum(getattr(one, count.name) for one in settled) for count in dataclass_fields(ApplyCounts))
        )

    def _written(self, used: CodeUse, settled: Sequence[SettlingBlock]) -> ScriptCall:
        """The call that writes what became of the blocks."""
        keys, changed = self.ledger.keys, [one for one in settled if one.applied]
        grown, dead, deltas = Counter[str](), Counter[str](), defaultdict[str, Counter[str]](Counter)
        for one in changed:
            one.count(used, grown, dead, deltas[one.job])
        nth = {job: place for place, job in enumerate(deltas, 1)}
        key_list = [*keys.book, keys.account(self.account), keys.dead, keys.names, keys.later, keys.probe]
        key_list += [*(keys.block(one.block) for one in changed), *map(keys.job, deltas)]
        columns, shards = list[Value](), list[str]()
        for one in changed:
            extras, text = one.extras(), ""
            if extras:
                spent = [(len(shards) + place, field) for place, (_, field) in enumerate(extras.spent, 1)]
                shards += [shard for shard, _ in extras.spent]
                text = json.dumps({**extras._asdict(), "spent": spent})
            columns += [one.block, one.job, nth[one.job], *one.before, *one.after(), text]
        counts: list[Value] = [sum(one.applied for one in changed), sum(one.late for one in settled)]
        told = [used.lines(), _lines(grown), _lines(dead), *counts]
        moves = [" ".join(f"{name}={by}" for name, by in each.items()) for each in deltas.values()]
        return "receipts", key_list + shards, [self.account, len(changed), len(nth), *told, *columns, *moves]


def _lines(counted: Mapping[str, int]) -> str:
    return "\n".join(f"{by} {field}" for field, by in counted.items())


def _without_tries(
    by_block: Mapping[int, Sequence[BlockReceipts]], refused: Sequence[bytes]
) -> dict[int, list[BlockReceipts]]:
    """The receipts without the further tries that would come too late.

    `refused` are blocks, and after how many ms.
    """
    left_ms = {int(block): float(left) for block, left in (text.split() for text in refused)}
    return {
        block: [
            each._replace(
                again={
                    nth: again
                    for nth, again in each.again.items()
                    if block not in left_ms or round(again.delay_ms) < left_ms[block]
                }
            )
            for each in told
        ]
        for block, told in by_block.items()
    }


def bring_forward(
    ledger: Ledger, account: str, *, now_ms: int, probe_ms: float, first_ms: Mapping[str, float]
) -> float | None:
    """Make blocks that joined the probe's schedule due at their lane's first poll.

    They are those that joined it since this was last done.

    Args:
        ledger: Where.
        account: Whose blocks.
        now_ms: The present.
        probe_ms: From recording to the first probe, which is where a block's time was set.
        first_ms: From recording to the first poll, by lane.

    Returns:
        The earliest of the new times, epoch ms; None when no block has joined.
    """
    keys, noted = ledger.keys, ledger.keys.account(account)
    # Each further acceptance in a block moves it a millisecond ahead, perhaps before the
    # time of the last look.
    since_ms = int(ledger.redis.hget(noted, "forward_ms") or 0) - JOINED_SLACK_MS
    found = ledger.redis.zrangebyscore(keys.probe, since_ms + probe_ms, now_ms + probe_ms, withscores=True)
    joined = {member: score - probe_ms for member, score in found if member.startswith(f"{account} ".encode())}
    blocks = [keys.block(member.decode().split(" ")[1]) for member in joined]
    queues = ledger.run("hget_each", blocks, ["queue"]) if blocks else []
    due_ms = {
        member: at_ms + first_ms[parse_queue(queue.decode()).lane]
        for (member, at_ms), queue in zip(joined.items(), queues, strict=True)
        if queue
    }
    if due_ms:
        ledger.redis.zadd(keys.probe, due_ms, xx=True, lt=True)
    ledger.redis.hset(noted, "forward_ms", now_ms)
    return min(due_ms.values(), default=None)
