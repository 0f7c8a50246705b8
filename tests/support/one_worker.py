"""One worker process between a client and a provider: real Redis, and what it has logged."""

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from smsline import Client
from smsline.names import QUEUES
from tests.support.admin import admin_of
from tests.support.redis_server import RedisServer
from tests.support.waiting import LONG_S, wait_until
from worker.sandbox.background import Background

ROOT: Final = Path(__file__).parents[2]


@contextmanager
def one_worker(name: str, accounts: Mapping[str, str], settings: Mapping[str, str], *, log: Path) -> Iterator[Client]:
    """A client whose jobs a worker process works on while the block lasts; it has to stop in order.

    Args:
        name: Of the process.
        accounts: Settings of accounts, such as `FRENCH__SECRET_KEY`.
        settings: Further settings, such as `FIRST_POLL_S`.
        log: Where the process' standard error goes.
    """
    with RedisServer() as redis:
        environ = {
            **{name: value for name, value in os.environ.items() if not name.startswith("SMSLINE_")},
            **{f"SMSLINE_ACCOUNTS__{name}": value for name, value in accounts.items()},
            **{f"SMSLINE_{name}": value for name, value in settings.items()},
            "SMSLINE_REDIS_URL": redis.url,
            "SMSLINE_LOG_LEVEL": "debug",
        }
        command = [sys.executable, "-m", "worker.supervisor.process", name, ",".join(QUEUES)]
        with (
            log.open("w") as stderr,
            subprocess.Popen(command, cwd=ROOT, env=environ, stderr=stderr) as worker,
            closing(Client(redis_url=redis.url)) as client,
        ):
            wait_until(admin_of(client).accounts, what="the worker's start", every_s=0.1)
            yield client
            worker.terminate()
            assert worker.wait(timeout=LONG_S) == 0


@dataclass
class WorkerLine:
    """A client on one side, the provider on the other, and what the worker between logged."""

    client: Client
    sandbox: Background
    log: Path

    def closed(self, job: str) -> dict[str, int]:
        """Wait until a job is closed; its counts that are not zero."""
        wait_until(lambda: self.client.status(job)["closed_at"], what=f"closing of {job}", every_s=0.1)
        counts: Mapping[str, Any] = self.client.status(job)["counts"]
        return {name: int(count) for name, count in counts.items() if count}

    def ended(self, job: str) -> dict[int, tuple[str, str]]:
        """State and code of every number of a job."""
        return {int(row["phone"][1:]): (row["state"], row["code"]) for row in self.client.results(job)}

    def texts(self, numbers: Sequence[int]) -> Counter[int]:
        """How many messages went out to these numbers."""
        sent = {int(number[1:]): times for number, times in self.sandbox.stats(log=False)["numbers"].items()}
        return Counter({number: sent[number] for number in numbers if number in sent})
