"""Any sequence of moves, crashes and late words leaves the ledger as a model in plain Python says; on fakeredis and on a real Redis."""

import os
from collections.abc import Callable
from typing import Any, Final

import fakeredis
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test
from redis import Redis

from config.settings import Settings
from smsline.errors import Conflict
from smsline.job import JobSpec, new_job_id
from smsline.ledger import accounts, attempts, dead, due, inbox, lines, receipts
from smsline.ledger.attempts import NO_DELAY, Mark, Polls, Verdicts
from smsline.ledger.due import Lease
from smsline.ledger.inbox import Part
from smsline.ledger.lines import Begun, Claim, NotBegun, parse_line
from smsline.ledger.link import Ledger
from smsline.ledger.receipts import Place
from smsline.names import LANES
from smsline.states import LETTERS, State
from tests.faults.support import invariants
from tests.faults.support.model import Job, Letter, Model, Spot, serial_of
from tests.faults.support.provider import CountingProvider
from tests.faults.support.view import View, view
from tests.support.redis_server import RedisServer
from tests.support.world import FIRST, TERMS
from worker import accept, closeout, recovery, unsure
from worker import receipts as incoming
from worker.engine import Engine
from smsline.ledger.blocks import silent_of
from worker.providers.base import Receipt

EXAMPLES: Final = int(os.environ.get("LEDGER_EXAMPLES", "0"))
"""Set it to look longer and at other sequences each time; unset, the same few are played."""

SHRINK: Final = bool(os.environ.get("LEDGER_SHRINK"))
"""Set it to have a failing sequence made short, which takes minutes."""

ACCOUNT: Final = "main"
NUMBERS: Final = range(FIRST, FIRST + 6)
PICK: Final = st.integers(0, 10_000)
FUTURE_MS: Final = 4e12

OUTCOMES: Final = {
    "a": lambda p, serial: Mark(p, State.ACCEPTED, serial=serial, fee=1),
    "x": lambda p, _: Mark(p, State.DEAD, "FailedOperation.X"),
    "q": lambda p, _: Mark(p, State.UNSURE, "http.ReadTimeout"),
    "now": lambda p, _: Mark(p, State.WAITING, "Parked", counted=False, delay_ms=NO_DELAY),
    "later": lambda p, _: Mark(p, State.WAITING, "Retry", delay_ms=60_000),
    "alone": lambda p, _: Mark(p, State.WAITING, "Refused", counted=False, delay_ms=0.0, alone=True),
}


class LedgerMachine(RuleBasedStateMachine):
    """Producers, workers, carriers, operators and the clock, in any order; workers die between any two moves."""

    connect: Callable[[], "Redis[bytes] | Any"]

    def __init__(self) -> None:
        super().__init__()
        client = self.connect()
        client.flushall()
        self.ledger = Ledger(client, "m")
        self.provider = CountingProvider()
        account = {"provider": "tencent", "secret_id": "i", "secret_key": "k", "sdk_app_id": "1", "sign": "s"}
        self.engine = Engine(
            Settings(accounts={ACCOUNT: account}, linger_ms=0, lease_s=60),  # type: ignore[arg-type]
            self.ledger,
            {ACCOUNT: self.provider},
        )
        self.model = Model()
        self.seen: View = view(self.ledger, ACCOUNT)
        self.claims: list[Claim] = []
        self.begun: list[tuple[Claim, Begun]] = []
        self.written: list[tuple[Claim, Begun, list[Verdicts]]] = []
        self.stale_parts: list[tuple[Job, int, Part]] = []
        self.sent: list[tuple[int, int]] = []
        self.heard: list[Letter] = []
        self.looks: list[tuple[Lease, bool]] = []
        self.drains: list[tuple[Lease, bool]] = []
        self.by_person = False

    # The producer

    @initialize()
    def begin_with_a_job(self) -> None:
        """There is something to do from the start."""
        self.hand_over(lane="marketing", parts=[[0, 1, 2]], stream=False)
        self.submit(0, 0, declare=True)
        self.work_inbox(0)

    @precondition(lambda self: len(self.model.jobs) < 4)
    @rule(
        lane=st.sampled_from(["otp", "marketing"]),
        parts=st.lists(st.lists(st.sampled_from(range(6)), min_size=1, max_size=4, unique=True), min_size=1, max_size=3),
        stream=st.booleans(),
    )
    def hand_over(self, lane: str, parts: list[list[int]], *, stream: bool) -> None:
        """A producer has a job in mind; nothing of it is submitted."""
        job = new_job_id()
        numbers = {i: [NUMBERS[n] for n in part] for i, part in enumerate(parts)}
        self.model.jobs[job] = Job(job, lane, numbers, stream)

    @precondition(lambda self: self.model.jobs)
    @rule(pick=PICK, part=PICK, declare=st.booleans())
    def submit(self, pick: int, part: int, *, declare: bool) -> None:
        """A part arrives: in any order, again, or after the job is over."""
        job = self._job(pick)
        chosen = part % len(job.parts)
        self._submit(job, chosen, declare=declare)

    @precondition(lambda self: any(job.received for job in self.model.jobs.values()))
    @rule(pick=PICK)
    def declare(self, pick: int) -> None:
        """The producer says how many parts there are."""
        job = self._job(pick)
        if job.received:
            self._submit(job, None, declare=True)

    def _submit(self, job: Job, part: int | None, *, declare: bool) -> None:
        spec = JobSpec.checked({"template": "5678", "lane": job.lane, "stream": job.stream})
        taken = self.model.submit(job, part, declare=declare)
        body = None if part is None else Part(job.parts[part])
        try:
            inbox.submit_part(
                self.ledger, job.job, spec, body, part_no=part or 0, parts=len(job.parts) if declare else None
            )
        except Conflict:
            assert not taken
        else:
            assert taken
            if part is not None and part not in job.taken and (found := inbox.read_part(self.ledger, job.job, part)):
                self.stale_parts.append((job, part, found))

    # Workers

    @precondition(lambda self: self.model.jobs)
    @rule(pick=PICK)
    def work_inbox(self, pick: int) -> None:
        """A worker accepts what is due of a job."""
        job = self._job(pick)
        self._make_due(self.ledger.keys.inbox(inbox.lane_of(self.ledger, job.job) or ""), job.job)
        accept.accept_job(self.engine, job.job)
        now = {int(part) for part in self.ledger.redis.hkeys(self.ledger.keys.blocks(job.job))}
        self.model.accept(job, sorted(now - job.taken))

    @precondition(lambda self: self.stale_parts)
    @rule(pick=PICK)
    def accept_stale_part(self, pick: int) -> None:
        """A worker that read a part long ago accepts it now, perhaps as the second."""
        job, part, body = self.stale_parts[pick % len(self.stale_parts)]
        spec = JobSpec.checked({"template": "5678", "lane": job.lane, "stream": job.stream})
        accept.accept_part(self.engine, job.job, part, spec, part=body, shards=1 if len(job.parts) > 1 else 0)
        if part not in job.taken and job.state != "cancelled":
            self.model.accept(job, [part])

    @precondition(lambda self: self.seen.lines)
    @rule(pick=PICK, limit=st.integers(1, 4))
    def take(self, pick: int, limit: int) -> None:
        """A worker claims the next recipients of a line."""
        found = [(lane, line) for lane in LANES for line in sorted(self.seen.due.get(f"send:{lane}", ()))]
        lane, line = found[pick % len(found)]
        self._make_due(self.ledger.keys.send(lane), line)
        claim = lines.take(
            self.ledger,
            parse_line(line),
            self.engine.next_attempt(),
            limit=limit,
            linger_ms=0,
            lease_ms=60_000,
            worker="w",
        )
        if claim is not None:
            assert sum(len(self.seen.spots((entry,))) for entry in claim.entries) <= limit
            self.claims.append(claim)

    @precondition(lambda self: self.claims)
    @rule(pick=PICK)
    def begin(self, pick: int) -> None:
        """A worker looks once more and begins its call, perhaps after its lease was taken from it."""
        claim = self.claims.pop(pick % len(self.claims))
        mine = claim.attempt in self.seen.attempts
        begun = lines.begin(self.ledger, claim, TERMS)
        if not mine:
            assert begun == NotBegun("stale")
            return
        ready, held = self.model.look(self.seen.spots(self.seen.attempts[claim.attempt].entries))
        parked = self.seen.due.get("parked") or self.ledger.redis.exists(self.ledger.keys.park(ACCOUNT))
        if isinstance(begun, NotBegun):
            assert begun.why == ("parked" if ready and parked else "empty")
            if begun.why == "parked":
                self.claims.append(claim)
            return
        assert not parked
        sent = [Spot(group.entry.job, -1, number) for group in begun.groups for number in group.numbers]
        numbers = [spot.number for spot in sent]
        assert len(set(numbers)) == len(numbers), "one call names a number twice"
        named = [spot for group in begun.groups for spot in self.seen.spots((group.entry,))]
        assert set(named) <= set(ready)
        self.model.begin(claim.attempt, claim.line.lane, named)
        self.sent += [(claim.attempt, number) for number in numbers]
        self.begun.append((claim, begun))

    @precondition(lambda self: self.claims)
    @rule(pick=PICK)
    def release(self, pick: int) -> None:
        """A worker gives its claim back; its lease may have been taken from it."""
        claim = self.claims.pop(pick % len(self.claims))
        given = lines.release(self.ledger, claim)
        assert bool(given) == (claim.attempt in self.seen.attempts)

    @precondition(lambda self: self.begun)
    @rule(pick=PICK, letters=st.lists(st.sampled_from(sorted(OUTCOMES)), min_size=4, max_size=4))
    def record(self, pick: int, letters: list[str]) -> None:
        """A worker writes down what its call came to; when its lease was lost, nothing changes."""
        claim, begun = self.begun.pop(pick % len(self.begun))
        outcomes: dict[Spot, str] = {}
        verdicts = []
        for group in begun.groups:
            marks = []
            for spot, position in zip(self.seen.spots((group.entry,)), group.positions, strict=True):
                word = letters[len(outcomes) % 4]
                outcomes[spot] = word if len(word) == 1 else "w"
                marks.append(OUTCOMES[word](position, serial_of(claim.attempt, spot.number)))
            verdicts.append(Verdicts(group.entry, marks))
        self.written.append((claim, begun, verdicts))
        early = self._record(claim, begun, verdicts)
        if self.model.attempts[claim.attempt].state != "begun":
            assert early is None
            return
        assert early is not None
        self.model.record(claim.attempt, outcomes)
        if early:
            numbers = [number for group in begun.groups for number in group.numbers]
            incoming.match_early(self.engine, ACCOUNT, numbers)
            self.model.match_early(numbers)

    @precondition(lambda self: self.written)
    @rule(pick=PICK)
    def record_again(self, pick: int) -> None:
        """What was written is not written twice."""
        assert self._record(*self.written[pick % len(self.written)]) is None

    def _record(self, claim: Claim, begun: Begun, verdicts: list[Verdicts]) -> bool | None:
        return attempts.record(
            self.ledger, claim.attempt, claim.line, verdicts, at_ms=begun.started_ms, polls=Polls()
        )

    @precondition(lambda self: self.claims or self.begun)
    @rule(pick=PICK, stopped=st.booleans())
    def fall_silent(self, pick: int, *, stopped: bool) -> None:
        """A worker dies, or is stopped for longer than its lease, and another takes over."""
        leased = sorted(self.seen.due.get("lease", ()))
        if not leased:
            return
        member = leased[pick % len(leased)]
        attempt = int(member)
        self._make_due(self.ledger.keys.lease, member)
        recovery.recover(self.engine)
        if attempt in self.model.attempts and self.model.attempts[attempt].state == "begun":
            self.model.record(attempt, dict.fromkeys(self.model.attempts[attempt].spots, "q"))
        if not stopped:
            self.claims = [claim for claim in self.claims if claim.attempt != attempt]
            self.begun = [pair for pair in self.begun if pair[0].attempt != attempt]

    @rule()
    def time_passes(self) -> None:
        """What was put off becomes due."""
        for member in self.ledger.redis.zrange(self.ledger.keys.later, 0, -1):
            self._make_due(self.ledger.keys.later, member.decode())
        lines.move_due(self.ledger, self.ledger.keys.later, only_due=True)

    # Carriers

    @precondition(lambda self: self.sent)
    @rule(pick=PICK, ok=st.booleans(), named=st.booleans(), wrong=st.booleans())
    def receipt(self, pick: int, *, ok: bool, named: bool, wrong: bool) -> None:
        """A receipt comes of any call ever begun: early, late, with or without its context, sometimes of another number."""
        attempt, number = self.sent[pick % len(self.sent)]
        given = NUMBERS[(number - FIRST + 1) % len(NUMBERS)] if wrong and pick % 3 == 0 else number
        letter = Letter(serial_of(attempt, number), given, ok, attempt if named else None)
        self.heard.append(letter)
        self._receive(letter)

    @precondition(lambda self: self.heard)
    @rule(pick=PICK)
    def receipt_again(self, pick: int) -> None:
        """A receipt comes twice."""
        self._receive(self.heard[pick % len(self.heard)])

    @rule(number=st.sampled_from(range(6)))
    def receipt_of_a_stranger(self, number: int) -> None:
        """A receipt comes of a message that is not ours."""
        letter = Letter(f"stranger:{number}", NUMBERS[number], ok=True, attempt=10**9)
        self._receive(letter)

    def _receive(self, letter: Letter) -> None:
        incoming.apply_rows(self.engine, ACCOUNT, [incoming.row_of(self._receipt(letter))])
        self.model.receive(letter)

    def _receipt(self, letter: Letter) -> Receipt:
        context = "" if letter.attempt is None else self.engine.context(letter.attempt)
        return Receipt(letter.number, letter.serial, letter.ok, "DELIVRD" if letter.ok else "MK:0001", 0, context)

    @precondition(lambda self: self.seen.due.get("unsure"))
    @rule(pick=PICK, known=st.lists(st.booleans(), min_size=4, max_size=4), over=st.booleans())
    def look_into(self, pick: int, known: list[bool], *, over: bool) -> None:
        """A worker asks what became of an unsure attempt; at the horizon its lane decides."""
        members = sorted(self.seen.due["unsure"])
        member = members[pick % len(members)]
        attempt = int(member)
        self._make_due(self.ledger.keys.unsure_due, member)
        if over:
            self.ledger.redis.hset(self.ledger.keys.attempt(attempt), "unsure_ms", 1)
        spots = self.model.open_of(attempt) if attempt in self.model.attempts else []
        told = {
            spot.number: Letter(serial_of(attempt, spot.number), spot.number, True, attempt)
            for spot, tell in zip(sorted(spots), known * 2, strict=False)
            if tell
        }
        self.provider.history = {number: [self._receipt(letter)] for number, letter in told.items()}
        unsure.look(self.engine, attempt)
        if attempt not in self.model.attempts or self.model.attempts[attempt].state != "unsure":
            return
        self.model.match_early([spot.number for spot in spots])
        for number in sorted({spot.number for spot in self.model.open_of(attempt)}):
            if number in told:
                self.model.receive(told[number])
        if over or not self.model.open_of(attempt):
            self.model.horizon(attempt)

    @precondition(lambda self: "a" in self.model.letters.values())
    @rule(pick=PICK)
    def give_up(self, pick: int) -> None:
        """No receipt came in time."""
        found = sorted((place, spot) for place, spot in self.seen.places.items() if self.model.letters[spot] == "a")
        (block, position), spot = found[pick % len(found)]
        receipts.give_up(
            self.ledger, ACCOUNT, [(Place(block, position), spot.number)], jobs={block: spot.job}, at_s=1_790_000_000
        )
        self.model.letters[spot] = "u"

    @precondition(lambda self: self.seen.due.get("probe"))
    @rule(pick=PICK)
    def look_at_block(self, pick: int) -> None:
        """A worker claims a block to ask about and finds out whether anybody in it still waits for a receipt."""
        members = sorted(self.seen.due["probe"])
        member = members[pick % len(members)]
        self._make_due(self.ledger.keys.probe, member)
        lease = due.claim_one(self.ledger, self.ledger.keys.probe, member)
        assert lease is not None
        self.looks.append((lease, not silent_of(self.ledger, int(member.split(" ")[1]))))

    @precondition(lambda self: self.looks)
    @rule(pick=PICK)
    def leave_block(self, pick: int) -> None:
        """It comes to its end, a while later."""
        lease, over = self.looks.pop(pick % len(self.looks))
        due.finish(self.ledger, self.ledger.keys.probe, lease, None if over else 60_000)

    @precondition(lambda self: self.seen.due.get("drain"))
    @rule()
    def look_at_account(self) -> None:
        """A worker claims the account's drain and finds out whether anything is outstanding."""
        self._make_due(self.ledger.keys.drain, ACCOUNT)
        lease = due.claim_one(self.ledger, self.ledger.keys.drain, ACCOUNT)
        assert lease is not None
        self.drains.append((lease, accounts.outstanding(self.ledger, ACCOUNT) == 0))

    @precondition(lambda self: self.drains)
    @rule(pick=PICK)
    def leave_account(self, pick: int) -> None:
        """It comes to its end, a while later."""
        lease, over = self.drains.pop(pick % len(self.drains))
        due.finish(self.ledger, self.ledger.keys.drain, lease, None if over else 60_000)

    # Operators and deadlines

    @precondition(lambda self: any(job.received for job in self.model.jobs.values()))
    @rule(pick=PICK, wanted=st.sampled_from(["paused", "open", "cancelled"]))
    def control(self, pick: int, wanted: str) -> None:
        """An operator pauses, resumes or cancels a job."""
        job = self._job(pick)
        answer = inbox.control(self.ledger, job.job, wanted)
        if not job.received:
            assert answer is None
        elif job.state != "cancelled" and job.job not in self.model.closed:
            job.state = wanted

    @precondition(lambda self: any(job.received for job in self.model.jobs.values()))
    @rule(pick=PICK)
    def deadline_passes(self, pick: int) -> None:
        """A job's time is up."""
        job = self._job(pick)
        if job.received:
            self.ledger.redis.hset(self.ledger.keys.job(job.job), "deadline_ms", 1)
            job.overdue = True

    @precondition(lambda self: self.seen.due.get("expire"))
    @rule(pick=PICK)
    def sweep(self, pick: int) -> None:
        """A worker ends what waits of a cancelled or overdue job."""
        members = sorted(self.seen.due["expire"])
        job = self.model.jobs[members[pick % len(members)]]
        self._make_due(self.ledger.keys.expire, job.job)
        closeout.end_job(self.engine, job.job)
        if job.state == "cancelled" or job.overdue:
            self.model.end(job)

    @precondition(lambda self: any(letter in "xu" for letter in self.model.letters.values()))
    @rule(pick=PICK, drop=st.booleans())
    def mend(self, pick: int, *, drop: bool) -> None:
        """A person sends the dead letters of a job again, or drops them."""
        job = self._job(pick)
        dead.settle(self.ledger, "drop" if drop else "requeue", dead.Pick(job=job.job))
        if drop:
            self.model.drop(job)
        else:
            self.by_person = True
            self.model.requeue(job)

    @rule(park=st.booleans())
    def park(self, *, park: bool) -> None:
        """The account is parked, or works again."""
        if park:
            accounts.park(self.ledger, ACCOUNT, "", "FailedOperation.InsufficientBalanceInSmsPackage", probe_ms=60_000)
        else:
            accounts.unpark(self.ledger, ACCOUNT)

    @invariant()
    def holds(self) -> None:
        """The ledger is as the model says, and everything open will be looked at again."""
        before, self.seen = self.seen, view(self.ledger, ACCOUNT)
        self.model.close()
        invariants.check(self.seen, self.model, before=None if self.by_person else before, account=ACCOUNT)
        self.by_person = False

    def teardown(self) -> None:
        """Let go of the connection."""
        self.ledger.redis.close()

    def _job(self, pick: int) -> Job:
        return list(self.model.jobs.values())[pick % len(self.model.jobs)]

    def _make_due(self, key: str, member: str) -> None:
        self.ledger.redis.zadd(key, {member: 0}, xx=True)


def play(connect: Callable[[], Any], examples: int) -> None:
    """Play sequences on the ledger at `connect`."""
    machine = type("LedgerMachine", (LedgerMachine,), {"connect": staticmethod(connect)})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=EXAMPLES or examples,
            stateful_step_count=60 if EXAMPLES else 40,
            derandomize=not EXAMPLES,
            deadline=None,
            database=None,
            phases=[Phase.generate, Phase.shrink] if SHRINK else [Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_on_fakeredis() -> None:
    """Whatever happens in whatever order, the ledger agrees with the model: on fakeredis."""
    server = fakeredis.FakeServer()
    play(lambda: fakeredis.FakeRedis(server=server), examples=30)


def test_on_redis(redis_server: RedisServer) -> None:
    """Whatever happens in whatever order, the ledger agrees with the model: on a real Redis."""
    play(lambda: Redis(port=redis_server.port), examples=60)
