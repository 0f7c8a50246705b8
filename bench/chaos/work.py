"""The load of the service: campaigns and single messages; refusals are retried with their key."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bench.children import ROOT
from smsline import Client, NotFound, Unavailable, Unconfirmed
from smsline.job import CampaignOptions, JobOptions

CAMPAIGN_FIRST: Final = 8613810000000
BROKEN_OFF_FIRST: Final = 8613860000000
OTP_FIRST: Final = 8613920000000
OLD_FIRST: Final = 8613930000000
SIDE_FIRST: Final = 8613940000000
OTP_EVERY_S: Final = 0.1
SIDE_EVERY_S: Final = 0.3
OLD_EVERY_S: Final = 0.5
HAND_OVER: Final = Path(__file__).with_name("hand_over.py")


@dataclass(slots=True)
class HandedMessage:
    """A single message that was handed over: under which key, to whom, how, and as which job."""

    key: str
    number: int
    how: JobOptions
    job: str = ""


@dataclass(slots=True)
class HandOver:
    """What was handed over.

    Attributes:
        campaigns: Size by job.
        singles: Single messages, in the order of their jobs.
        refused: How often the service said that it could not take a job.
        lost: Jobs of which Redis lost the last moments, and which were handed over again.
    """

    campaigns: dict[str, int] = field(default_factory=dict)
    singles: list[HandedMessage] = field(default_factory=list)
    refused: int = 0
    lost: int = 0

    @property
    def jobs(self) -> list[str]:
        """Ids of all jobs."""
        return [*self.campaigns, *(message.job for message in self.singles)]

    @property
    def recipients(self) -> int:
        """How many were handed over."""
        return sum(self.campaigns.values()) + len(self.singles)


class Producer(threading.Thread):
    """Hands over a message now and then.

    A refused one is tried again under its key until it is taken.

    Args:
        client: Of the service.
        given: Takes what was handed over.
        name: First word of the keys.
        first: The first number.
        every_s: Between two messages.
        how: Lane, account and the rest.
    """

    def __init__(
        self, client: Client, given: HandOver, name: str, *, first: int, every_s: float, how: JobOptions
    ) -> None:
        super().__init__(name=name, daemon=True)
        self._client, self._given, self._first, self._every_s, self._how = client, given, first, every_s, how
        self._over = threading.Event()

    def run(self) -> None:
        """Hand over."""
        count = 0
        while not self._over.wait(self._every_s):
            message = HandedMessage(f"{self.name}-{count}", self._first + count, self._how)
            hand_over(self._client, self._given, message)
            self._given.singles.append(message)
            count += 1

    def stop(self) -> None:
        """Hand over no more."""
        self._over.set()
        self.join()


def hand_over(client: Client, given: HandOver, message: HandedMessage) -> None:
    """Hand a message over, again under its key until it is taken."""
    while True:
        try:
            how: JobOptions = {**message.how, "key": message.key}
            message.job = client.send(to=f"+{message.number}", template="1234", **how)
        except (Unavailable, Unconfirmed):
            given.refused += 1
            time.sleep(0.2)
        else:
            return


def hand_over_lost(client: Client, given: HandOver) -> None:
    """Compare what was told with what is there, and hand over again what is not.

    A producer does so after Redis lost its last moments.
    """
    for message in given.singles:
        try:
            client.status(message.job)
        except NotFound:
            # Under its key: had the job not been lost after all, this would be the same one.
            given.lost += 1
            hand_over(client, given, message)


OTP: Final[JobOptions] = {"params": ["482913"], "lane": "otp", "ttl_s": 120}
SIDE: Final[JobOptions] = {"params": ["482913"], "lane": "notify", "account": "side", "ttl_s": 300}


def campaign(client: Client, count: int, seconds: float) -> str:
    """Hand over a campaign that takes about so long."""
    how: CampaignOptions = {"pace": count / seconds, "key": "campaign", "ttl_s": 3600}
    return client.campaign(to=(f"+{CAMPAIGN_FIRST + n}" for n in range(count)), template="5678", **how)


class OtherProducer:
    """A producer in a process of its own.

    Args:
        root: Folder with its version; None for ours.
        words: What it is to do, see `hand_over.py`.
    """

    def __init__(self, root: Path | None, *words: str) -> None:
        mine: Mapping[str, str] = {name: value for name, value in os.environ.items() if not name.startswith("SMSLINE_")}
        self._process = subprocess.Popen(
            [sys.executable, str(HAND_OVER), *words],
            env={**mine, "PYTHONPATH": str(root or ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def killed_after(self, parts: int) -> int:
        """Kill it when it has begun with so many parts; returns how many it had."""
        for _ in range(parts):
            if not self._line().startswith("part"):
                raise SystemExit("chaos: the producer that was to be killed had ended before")
        self._process.kill()
        self._process.wait()
        return parts

    def job(self) -> str:
        """Wait until it has handed over its campaign; returns the job."""
        while not (line := self._line()).startswith("job"):
            if not line:
                raise SystemExit(f"chaos: a producer ended with code {self._process.wait()}")
        self._process.wait()
        return line.split()[1]

    def messages(self) -> list[HandedMessage]:
        """Stop it; returns what it has handed over."""
        told, _ = self._process.communicate(timeout=60)
        rows = [line.split() for line in told.splitlines()]
        return [HandedMessage(key, int(number), OTP, job) for key, number, job in rows]

    def _line(self) -> str:
        return self._process.stdout.readline() if self._process.stdout else ""
