"""A whole service of one test: Redis, sandbox, gateway and wire, ready to break."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final, Self, Unpack

from smsline import Client
from smsline.job import CampaignOptions
from smsline.ledger.link import Ledger
from tests.faults.support.gateway import Gateway
from tests.faults.support.processes import Worker, environ
from tests.faults.support.wire import Wire
from tests.support.waiting import wait_until
from worker.sandbox.background import Background
from worker.sandbox.flags import Flags

FIRST: Final = 8613800100000


class Service:
    """A Redis that runs, a sandbox behind a gateway, and workers as they are started.

    Args:
        port: Of an empty Redis on 127.0.0.1.
        folder: For the workers' logs.
    """

    def __init__(self, port: int, folder: Path) -> None:
        self.folder = folder
        self.direct_url = f"redis://127.0.0.1:{port}/0"
        self._stack = ExitStack()
        self.sandbox = self._stack.enter_context(Background(Flags(steering=False)))
        self.gateway = self._stack.enter_context(Gateway(self.sandbox.url))
        self.wire = self._stack.enter_context(Wire(port))
        self.client = Client(redis_url=self.direct_url)
        self._stack.callback(self.client.close)
        self.ledger = Ledger.at(self.direct_url, "smsline")
        self._stack.callback(self.ledger.redis.close)
        self._next = FIRST

    def worker(self, *, tapped: bool = False, **settings: str) -> Worker:
        """Start a worker.

        Args:
            tapped: Whether it reaches Redis over the wire.
            **settings: Settings other than `processes.QUICK`.
        """
        url = self.wire.url if tapped else self.direct_url
        variables = environ(redis_url=url, endpoint=self.gateway.url, **settings)
        return self._stack.enter_context(Worker(variables, self.folder / "workers.log"))

    def campaign(self, count: int, **spec: Unpack[CampaignOptions]) -> str:
        """Hand over a campaign to numbers no other job has; returns the job's id."""
        return self.client.campaign(to=self._numbers(count), template="5678", **spec)

    def otp(self, *, ttl_s: float = 60) -> str:
        """Hand over a one-time password."""
        (number,) = self._numbers(1)
        return self.client.send(to=number, template="1234", params=["482913"], lane="otp", ttl_s=ttl_s)

    def _numbers(self, count: int) -> list[str]:
        first, self._next = self._next, self._next + count
        return [f"+{number}" for number in range(first, self._next)]

    def wait_closed(self, *jobs: str) -> None:
        """Wait until all are closed."""

        def still_open() -> list[str]:
            return [job for job in jobs if not self.client.status(job)["closed_at"]]

        wait_until(lambda: not still_open(), what=f"closing of {len(jobs)} jobs", every_s=0.1)

    def states(self, *jobs: str) -> Counter[str]:
        """How many recipients ended in which state."""
        return Counter(row["state"] for job in jobs for row in self.client.results(job))

    def sent(self) -> dict[str, int]:
        """Messages that went out, per number, by the provider."""
        numbers: dict[str, int] = self.sandbox.stats(log=False)["numbers"]
        return numbers

    def account(self, jobs: Sequence[str], *, twice: int = 0) -> Counter[str]:
        """Count both sides: every recipient is known, final, and as often texted as may be.

        Args:
            jobs: Every job handed over; all closed.
            twice: How many numbers may have two messages.

        Returns:
            How many recipients ended in which state.
        """
        sent, states = self.sent(), Counter[str]()
        for job in jobs:
            status, rows = self.client.status(job), list(self.client.results(job))
            assert len(rows) == status["counts"]["total"], "recipients are lost"
            for row in rows:
                states[row["state"]] += 1
                if row["state"] == "delivered":
                    assert sent.get(row["phone"]), "delivered, and nothing was sent"
                elif row["state"] != "unknown":
                    assert not sent.get(row["phone"]), f"{row['state']}, and a message went out"
        assert sum(times > 1 for times in sent.values()) <= twice, "texted twice"
        assert max(sent.values(), default=0) <= 1 + bool(twice)
        return states

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()


@contextmanager
def service_on(port: int, folder: Path) -> Iterator[Service]:
    """A service on an empty Redis."""
    with Service(port, folder) as service:
        service.ledger.redis.flushall()
        yield service
