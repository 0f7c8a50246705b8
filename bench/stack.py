"""Redis, sandbox and workers under the benches, on free ports of 127.0.0.1."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.children import importable, python, started, with_environ
from bench.sandbox import APP, SECRET_ID, SECRET_KEY, SIGN, SandboxProcess, free_port, sandbox_child
from config.settings import load_settings
from smsline import Client
from smsline.ledger.link import Ledger
from smsline.names import DEFAULT_NAMESPACE, LANES
from worker.supervisor.child import Child, Running
from worker.supervisor.embedded_redis import claim, find_server, redis_child, url_of
from worker.supervisor.plan import plan_run

ACCOUNT: Final = "main"
THREADS: Final = 8
"""Calls in flight per process; the setting's default, given to every baseline as well."""

NO_LIMIT: Final = "1000000"
NEVER_S: Final = "86400"
"""As the time of the first poll: receipts wait until the bench asks for them."""


@dataclass(frozen=True, slots=True)
class Stack:
    """What runs throughout: Redis as `up` runs it, with its file, and the sandbox.

    Attributes:
        redis_url: Ledger and broker.
        sandbox: The provider.
        client: A producer's client.
        ledger: For looks that no client offers.
        redis_pid: The redis-server's process.
        sandbox_pid: The sandbox's process.
    """

    redis_url: str
    sandbox: SandboxProcess
    client: Client
    ledger: Ledger
    redis_pid: int
    sandbox_pid: int

    def clear(self, **flags: object) -> None:
        """An empty Redis, and a sandbox that has seen nothing; for times when no worker runs."""
        # The embedded Redis refuses FLUSHALL.
        for name in self.ledger.redis.scan_iter(count=5_000):
            self.ledger.redis.unlink(name)
        self.sandbox.reset(**flags)

    def environ(self, **settings: str) -> dict[str, str]:
        """The service's settings: one account at the sandbox, limits out of the way."""
        account = {
            "PROVIDER": "tencent",
            "SECRET_ID": SECRET_ID,
            "SECRET_KEY": SECRET_KEY,
            "SDK_APP_ID": APP,
            "SIGN": SIGN,
            "ENDPOINT": self.sandbox.url,
            "LIMITS__SENDSMS": NO_LIMIT,
            "LIMITS__PULLSMSSENDSTATUS": NO_LIMIT,
        }
        named = {f"ACCOUNTS__{ACCOUNT.upper()}__{name}": value for name, value in account.items()}
        found = {"REDIS_URL": self.redis_url, "LOG_LEVEL": "warning", **named, **settings}
        return {f"SMSLINE_{name}": value for name, value in found.items()}

    @contextmanager
    def service(self, *, lanes: Sequence[str] = LANES, procs: int = 1, **settings: str) -> Iterator[list[Running]]:
        """The service's workers, as `python -m worker run` starts them."""
        environ = self.environ(WORKER_THREADS=str(THREADS), **settings)
        plan = plan_run(load_settings(environ), lanes=lanes, procs=procs)
        with started(with_environ(plan.stages[0].children, environ)) as running:
            yield running

    @contextmanager
    def plain_celery(self, *, procs: int = 1) -> Iterator[list[Running]]:
        """Workers of the plain Celery tasks."""
        environ = {**importable(), "BENCH_REDIS_URL": self.redis_url, "BENCH_ENDPOINT": self.sandbox.url}
        names = [f"plain{number}" for number in range(1, procs + 1)]
        children = [Child(name, python("bench.baselines.plain_worker", name), 10.0, environ=environ) for name in names]
        with started(children) as running:
            yield running


@contextmanager
def standing(folder: Path) -> Iterator[Stack]:
    """A stack that is gone when the block ends.

    Args:
        folder: Where Redis keeps its file.

    Raises:
        BenchFailed: It could not be brought up.
        CannotStart: There is no redis-server, or it has no place.
    """
    port, sandbox_port, server = free_port(), free_port(), find_server()
    redis = redis_child(server, folder / "redis", port, lock=claim(folder / "redis", port, server))
    with started([redis, sandbox_child(sandbox_port)]) as running, SandboxProcess(sandbox_port) as sandbox:
        url = url_of(port)
        client, ledger = Client(redis_url=url), Ledger.at(url, DEFAULT_NAMESPACE)
        try:
            yield Stack(url, sandbox, client, ledger, redis_pid=running[0].pid, sandbox_pid=running[1].pid)
        finally:
            client.close()
            ledger.redis.close()
