"""A line with a scripted provider, worked by hand.

What the scheduler and the workers do is done step by step in this thread.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from config.settings import Settings
from smsline.admin import Admin
from smsline.job import JobSpec, new_job_id
from smsline.ledger import accounts, batch_queues, inbox, jobs, waits
from smsline.ledger.inbox import Part
from smsline.ledger.jobs import Result, Status
from smsline.ledger.link import Ledger
from smsline.names import LANES
from smsline.states import COUNTED, DUPLICATE, STATES, counted_as
from tests.support.clock import advance
from tests.support.provider import FakeProvider
from worker.engine import Engine
from worker.intake import accept
from worker.maintenance import lifecycle, rescuer
from worker.providers.base import Receipt, questions_of
from worker.receipts import apply, drain, poll, resolve
from worker.sending import send

CREDENTIALS: Final = {"provider": "tencent", "secret_id": "id", "secret_key": "key", "sdk_app_id": "1400", "sign": "S"}
OTP_LANE: Final = {"lane": "otp", "template": "1234"}
MAX_ROUNDS: Final = 500
MOST_CHECKED: Final = 20
"""Jobs whose counts are looked at after each step."""


def make_settings(account_names: Sequence[str] = ("main",), **given: Any) -> Settings:
    """Settings with these accounts, all alike unless `given["accounts"]` says otherwise."""
    configured = {name: dict(CREDENTIALS) for name in account_names}
    for name, more in given.pop("accounts", {}).items():
        configured[name] = {**CREDENTIALS, **more}
    return Settings.model_validate({"accounts": configured, **given})


@dataclass
class Scene:
    """One worker's hands on a ledger, and the provider at the other end.

    Attributes:
        ledger: The ledger.
        engine: Settings, ledger and providers, as a worker process has them.
        ask: What a person does.
    """

    ledger: Ledger
    engine: Engine
    ask: Admin = field(init=False)
    _checked: dict[str, tuple[object, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.ask = Admin(ledger=self.ledger)
        settings = self.engine.settings.accounts
        providers = {name: account.provider for name, account in settings.items()}
        windows = {name: account.window for name, account in settings.items()}
        accounts.register(self.ledger, providers, windows, questions=questions_of(self.engine.providers))

    @property
    def provider(self) -> FakeProvider:
        """The first account's provider."""
        return self.provider_of(next(iter(self.engine.providers)))

    def provider_of(self, account: str) -> FakeProvider:
        """An account's provider."""
        found = self.engine.providers[account]
        assert isinstance(found, FakeProvider)
        return found

    def submit(
        self,
        numbers: Sequence[int],
        *,
        job: str = "",
        part_no: int = 0,
        parts: int | None = 1,
        own_params: Sequence[Sequence[str] | None] | None = None,
        refs: Sequence[str] | None = None,
        **spec: Any,
    ) -> str:
        """Hand over a part of a job; returns the job's id."""
        checked = JobSpec.checked({"template": "5678", "lane": "marketing", **spec})
        part = Part(numbers, own_params, refs)
        taken = inbox.submit_part(self.ledger, job or new_job_id(), checked, part, part_no=part_no, parts=parts)
        check_counts(self.ledger, taken.job, self._checked)
        return taken.job

    def otp(self, number: int, code: str = "482913", **spec: Any) -> str:
        """Hand over a one-time password."""
        return self.submit([number], params=[code], **{**OTP_LANE, **spec})

    def tick(self) -> int:
        """Do everything that is due now, once; returns how many things were."""
        keys = self.ledger.keys
        works: list[tuple[str, Callable[[str], object]]] = [
            *[(keys.inbox(lane), lambda job: accept.accept_job(self.engine, job)) for lane in LANES],
            (keys.later, lambda _: waits.move_due(self.ledger, keys.later, only_due=True)),
            (keys.lease, lambda _: rescuer.rescue(self.engine)),
            *[(keys.send(lane), lambda _, lane=lane: send.send_slice(self.engine, lane)) for lane in LANES],
            (keys.drain, lambda account: drain.drain(self.engine, account)),
            (keys.unsure_due, lambda attempt: resolve.look(self.engine, int(attempt))),
            (keys.probe, lambda member: poll.poll_block(self.engine, member)),
            (keys.expire, lambda job: lifecycle.end_job(self.engine, job)),
            (keys.closing, lambda job: lifecycle.close_job(self.engine, job)),
        ]
        done, due = 0, self._due_of([key for key, _ in works])
        if any(due.values()) and not any(self._due_of(list(due), ahead_ms=0).values()):
            # All of it comes within this millisecond: time that stands still would never get there.
            advance(self.ledger, 0.001)
        for key, work in works:
            if members := due[key]:
                for member in members:
                    work(member)
                self.check()
                done += len(members)
                due = self._due_of(list(due))
        return done

    def tick_ends(self) -> None:
        """End what is overdue or cancelled now, and nothing else."""
        for job in self.due(self.ledger.keys.expire):
            lifecycle.end_job(self.engine, job)

    def send_some(self, lane: str) -> None:
        """Make one round of calls for the batch queues of a lane that are due."""
        for queue in batch_queues.due_queues(self.ledger, lane)[0]:
            send.send_batch(self.engine, queue)
        self.check()

    def apply(self, found: Sequence[Receipt], account: str = "") -> None:
        """Receipts come in by whatever way; they are the first account's unless told."""
        account = account or next(iter(self.engine.providers))
        apply.apply_receipts(self.engine, account, found)
        self.check()

    def due(self, key: str) -> list[str]:
        """Members of a due set whose time has come, or comes within this millisecond."""
        return self._due_of([key])[key]

    def _due_of(self, keys: Sequence[str], ahead_ms: float = 1) -> dict[str, list[str]]:
        """Of each due set; in one round trip, for nearly all are empty at nearly every look."""
        until_ms, pipe = self.engine.now_ms() + ahead_ms, self.ledger.redis.pipeline(transaction=False)
        for key in keys:
            pipe.zrangebyscore(key, "-inf", until_ms)
        return {key: [name.decode() for name in found] for key, found in zip(keys, pipe.execute(), strict=True)}

    def run(self) -> None:
        """Work until nothing is due any more."""
        for _ in range(MAX_ROUNDS):
            if not self.tick():
                return
        raise AssertionError(f"still busy after {MAX_ROUNDS} rounds; due: {self.due_counts()}")

    def due_counts(self) -> dict[str, int]:
        """How much is due now in each due set."""
        keys = self.ledger.keys
        names = [*map(keys.inbox, LANES), keys.later, keys.lease, *map(keys.send, LANES), keys.drain]
        names += [keys.unsure_due, keys.probe, keys.expire, keys.closing]
        return {key: len(members) for key, members in self._due_of(names).items() if members}

    def advance(self, seconds: float) -> None:
        """Let time pass, and do nothing."""
        advance(self.ledger, seconds)
        self.engine.router.breakers.forget()

    def later(self, seconds: float) -> None:
        """Let time pass, then do what has come due."""
        self.advance(seconds)
        self.run()

    def until(self, condition: Callable[[], object], *, step_s: float = 1.0, within_s: float = 3600.0) -> None:
        """Let time pass in steps until the condition holds."""
        passed = 0.0
        self.run()
        while not condition():
            assert passed < within_s, f"not within {within_s:g} s; due: {self.due_counts()}"
            self.later(step_s)
            passed += step_s

    def send_all(self) -> None:
        """Accept and send everything that waits, lingering included."""
        self.run()
        self.later(2)

    def close_all(self, job: str, *, step_s: float = 30.0, within_s: float = 400_000.0) -> Status:
        """Deliver whatever goes out until the job is closed."""
        delivered = 0
        for _ in range(int(within_s / step_s)):
            self.run()
            self.provider.deliver(self.provider.out[delivered:])
            delivered = len(self.provider.out)
            if self.status(job)["closed_at"]:
                return self.status(job)
            self.later(step_s)
        raise AssertionError(f"job is {self.status(job)}; due: {self.due_counts()}")

    def status(self, job: str) -> Status:
        """A job's status."""
        return self.ask.status(job)

    def counts(self, job: str) -> dict[str, int]:
        """The job's counts that are not zero."""
        return {name: int(count) for name, count in self.status(job)["counts"].items() if count}  # type: ignore[call-overload]

    def results(self, job: str) -> list[Result]:
        """The job's results."""
        return list(self.ask.results(job))

    def check(self) -> None:
        """The counts of every job add up, and are what its recipients' own states say.

        Of very many jobs some are looked at.
        """
        names = self.ledger.redis.zrange(self.ledger.keys.jobs, 0, -1)
        for name in names[:: 1 + len(names) // MOST_CHECKED]:
            check_counts(self.ledger, name.decode(), self._checked)

    def texts(self) -> Counter[int]:
        """How many messages went out to each number, over all accounts."""
        total: Counter[int] = Counter()
        for name in self.engine.providers:
            total += self.provider_of(name).texts()
        return total


def make_scene(ledger: Ledger, providers: Mapping[str, FakeProvider] | None = None, **settings: Any) -> Scene:
    """A scene of these accounts; one called `main` unless told."""
    providers = providers or {"main": FakeProvider()}
    made = make_settings(tuple(providers), **settings)
    return Scene(ledger, Engine(made, ledger, dict(providers)))


def check_counts(ledger: Ledger, job: str, checked: dict[str, tuple[object, ...]]) -> None:
    """The job's counts add up to its total, and each is the number of recipients in that state.

    Args:
        ledger: The ledger.
        job: The job.
        checked: The counts and letters that the last check of each job saw. Rows show what the
            letters say: they are read again when one has changed, for reading thousands after every
            step was a fifth of a test's time.
    """
    status = jobs.read_status(ledger, job)
    if status is None:
        return
    counts = {name: int(status["counts"][name]) for name in COUNTED}
    letters = _letters(ledger, job)
    seen = (dict(counts), letters)
    if checked.get(job) == seen:
        return
    total = counts.pop("total")
    assert sum(counts.values()) == total, f"job {job}: {counts} do not add up to {total}"
    assert min(counts.values()) >= 0, f"job {job}: {counts}"
    real = Counter(row["state"] for row in jobs.results(ledger, job))
    assert {name: n for name, n in counts.items() if n} == _as_counted(real), f"job {job}: rows say {real}"
    held = Counter(letters)
    assert total == sum(held.values()), f"job {job}: {total} in all, but {held}"
    checked[job] = seen


def _as_counted(real: Mapping[str, int]) -> dict[str, int]:
    found: Counter[str] = Counter()
    for state, count in real.items():
        found[counted_as(STATES[_letter_of(state)])] += count
    return dict(found)


def _letter_of(state: str) -> str:
    return next(letter for letter, found in STATES.items() if found.value == state)


def _letters(ledger: Ledger, job: str) -> str:
    """The letters of a job's recipients, those in its inbox as waiting."""
    pipe = ledger.redis.pipeline(transaction=False)
    for block in jobs.blocks_of(ledger, job):
        pipe.hget(ledger.keys.block(block), "st")
    pipe.hkeys(ledger.keys.got(job))
    *states, parts = pipe.execute()
    for part in parts:
        pipe.hget(ledger.keys.part(job, int(part)), "n")
    waiting = sum(len(packed or b"") // 8 for packed in pipe.execute())
    return b"".join(found or b"" for found in states).decode().replace(DUPLICATE, "") + "w" * waiting
