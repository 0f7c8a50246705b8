"""One way to run the command, with a client that is made of lists."""

import inspect
import io
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import pytest

from smsline import Admin, Client
from smsline.cli import main
from smsline.cli.options import Connect
from smsline.errors import BadInput
from smsline.job import Recipient, Rejected, Summary
from smsline.numbers import mask, parse_number
from smsline.states import COUNTED

PART = 1000
"""Rows the fake client judges before it says how far it is."""


def status_of(job: str = "j1", *, state: str = "open", closed_at: str | None = None, **counts: int) -> dict[str, Any]:
    """A status whose counts add up."""
    return {
        "job": job,
        "state": state,
        "lane": "marketing",
        "template": "5678",
        "account": "main",
        "counts": {**dict.fromkeys(COUNTED, 0), **counts, "total": sum(counts.values())},
        "calls": 5,
        "fee": 1000,
        "complete": True,
        "doubled": 0,
        "created_at": "2026-08-01T09:00:00Z",
        "closed_at": closed_at,
    }


@dataclass
class FakeClient:
    """A client and admin whose answers are given and whose calls are kept.

    Attributes:
        calls: Name and keyword arguments of each call that changes something.
        statuses: What `status` answers, one after the other; the last one stays.
        answers: What the other questions answer, by the method's name.
        error: Raised by every call, if there is one.
        recipients: What the last campaign was given.
        taken_before: Whether the campaign's key has its job with the same rows.
        doubles: Whether it looks for rows that repeat another one.
        numbers: What the suppression list was last changed by.
        entries: What was last put on it.
        region: Country of numbers without a country code.
    """

    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    statuses: list[dict[str, Any]] = field(default_factory=list)
    answers: dict[str, Any] = field(default_factory=dict)
    error: BaseException | None = None
    recipients: list[str | Recipient] = field(default_factory=list)
    taken_before: bool = False
    doubles: bool = False
    numbers: list[str] = field(default_factory=list)
    entries: list[dict[str, str]] = field(default_factory=list)
    region: str | None = None

    def _called(self, method: str, *args: Any, **given: Any) -> None:
        """Keep a call, but only one that the real client would understand."""
        if self.error:
            raise self.error
        call = (
            inspect.signature(getattr(Client, method, None) or getattr(Admin, method))
            .bind(self, *args, **given)
            .arguments
        )
        options = call.pop("job") if isinstance(call.get("job"), dict) else {}
        self.calls.append((method, {name: value for name, value in {**call, **options}.items() if name != "self"}))

    def send(self, **given: Any) -> str:
        """Keep the call."""
        self._called("send", **given)
        return "j1"

    def campaign(
        self,
        *,
        to: Iterable[str | Recipient],
        on_rejected: Callable[[Rejected], None],
        on_duplicate: Callable[[Rejected], None],
        on_progress: Callable[[int], None],
        on_summary: Callable[[Summary], None],
        **given: Any,
    ) -> str:
        """Judge part by part, as the real one: a part's refusals come before its progress."""
        self._called("campaign", to=[], **given)
        good, known, bad, doubled = 0, dict[str, int](), 0, 0
        for row, recipient in enumerate(to, 1):
            phone = recipient if isinstance(recipient, str) else recipient.phone
            try:
                parse_number(phone)
            except BadInput as error:
                bad += 1
                on_rejected(Rejected(row, mask(phone), "phone", error.rule))
            else:
                first = known.setdefault(phone, row) if self.doubles else row
                if first != row:
                    doubled += 1
                    on_duplicate(
                        Rejected(row, mask(phone), "phone", f"is that of row {first}, which says the same", first)
                    )
                    continue
                good += 1
                self.recipients.append(recipient)
            if row % PART == 0:
                on_progress(row)
        if not good:
            raise BadInput("to", "", "is empty")
        job = "j0" if self.taken_before else "j1"
        added, held = (0, good) if self.taken_before else (good, 0)
        on_summary(Summary(job, added, held, doubled, bad, self.taken_before))
        return job

    def now_s(self) -> float:
        """By the clock that the test has set."""
        return time.time()

    def status(self, job: str) -> dict[str, Any]:
        """The next status given."""
        if self.error:
            raise self.error
        now = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        return {**now, "job": job}

    def wait(self, job: str, timeout_s: float | None = 30) -> dict[str, Any]:
        """Time is always up at once, unless the job is closed."""
        self._called("wait", job=job, timeout_s=timeout_s)
        if self.statuses[0]["closed_at"] is None:
            raise TimeoutError
        return self.status(job)

    def results(self, job: str) -> Iterator[dict[str, Any]]:
        """The rows given, one by one."""
        self._called("results", job=job)
        yield from self.answers["results"]

    def dead_rows(self, **given: Any) -> Iterator[dict[str, Any]]:
        """The rows given, one by one."""
        self._called("dead_rows", **given)
        yield from self.answers["dead_rows"]

    def suppress_entries(self, entries: Iterable[dict[str, str]]) -> int:
        """Keep the entries, as they come."""
        self.entries = list(entries)
        self.numbers = [entry["phone"] for entry in self.entries]
        return int(self.answers["suppress"])

    def unsuppress(self, numbers: Iterable[str]) -> int:
        """Keep the numbers, as they come."""
        self.numbers = list(numbers)
        return int(self.answers["unsuppress"])

    def suppressed(self) -> Iterator[dict[str, str]]:
        """The entries given, one by one."""
        yield from self.answers["suppressed"]

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """`pause`, `jobs`, `dead_groups`, `requeue` and the like: kept, and answered as given."""
        if name not in {*STEERING, *QUESTIONS}:
            raise AttributeError(name)

        def method(*args: Any, **given: Any) -> Any:
            self._called(name, *args, **given)
            return self.answers.get(name)

        return method


STEERING = ("pause", "resume", "cancel")
QUESTIONS = ("jobs", "never_sent", "dead_groups", "requeue", "drop", "accounts", "resume_account")


@dataclass(frozen=True)
class Ran:
    """What a command left behind."""

    code: int
    out: str
    err: str


@pytest.fixture
def fake() -> FakeClient:
    """The client the command will get."""
    return FakeClient(statuses=[status_of(delivered=8, waiting=2)])


@pytest.fixture
def run(fake: FakeClient, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Ran]:
    """Runs `smsline` with arguments.

    `tty` makes all three streams a terminal, `stdin` is what is typed or piped in.
    """
    usual: Mapping[str, str] = {"TERM": "xterm", "COLUMNS": "120", "LINES": "40", "NO_COLOR": "1"}

    def runner(
        *argv: str, stdin: str | bytes = "", tty: bool = False, environment: Mapping[str, str] = MappingProxyType({})
    ) -> Ran:
        data = stdin.encode() if isinstance(stdin, str) else stdin
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data), encoding="utf-8"))
        for name, value in {**usual, **environment}.items():
            monkeypatch.setenv(name, value)
        for stream in (sys.stdin, sys.stdout, sys.stderr):
            monkeypatch.setattr(stream, "isatty", lambda: tty)
        code = main(argv, connect=Connect(lambda: fake, lambda: fake))  # type: ignore[arg-type,return-value] # a fake of both
        return Ran(code, *capsys.readouterr())

    return runner
