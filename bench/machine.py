"""The machine under the figures: what it is, how busy it was and when."""

import os
import platform
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from worker.supervisor.embedded_redis import find_server


@dataclass(frozen=True, slots=True)
class MachineFacts:
    """What the figures depend on.

    Attributes:
        date: When, ISO 8601, UTC.
        processor: Its name as the system gives it.
        cores: How many there are for us.
        system: Operating system and release.
        python: Version.
        redis: Version of the redis-server that was used.
        libraries: Versions of what carries the messages.
        commit: Short commit of the checkout, with a plus sign when it had changes, or empty.
        load: Load averages over 1, 5 and 15 minutes before anything was started.
    """

    date: str
    processor: str
    cores: int
    system: str
    python: str
    redis: str
    libraries: dict[str, str]
    commit: str
    load: tuple[float, float, float]

    @property
    def busy(self) -> bool:
        """Whether others used over a quarter of the machine, so that single figures say little."""
        return self.load[0] > self.cores / 4


def look() -> MachineFacts:
    """The machine as it is now."""
    return MachineFacts(
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        processor=_processor(),
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        system=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
        redis=".".join(map(str, find_server().version)),
        libraries={
            name: version(name) for name in ("celery", "kombu", "redis", "httpx", "tencentcloud-sdk-python-sms")
        },
        commit=_commit(),
        load=os.getloadavg(),
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def _commit() -> str:
    command = ("git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty=+", "--exclude=*")
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""
