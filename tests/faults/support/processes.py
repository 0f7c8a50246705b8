"""Worker processes of a test, which can be killed, stopped and let go on."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Self

from smsline.names import QUEUES
from tests.support.waiting import LONG_S, wait_until
from worker.runtime.readiness import READY_FD

ROOT: Final = Path(__file__).resolve().parents[3]

LATE_S: Final = "120"
SOON_S: Final = "6"
"""When an unsure recipient of a campaign ends as unknown.

Not before all receipts were pulled, however busy the machine is; or soon.
"""

QUICK: Final = {
    "SMSLINE_LEASE_S": "3",
    "SMSLINE_LINGER_MS": "0",
    "SMSLINE_FIRST_POLL_S": "0.2",
    "SMSLINE_UNSURE_PROBES_S": "0.5,1,2,4",
    "SMSLINE_UNSURE_HORIZON_S__OTP": "2",
    "SMSLINE_UNSURE_HORIZON_S__NOTIFY": LATE_S,
    "SMSLINE_UNSURE_HORIZON_S__MARKETING": LATE_S,
    "SMSLINE_RECEIPT_PROBES_S": "1,2,4,8",
    "SMSLINE_PARK_PROBE_S": "0.5",
    "SMSLINE_LOG_LEVEL": "warning",
    "SMSLINE_LOG_FORMAT": "plain",
}
"""Settings under which a fault and its mending fit into seconds."""


def environ(*, redis_url: str, endpoint: str, **settings: str) -> dict[str, str]:
    """The environment of workers with one account, `main`, at `endpoint`.

    Args:
        redis_url: The ledger's Redis.
        endpoint: The provider.
        **settings: More settings by name without prefix, `LEASE_S="2"`.
    """
    account = {
        "PROVIDER": "tencent",
        "SECRET_ID": "sandbox-id",
        "SECRET_KEY": "sandbox-key",
        "SDK_APP_ID": "1400000000",
        "SIGN": "smsline",
        "ENDPOINT": endpoint,
        "TIMEOUT_S": "1",
    }
    mine = {name: value for name, value in os.environ.items() if not name.startswith("SMSLINE_")}
    given = {f"SMSLINE_{name}": value for name, value in settings.items()}
    named = {f"SMSLINE_ACCOUNTS__MAIN__{name}": value for name, value in account.items()}
    return {**mine, **QUICK, **named, "SMSLINE_REDIS_URL": redis_url, "PYTHONPATH": str(ROOT), **given}


class Worker:
    """One worker process that serves every queue.

    Args:
        variables: Its environment, from `environ`.
        log: Where it writes; appended to.
        name: What Celery calls it.
    """

    def __init__(self, variables: Mapping[str, str], log: Path, name: str = "w") -> None:
        self.log = log
        self._ready, writing = os.pipe()
        os.set_blocking(self._ready, False)
        command = [
            sys.executable,
            "-m",
            "worker.supervisor.process",
            f"{name}{writing}-{os.getpid()}",
            ",".join(QUEUES),
        ]
        with log.open("ab") as sink:
            self._process = subprocess.Popen(
                command,
                cwd=log.parent,
                env={**variables, READY_FD: str(writing)},
                stdout=sink,
                stderr=sink,
                pass_fds=(writing,),
            )
        os.close(writing)

    def wait_ready(self) -> Self:
        """Wait until it takes work."""
        wait_until(self._marked, what="a worker being ready")
        return self

    def _marked(self) -> bool:
        assert self._process.poll() is None, f"a worker ended: {self.log.read_text()[-2000:]}"
        try:
            return os.read(self._ready, 1) != b""
        except BlockingIOError:
            return False

    def kill(self) -> None:
        """End it as a crash would: nothing of it runs any more when this returns."""
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        """Let it stand still, as a starved machine would."""
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Let it go on."""
        self._process.send_signal(signal.SIGCONT)

    def terminate(self) -> int:
        """Ask it to end in order; returns its exit code."""
        self._process.terminate()
        return self._process.wait(timeout=LONG_S)

    def alive(self) -> bool:
        """Whether it runs."""
        return self._process.poll() is None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.alive():
            self.go_on()
            self.kill()
        os.close(self._ready)
