"""Workers: accept, take, begin, record; die, stall and come back; find again what others left."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from smsline.ledger import attempts, batch_queues, due, steering
from smsline.ledger.attempts import PollSchedule
from smsline.ledger.batch_queues import Claim, NotStarted, StartedCall, parse_queue
from smsline.ledger.blocks import silent_of
from smsline.ledger.breaker import BreakerTerms, CallReport
from smsline.ledger.call_results import NO_DELAY, EntryResults, RecipientResult
from smsline.ledger.due import Lease
from smsline.ledger.failover import Move, fail_over
from smsline.ledger.runs import Entry, decode, encode
from smsline.names import LANES
from smsline.states import State
from tests.faults.support.actors.producers import Producers, spec_of
from tests.faults.support.actors.stage import ACCOUNTS, ORDER, Stage
from tests.faults.support.model import Spot, serial_of
from tests.faults.support.view import view
from tests.support.world import TERMS
from worker.intake import accept
from worker.maintenance import rescuer
from worker.receipts import apply
from worker.routing.routes import after
from worker.sending.failover import fail_over as move_on
from worker.sending.failover import moved_on

BREAKER: Final = BreakerTerms(row=2, first_ms=60_000)
"""Two calls in a row of which nothing is known hold their account."""

CAPPED: Final = replace(TERMS, caps=(1, 0, 0))
"""One message to a number in 30 seconds."""

OUTCOMES: Final[dict[str, Callable[[int, str], RecipientResult]]] = {
    "a": lambda position, serial: RecipientResult(position, State.ACCEPTED, serial=serial, fee=1),
    "x": lambda position, _: RecipientResult(position, State.DEAD, "FailedOperation.X"),
    "q": lambda position, _: RecipientResult(position, State.UNSURE, "http.ReadTimeout"),
    "parked": lambda position, _: RecipientResult(position, State.WAITING, "Parked", counted=False, delay_ms=NO_DELAY),
    "later": lambda position, _: RecipientResult(position, State.WAITING, "Retry", delay_ms=60_000),
    "away": lambda position, _: RecipientResult(position, State.WAITING, "Reroute", delay_ms=0.0, next_account=True),
    "alone": lambda position, _: RecipientResult(
        position, State.WAITING, "Refused", counted=False, delay_ms=0.0, at_most=1
    ),
}
"""What a call comes to for one recipient; the first three are its letter, the others wait."""


class Workers:
    """Every worker there is.

    Attributes:
        claims: Claims not begun, as their workers know them; the lease may be lost.
        begun: Calls begun and not recorded, as their workers know them.
        written: What was recorded.
        looks: Blocks whose probe was claimed, and whether none of their recipients was silent.
        drains: Claims of the account's drain, and whether nothing was outstanding.
    """

    def __init__(self, stage: Stage, producers: Producers) -> None:
        self.stage = stage
        self.producers = producers
        self.claims: list[Claim] = []
        self.begun: list[tuple[Claim, StartedCall]] = []
        self.written: list[tuple[Claim, StartedCall, list[EntryResults]]] = []
        self.looks: list[tuple[Lease, bool]] = []
        self.drains: list[tuple[Lease, bool]] = []

    def accept(self, pick: int) -> None:
        """Accept what is due of a job."""
        job, ledger = self.stage.job(pick), self.stage.ledger
        self.stage.make_due(ledger.keys.inbox(steering.lane_of(ledger, job.job) or ""), job.job)
        accept.accept_job(self.stage.engine, job.job)
        now = {int(part) for part in ledger.redis.hkeys(ledger.keys.blocks(job.job))}
        self.stage.model.accept(job, sorted(now - job.taken))
        self.stage.check()

    def accept_late(self, pick: int) -> None:
        """Accept a part that was read long ago, perhaps as the second to do so."""
        # No worker opens a job that is neither complete nor a stream.
        read = [each for each in self.producers.read if each[0].complete or each[0].stream]
        if not read:
            return
        job, part, body = read[pick % len(read)]
        shards = 1 if len(job.parts) > 1 else 0
        accept.accept_parts(self.stage.engine, job.job, spec_of(job), {part: body}, shards=shards)
        if part not in job.taken and job.state != "cancelled":
            self.stage.model.accept(job, [part])
        self.stage.check()

    def take(self, pick: int, limit: int) -> None:
        """Claim the next recipients of a batch queue."""
        ledger, seen = self.stage.ledger, self.stage.seen
        found = [(lane, queue) for lane in LANES for queue in sorted(seen.due.get(f"send:{lane}", ()))]
        if not found:
            return
        lane, queue = found[pick % len(found)]
        self.stage.make_due(ledger.keys.send(lane), queue)
        attempt = self.stage.engine.next_attempt()
        claim = batch_queues.take(
            ledger, parse_queue(queue), attempt, limit=limit, linger_ms=0, lease_ms=60_000, worker="w"
        )
        if claim is not None:
            assert len(seen.spots(claim.entries)) <= limit
            self.claims.append(claim)
        self.stage.check()

    def begin(self, pick: int, *, capped: bool = False) -> None:
        """Look once more and begin a call.

        The lease may have been lost, and a cap on messages to one number may hold.
        """
        if not self.claims:
            return
        stage, claim = self.stage, self.claims.pop(pick % len(self.claims))
        mine = claim.attempt in stage.seen.attempts
        begun = batch_queues.begin(stage.ledger, claim, CAPPED if capped else TERMS)
        if not mine:
            assert begun == NotStarted("stale")
            return
        ready = stage.model.look(stage.seen.spots(stage.seen.attempts[claim.attempt].entries))
        if capped or any(stage.model.jobs[spot.job].pace for spot in ready):
            later = view(stage.ledger, ACCOUNTS).later
            ready = [spot for spot in ready if spot not in later]
        account, keys = claim.queue.account, stage.ledger.keys
        parked = stage.ledger.redis.exists(keys.park(account), keys.park(account, claim.queue.side))
        held = stage.ledger.redis.hexists(keys.breaker(account), "held_ms")
        if isinstance(begun, NotStarted):
            allowed = {"parked"} if parked else {"held", "small"} if held else set()
            assert begun.why in (allowed if ready else {"empty"})
            self.claims += [claim] if begun.why != "empty" else []
        else:
            assert not parked
            assert not held or begun.trial
            self._go(claim, begun, ready)
        stage.check()

    def _go(self, claim: Claim, begun: StartedCall, ready: Sequence[Spot]) -> None:
        """A call names every recipient who may be sent to, each number once."""
        numbers = [number for group in begun.groups for number in group.numbers]
        named = self.stage.seen.spots(tuple(group.entry for group in begun.groups))
        assert [spot.number for spot in named] == numbers
        assert len(set(numbers)) == len(numbers), "one call names a number twice"
        assert set(named) <= set(ready)
        assert {spot.number for spot in ready} == set(numbers)
        account, order = claim.queue.account, ORDER[claim.queue.lane]
        for spot in named:
            was = self.stage.model.through.get(spot, account)
            assert order.index(was) <= order.index(account), "a recipient went back to an account that gave it up"
            assert was == account or spot not in self.stage.model.resent, "sent again through another account"
        self.stage.model.begin(claim.attempt, claim.queue.lane, account, named)
        self.stage.sent += [(claim.attempt, number) for number in numbers]
        self.begun.append((claim, begun))

    def fail_over(self, pick: int, some: int) -> None:
        """Let recipients of a claim go through the next account.

        What its worker knows of it may be older than what it has.
        """
        known = [*self.claims, *(claim for claim, _ in self.begun)]
        if not known:
            return
        claim = known[pick % len(known)]
        found, queue = self.stage.seen.attempts.get(claim.attempt), claim.queue
        to = next(iter(after(ORDER[queue.lane], queue.account)), "")
        parts = [(entry, decode(entry.runs)[:some]) for entry in claim.entries]
        target = queue._replace(account=to)
        moves = [Move(target, Entry(entry.job, entry.block, encode(part))) for entry, part in parts if part]
        if not moves or not to or queue.pinned:
            return
        left = fail_over(self.stage.ledger, claim, moves, why="failing")
        assert left is None or (found is not None and found.state == "claimed")
        self._keep(claim, left)

    def give_up(self, pick: int) -> None:
        """Let a claim go to whatever account takes its recipients now.

        So does a worker whose account is parked or held.
        """
        if self.claims:
            claim = self.claims[pick % len(self.claims)]
            self._keep(claim, move_on(self.stage.engine, claim, "parked"))

    def _keep(self, claim: Claim, left: Claim | None) -> None:
        self.claims = [each for each in self.claims if each != claim]
        self.claims += [left] if left is not None else []
        self.stage.check()

    def release(self, pick: int) -> None:
        """Give a claim back.

        The lease may have been lost, or the call begun since it was found that it was not.
        """
        known = [*self.claims, *(claim for claim, _ in self.begun)]
        if known:
            claim = known[pick % len(known)]
            found = self.stage.seen.attempts.get(claim.attempt)
            given = batch_queues.release(self.stage.ledger, claim)
            assert bool(given) == (found is not None and found.state == "claimed")
            self.claims = [each for each in self.claims if each != claim]
            self.stage.check()

    def record(self, pick: int, letters: Sequence[str]) -> None:
        """Write down what a call came to; when the lease was lost, nothing changes."""
        if not self.begun:
            return
        stage, (claim, begun) = self.stage, self.begun.pop(pick % len(self.begun))
        outcomes: dict[Spot, str] = {}
        verdicts = []
        for group in begun.groups:
            marks = []
            for spot, position in zip(stage.seen.spots((group.entry,)), group.positions, strict=True):
                word = letters[len(outcomes) % len(letters)]
                outcomes[spot] = word if len(word) == 1 else "w"
                mark = OUTCOMES[word](position, serial_of(claim.attempt, spot.number))
                more = stage.engine.router.place(claim.queue, spot.number).more
                marks.append(mark if more or not mark.next_account else mark._replace(next_account=False))
            verdicts.append(EntryResults(group.entry, marks))
        verdicts = moved_on(stage.engine, claim.queue, begun.groups, verdicts, now_ms=stage.ledger.now_ms())
        self.written.append((claim, begun, verdicts))
        news = stage.model.takes(claim.attempt)
        early = self._record(claim, begun, verdicts)
        assert (early is None) == (not news)
        if early is not None:
            stage.model.record(claim.attempt, outcomes)
        if early:
            numbers = [spot.number for spot in outcomes]
            apply.match_early(stage.engine, claim.queue.account, numbers)
            stage.model.match_early(claim.queue.account, numbers)
        stage.check()

    def record_again(self, pick: int) -> None:
        """What was written is not written twice."""
        if self.written:
            assert self._record(*self.written[pick % len(self.written)]) is None
            self.stage.check()

    def _record(self, claim: Claim, begun: StartedCall, verdicts: Sequence[EntryResults]) -> bool | None:
        states = {result.state for each in verdicts for result in each.results}
        failed = CallReport("failed", BREAKER.with_failure("http.502", 0))
        recorded = attempts.record(
            self.stage.ledger,
            claim.attempt,
            claim.queue,
            verdicts,
            at_ms=begun.started_ms,
            polls=PollSchedule(),
            heard=failed if states == {State.UNSURE} else CallReport("ok"),
        )
        return recorded and recorded.early

    def fall_silent(self, pick: int, *, stopped: bool) -> None:
        """A worker dies, or stands still for longer than its lease; another one takes over."""
        stage, leased = self.stage, sorted(self.stage.seen.due.get("lease", ()))
        if not leased:
            return
        attempt = int(leased[pick % len(leased)])
        stage.make_due(stage.ledger.keys.lease, str(attempt))
        rescuer.rescue(stage.engine)
        if attempt in stage.model.attempts and stage.model.attempts[attempt].state == "begun":
            stage.model.record(attempt, dict.fromkeys(stage.model.attempts[attempt].spots, "q"), told=False)
        if not stopped:
            self.claims = [claim for claim in self.claims if claim.attempt != attempt]
            self.begun = [pair for pair in self.begun if pair[0].attempt != attempt]
        stage.check()

    def look_at_block(self, pick: int) -> None:
        """Claim a block to ask about; say whether a recipient in it still waits for a receipt.

        One where none does comes first.
        """
        stage, members = self.stage, sorted(self.stage.seen.due.get("probe", ()))
        quiet = [member for member in members if not self._silent(member)]
        if members:
            member = (quiet or members)[pick % len(quiet or members)]
            stage.make_due(stage.ledger.keys.probe, member)
            lease = due.claim_one(stage.ledger, stage.ledger.keys.probe, member)
            assert lease is not None
            self.looks.append((lease, not self._silent(member)))
            stage.check()

    def _silent(self, member: str) -> bool:
        """Whether a recipient in a block still waits for a receipt of an account."""
        account, block = member.split(" ")
        return bool(silent_of(self.stage.ledger, int(block), account))

    def leave_block(self, pick: int) -> None:
        """Come to the end of it, a while later."""
        if self.looks:
            lease, over = self.looks.pop(pick % len(self.looks))
            due.finish(self.stage.ledger, self.stage.ledger.keys.probe, lease, None if over else 60_000)
            self.stage.check()

    def look_at_account(self, pick: int) -> None:
        """Claim an account's drain, and find out whether anything is outstanding."""
        key, account = self.stage.ledger.keys.drain, ACCOUNTS[pick % len(ACCOUNTS)]
        self.stage.make_due(key, account)
        if lease := due.claim_one(self.stage.ledger, key, account):
            self.drains.append((lease, not self.stage.seen.outstanding[account]))
            self.stage.check()

    def leave_account(self, pick: int) -> None:
        """Come to the end of it, a while later."""
        if self.drains:
            lease, over = self.drains.pop(pick % len(self.drains))
            due.finish(self.stage.ledger, self.stage.ledger.keys.drain, lease, None if over else 60_000)
            self.stage.check()
