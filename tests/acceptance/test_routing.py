"""Three providers and a stand-in from end to end.

Real processes, every provider's wire, every number accounted for.
"""

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from smsline import Client
from smsline.names import QUEUES
from tests.support.admin import admin_of
from tests.support.redis_server import RedisServer
from tests.support.waiting import LONG_S, wait_until
from worker.sandbox.background import Background
from worker.sandbox.flags import Flags

ROOT = Path(__file__).parents[2]
BALANCE: Final = "FailedOperation.InsufficientBalanceInSmsPackage"
TENCENT: Final = {
    "PROVIDER": "tencent",
    "SECRET_ID": "sandbox-id",
    "SECRET_KEY": "sandbox-key",
    "SDK_APP_ID": "1400000000",
    "SIGN": "ACME",
}
ACCOUNTS: Final = {
    "CHINA": TENCENT | {"PREFIXES": "86"},
    "FRANCE": {
        "PROVIDER": "smspartner",
        "SECRET_KEY": "sandbox-key",
        "TEXTS__5678": "Hello {1}",
        "PREFIXES": "33",
        "LIMITS__MULTI_STATUS": "1000",
    },
    "SINGAPORE": {
        "PROVIDER": "alibaba",
        "SITE": "international",
        "SECRET_ID": "sandbox-id",
        "SECRET_KEY": "sandbox-key",
        "TEXTS__5678": "Hello {1}",
        "PREFIXES": "65",
    },
    "BACKUP": TENCENT | {"SIGN": "Backup", "TEMPLATES__5678": "91", "PRIORITY": "9"},
}
TIMES: Final = {
    "SMSLINE_FIRST_POLL_S": "0.2",
    "SMSLINE_UNSURE_PROBES_S": "0.3,1,2",
    "SMSLINE_UNSURE_HORIZON_S": "3",
    "SMSLINE_RECEIPT_DEADLINE_S": "8",
    "SMSLINE_PARK_PROBE_S": "1",
    "SMSLINE_LINGER_MS": "50",
}


@dataclass
class Line:
    """A client at one end; the three providers, and the stand-in, at the other."""

    client: Client
    sandbox: Background
    backup: Background

    def closed(self, job: str) -> dict[str, int]:
        """Wait until a job is closed; its counts that are not zero."""
        wait_until(lambda: self.client.status(job)["closed_at"], what=f"closing of {job}")
        counts = self.client.status(job)["counts"]
        return {name: count for name, count in counts.items() if count}  # type: ignore[misc]

    def providers(self, job: str) -> Counter[tuple[str, str]]:
        """Country code and provider of a job's recipients."""
        return Counter((row["phone"][1:3], row["provider"]) for row in self.client.results(job))

    def texts(self) -> Counter[int]:
        """How many messages each number had, over all providers."""
        both = (self.sandbox, self.backup)
        return sum((Counter({int(n[1:]): k for n, k in each.stats()["numbers"].items()}) for each in both), Counter())


@pytest.fixture
def line() -> Iterator[Line]:
    """Redis, two sandboxes and a worker with four accounts."""
    with RedisServer() as redis, Background(Flags()) as sandbox, Background(Flags()) as backup:
        given = {
            f"SMSLINE_ACCOUNTS__{name}__{field}": value
            for name, account in ACCOUNTS.items()
            for field, value in (account | {"ENDPOINT": (backup if name == "BACKUP" else sandbox).url}).items()
        }
        clean = {name: value for name, value in os.environ.items() if not name.startswith("SMSLINE_")}
        environ = clean | given | TIMES | {"SMSLINE_REDIS_URL": redis.url}
        command = [sys.executable, "-m", "worker.supervisor.process", "routing", ",".join(QUEUES)]
        with subprocess.Popen(command, cwd=ROOT, env=environ, stderr=subprocess.DEVNULL) as worker:
            client = Client(redis_url=redis.url)
            wait_until(admin_of(client).accounts, what="the worker's start")
            yield Line(client, sandbox, backup)
            client.close()
            worker.terminate()
            assert worker.wait(timeout=LONG_S) == 0


CHINESE = [f"+86138123{n:05d}" for n in range(41_000, 41_250)]
FRENCH = [f"+336123{n:05d}" for n in range(51_000, 51_060)]
SINGAPOREAN = [f"+659123{n:04d}" for n in range(6_000, 6_040)]


def test_one_job_through_three_providers_and_through_the_stand_in_of_a_parked_one(line: Line) -> None:
    """Each number once, each at its own provider.

    While one is parked, its numbers go through the next account.
    """
    everybody = [*CHINESE, *FRENCH, *SINGAPOREAN]
    numbers = {int(number) for number in everybody}
    job = line.client.campaign(to=everybody, template="5678", params=["you"])
    assert line.closed(job) == {"total": 350, "delivered": 350}
    assert line.providers(job) == {("86", "tencent"): 250, ("33", "smspartner"): 60, ("65", "alibaba"): 40}
    assert line.texts() == dict.fromkeys(numbers, 1)
    assert not line.backup.stats()["numbers"]

    line.sandbox.control(account_codes={"*": BALANCE})
    parked = line.client.campaign(to=[*CHINESE, *FRENCH[:10]], template="5678", params=["you"])
    otp = line.client.send(to="+8613812399000", template="5678", params=["482913"], lane="otp")
    assert line.closed(parked) == {"total": 260, "delivered": 260}
    assert line.closed(otp) == {"total": 1, "delivered": 1}
    assert len(line.backup.stats()["numbers"]) == 251
    china = next(health for health in admin_of(line.client).accounts() if health["account"] == "china")
    assert (china["state"], [park["code"] for park in china["parked"]]) == ("parked", [BALANCE])
    twice = {int(number) for number in (*CHINESE, *FRENCH[:10])}
    assert line.texts() == {**dict.fromkeys(numbers, 1), **dict.fromkeys(twice, 2), 8613812399000: 1}

    line.sandbox.control(account_codes={})
    admin_of(line.client).resume_account("china")
    again = line.client.campaign(to=CHINESE[:20], template="5678", params=["you"])
    assert line.closed(again) == {"total": 20, "delivered": 20}
    assert len(line.backup.stats()["numbers"]) == 251


def test_who_a_provider_cannot_serve_goes_through_the_next_and_who_has_opted_out_does_not(line: Line) -> None:
    """Suffixes steer: 0017 is a country that is not served, 0010 a recipient who has opted out."""
    line.backup.control(steering=False)
    job = line.client.campaign(to=["+8613812340017", "+8613812340010", *CHINESE[:8]], template="5678", params=["you"])
    assert line.closed(job) == {"total": 10, "delivered": 9, "dead": 1}
    assert line.backup.stats()["numbers"] == {"+8613812340017": 1}
    dead = [row["phone"] for row in line.client.results(job) if row["state"] == "dead"]
    assert dead == ["+8613812340010"]
