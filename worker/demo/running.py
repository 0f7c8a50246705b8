"""The demo's service as a process that is stopped however the demo ends."""

import json
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Self

from worker.supervisor.child import Child, Running

LOG: Final = "log"
SETTINGS_FILE: Final = "smsline.toml"

_REPORT: Final = "report.json"
# Far more than a start takes; a machine that needs longer has another problem.
_START_S: Final = 60.0

# The supervisor gives up on its children before that.
_STOP_S: Final = 60.0

_TICK_S: Final = 0.02


class ServiceFailed(Exception):  # noqa: N818 - reads as what happened
    """The service could not be brought up, or ended by itself.

    The message says why, as far as it is known.
    """


@dataclass(frozen=True, slots=True)
class Report:
    """Where things are once a job can be taken; or `trouble`, why they are not."""

    redis_url: str = ""
    sandbox_url: str = ""
    workers: int = 0
    trouble: str = ""

    def write(self, folder: Path) -> None:
        """Leave it in the folder, in one step, so that it is never read half."""
        draft = folder / f"{_REPORT}.draft"
        draft.write_text(json.dumps(asdict(self)))
        draft.rename(folder / _REPORT)

    @classmethod
    def read(cls, folder: Path) -> Self | None:
        """The report in the folder, if there is one."""
        try:
            return cls(**json.loads((folder / _REPORT).read_text()))
        except FileNotFoundError:
            return None


class Service:
    """The running service, seen from the demo.

    Args:
        folder: Where its settings are, and all its files go.
    """

    def __init__(self, folder: Path) -> None:
        command = (sys.executable, "-m", "worker.demo.service", str(folder))
        environ = {"SMSLINE_CONFIG": str(folder / SETTINGS_FILE)}
        self._folder = folder
        # A process of its own: Ctrl-C ends the demo, and the demo ends the service in order.
        self._running = Running(Child("service", command, _STOP_S, environ=environ))

    def wait_ready(self) -> Report:
        """Wait until a job can be taken.

        Raises:
            ServiceFailed: That did not happen.
        """
        until_s = time.monotonic() + _START_S
        while (report := Report.read(self._folder)) is None:
            self.check()
            if time.monotonic() > until_s:
                raise ServiceFailed(f"the service was not ready after {_START_S:g} s")
            time.sleep(_TICK_S)
        if report.trouble:
            raise ServiceFailed(report.trouble)
        return report

    def check(self) -> None:
        """Make sure that it runs.

        Raises:
            ServiceFailed: It has ended.
        """
        code = self._running.ended()
        if code is not None:
            report = Report.read(self._folder)
            raise ServiceFailed((report and report.trouble) or f"the service ended by itself, with code {code}")

    def stop(self) -> None:
        """Stop it, in order; Ctrl-C meanwhile stops it at once. Nothing is left behind."""
        self._running.signal(signal.SIGTERM)
        until_s = time.monotonic() + _STOP_S
        while self._running.ended() is None:
            try:
                time.sleep(_TICK_S)
            except KeyboardInterrupt:
                self._running.signal(signal.SIGTERM)  # to the supervisor a second request means: at once
            if time.monotonic() > until_s:
                self._running.signal(signal.SIGKILL)  # its children end with it
        self._running.close()


@contextmanager
def running(folder: Path) -> Iterator[Service]:
    """A service that is stopped when the block ends, however it ends."""
    service = Service(folder)
    try:
        yield service
    finally:
        service.stop()
