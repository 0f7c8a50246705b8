"""Worker machines on one ledger that differ in accounts, lanes, limits, clock and version."""

import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

from bench.chaos.service import TIMES
from bench.children import ROOT
from smsline.names import QUEUES, lane_queue
from worker.runtime.readiness import READY_FD

ACCOUNT: Final = {
    "PROVIDER": "tencent",
    "SECRET_ID": "sandbox-id",
    "SECRET_KEY": "sandbox-key",
    "SIGN": "chaos",
    "TIMEOUT_S": "2",
    "LIMITS__PULLSMSSENDSTATUSBYPHONENUMBER": "500",
}
MAIN: Final = {f"ACCOUNTS__MAIN__{name}": value for name, value in {**ACCOUNT, "SDK_APP_ID": "1400000000"}.items()}
# An account that only jobs which name it use.
SIDE: Final = {
    f"ACCOUNTS__SIDE__{name}": value
    for name, value in {**ACCOUNT, "SDK_APP_ID": "1400000001", "PREFIXES": "999"}.items()
}

SHORT: Final = {
    **TIMES,
    "RECEIPT_DEADLINE_S": "150",
    "PARK_PROBE_S": "2",
    "WORKER_THREADS": "4",
    "WEBHOOKS__ALLOW_PRIVATE": "true",
    "LOG_LEVEL": "warning",
    "LOG_FORMAT": "plain",
}

# What the older version has no setting for. Without it a promoted replica would make the calls
# again that it has not heard of.
TODAY: Final = {"REDIS_REPLICAS": "1"}

STOP_S: Final = 20.0


@dataclass(slots=True)
class Machine:
    """A machine with one worker process, which is started again when it ends.

    Attributes:
        name: What it is called here.
        settings: Its own, besides those of all.
        queues: What it works on.
        older: Whether it runs the version before.
        environ: Variables besides settings.
        module: What a worker process is started by.
    """

    name: str
    settings: Mapping[str, str]
    queues: Sequence[str] = QUEUES
    older: bool = False
    environ: Mapping[str, str] = field(default_factory=dict)
    module: str = "worker.supervisor.process"


class Fleet:
    """All machines: started, killed, restarted, ended with the block.

    Args:
        machines: Which.
        settings: Of all of them: where Redis and the provider are.
        older: Folder with the version before; None where there is none.
        log: What they say goes here.

    Attributes:
        restarts: How often a machine was stopped in order to run another version.
    """

    def __init__(
        self, machines: Sequence[Machine], settings: Mapping[str, str], *, older: Path | None, log: Path
    ) -> None:
        self._machines, self._settings, self._older, self._log = machines, settings, older, log
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._count = self.restarts = 0
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._tender = threading.Thread(target=self._tend, name="fleet", daemon=True)

    def __enter__(self) -> Self:
        ready = [self._start(machine, wait=True) for machine in self._machines]
        for machine, mark in zip(self._machines, ready, strict=True):
            # A process that ended without its mark closes the pipe: the read then brings nothing.
            os.set_blocking(mark, True)
            if not os.read(mark, 1):
                raise SystemExit(f"chaos: the machine {machine.name} did not start:\n{self._log.read_text()[-3000:]}")
            os.close(mark)
        self._tender.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._tender.join()
        for process in self._running.values():
            # One that still stands still would never see the SIGTERM.
            process.send_signal(signal.SIGCONT)
            process.terminate()
        for process in self._running.values():
            with suppress(subprocess.TimeoutExpired):
                process.wait(STOP_S)
            process.kill()
            process.wait()

    def halt(self, chance: random.Random) -> int:
        """Let one process stand still, to look at what it has under way.

        Returns its id, for `end`.
        """
        with self._lock:
            alive = [process for process in self._running.values() if process.poll() is None]
        if not alive:
            return 0
        process = chance.choice(alive)
        process.send_signal(signal.SIGSTOP)
        return process.pid

    def end(self, pid: int) -> None:
        """Kill a process that stands still."""
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)

    def roll(self, name: str) -> None:
        """Stop a machine in order, and let it run the other version, newer or older."""
        machine = next(machine for machine in self._machines if machine.name == name)
        with self._lock:
            process = self._running[name]
            machine.older = not machine.older
        # The tender starts the other version as soon as this one has ended.
        process.terminate()
        self.restarts += 1

    def _start(self, machine: Machine, *, wait: bool = False) -> int:
        self._count += 1
        root = self._older if machine.older and self._older else ROOT
        # The environment may have settings of a real service.
        mine = {name: value for name, value in os.environ.items() if not name.startswith("SMSLINE_")}
        settings = {**self._settings, **machine.settings, **({} if machine.older else TODAY)}
        given = {f"SMSLINE_{name}": value for name, value in settings.items()}
        reading, writing = os.pipe()
        awaited = {READY_FD: str(writing)} if wait else {}
        with self._log.open("ab") as log:
            self._running[machine.name] = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    machine.module,
                    f"{machine.name}-{self._count}",
                    ",".join(machine.queues),
                ],
                env={**mine, **given, **machine.environ, "PYTHONPATH": str(root), **awaited},
                cwd=self._log.parent,
                stdout=log,
                stderr=log,
                pass_fds=(writing,),
            )
        os.close(writing)
        if not wait:
            os.close(reading)
        return reading

    def _tend(self) -> None:
        while not self._over.wait(0.1):
            for machine in self._machines:
                # Started again at once, without the supervisor's growing pauses: more is under way
                # when the next one dies.
                if self._running[machine.name].poll() is not None:
                    with self._lock:
                        self._start(machine)


def machines(*, older: bool, clock: Mapping[str, str], endpoint: str) -> list[Machine]:
    """The machines of a run.

    Args:
        older: Whether there is an older version to run.
        clock: Variables of the machine whose clock is set.
        endpoint: The provider of both accounts.
    """
    main = {**MAIN, "ACCOUNTS__MAIN__ENDPOINT": endpoint}
    both = {**main, **SIDE, "ACCOUNTS__SIDE__ENDPOINT": endpoint}
    # Fewer calls and threads, another lease and tick: a bucket or a claim must hold for all,
    # whichever process made it.
    others = {"ACCOUNTS__MAIN__LIMITS__SENDSMS": "20", "WORKER_THREADS": "2", "LEASE_S": "8", "PULSE_MS": "100"}
    found = [
        Machine("whole", both),
        Machine("lacking", main),
        Machine("narrow", {**both, **others}, queues=[lane_queue("marketing")]),
        Machine("adrift", both, environ=clock),
    ]
    return [*found, Machine("rolling", both, older=True)] if older else [*found, Machine("second", both)]
