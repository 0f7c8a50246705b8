"""The line as its users meet it: real processes, a Redis, a provider's wire, and the client.

Every number accounted for.
"""

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest
from celery import Celery

from smsline import Client, Recipient
from smsline.ledger.jobs import Status
from tests.support.admin import admin_of
from tests.support.redis_server import RedisServer
from tests.support.waiting import LONG_S, wait_until
from tests.support.wire import SDK_APP_ID, SECRET_ID, SECRET_KEY, HangUp, Wire

ROOT: Final = Path(__file__).parents[2]
SENDS_PER_S: Final = 100
BULK: Final = "smsline.notify,smsline.marketing,smsline.receipts,smsline.webhooks"


@dataclass
class Line:
    """Everything that runs, and a client of it."""

    redis: RedisServer
    wire: Wire
    folder: Path
    workers: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    @property
    def environ(self) -> dict[str, str]:
        """What the processes are told: one account, and times that suit a test."""
        account = {
            "PROVIDER": "tencent",
            "SECRET_ID": SECRET_ID,
            "SECRET_KEY": SECRET_KEY,
            "SDK_APP_ID": SDK_APP_ID,
            "ENDPOINT": self.wire.url,
            "SIGN": "Test",
            "TIMEOUT_S": "5",
            "LIMITS__SendSms": str(SENDS_PER_S),
        }
        times = {
            "FIRST_POLL_S": "0.3",
            "UNSURE_PROBES_S": "1,3",
            "UNSURE_HORIZON_S": "120",
            "RECEIPT_PROBES_S": "5,30",
            "LEASE_S": "10",
        }
        told = {f"SMSLINE_ACCOUNTS__MAIN__{name}": value for name, value in account.items()}
        told |= {f"SMSLINE_{name}": value for name, value in times.items()}
        plain = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        return {**plain, **told, "SMSLINE_REDIS_URL": self.redis.url, "PYTHONPATH": str(ROOT)}

    def start(self, name: str, *command: str) -> None:
        """Start a worker; its log is beside the Redis'."""
        with (self.folder / f"{name}.log").open("ab") as log:
            self.workers[name] = subprocess.Popen(command, env=self.environ, cwd=self.folder, stdout=log, stderr=log)

    def start_otp(self) -> None:
        """A worker as `up` starts it."""
        self.start("otp", sys.executable, "-m", "worker.supervisor.process", "otp", "smsline.otp")

    def start_bulk(self, name: str = "bulk") -> None:
        """A worker as Celery's own command starts it."""
        celery = [sys.executable, "-m", "celery", "-A", "worker.app", "worker", "-n", f"{name}@here", "-Q", BULK]
        self.start(name, *celery)

    def stop(self, name: str, number: signal.Signals = signal.SIGTERM) -> int:
        """Stop a worker and wait for its end."""
        worker = self.workers.pop(name)
        worker.send_signal(number)
        return worker.wait(timeout=LONG_S)

    def logs(self) -> str:
        """What the workers wrote."""
        return "".join(path.read_text("utf-8", "replace") for path in self.folder.glob("*.log"))

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """The `smsline` command, as a shell would run it."""
        command = [sys.executable, "-m", "smsline.cli", *arguments]
        return subprocess.run(
            command, env=self.environ, cwd=self.folder, capture_output=True, text=True, timeout=LONG_S, check=False
        )


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Line]:
    """One of everything, for all tests of this module."""
    folder = tmp_path_factory.mktemp("line")
    with RedisServer(folder) as redis, Wire() as wire:
        made = Line(redis, wire, folder)
        made.start_otp()
        made.start_bulk()
        yield made
        for name in list(made.workers):
            made.stop(name)
        assert not wire.faults, wire.faults
        assert wire.fullest_second("SendSms") <= SENDS_PER_S * 1.05 + 1
        assert "Traceback" not in made.logs(), made.logs()


@pytest.fixture
def client(line: Line) -> Iterator[Client]:
    """A producer."""
    made = Client(redis_url=line.redis.url)
    yield made
    made.close()


_next = iter(range(13_700_000_000, 13_800_000_000, 20_000))


@pytest.fixture
def numbers() -> list[str]:
    """Twenty thousand mainland numbers that no other test has."""
    first = next(_next)
    return [f"+86{first + n}" for n in range(20_000)]


def closed(client: Client, job: str) -> Status:
    """The job's status once every number has its final answer."""
    return client.wait(job, LONG_S)


def counted(status: Status) -> dict[str, int]:
    """The counts that are not zero."""
    return {name: int(count) for name, count in status["counts"].items() if count}  # type: ignore[call-overload]


def texted(line: Line, numbers: list[str]) -> Counter[int]:
    """How many of these numbers got how many messages."""
    return Counter(line.wire.texts[number] for number in numbers)


def test_a_campaign_reaches_each_number_once_in_the_fewest_calls(
    line: Line, client: Client, numbers: list[str]
) -> None:
    """Five thousand numbers: 25 calls, and a state for each.

    Some are written twice, and some the carrier does not reach.
    """
    wanted = numbers[:5000]
    line.wire.fails |= set(wanted[::100])
    before = len(line.wire.sizes)
    job = client.campaign(to=[*wanted, *wanted[:500]], template="5678")
    status = closed(client, job)
    assert counted(status) == {"total": 5000, "delivered": 4950, "undelivered": 50}
    assert (status["calls"], status["doubled"], status["fee"]) == (25, 500, 5000)
    assert line.wire.sizes[before:] == [200] * 25
    assert texted(line, wanted) == {1: 5000}
    rows = {row["phone"]: row for row in client.results(job)}
    assert rows.keys() == set(wanted)
    assert {number for number, row in rows.items() if row["state"] == "undelivered"} == set(wanted[::100])
    assert all(row["serial"] and row["final_at"] and row["accepted_at"] for row in rows.values())
    assert all(row["attempts"] == 1 for row in rows.values())


def test_passwords_go_out_beside_a_campaign(line: Line, client: Client, numbers: list[str]) -> None:
    """Each number gets its own code, once, while thousands of others are on their way."""
    campaign = client.campaign(to=numbers[:4000], template="5678")
    codes = {number: f"{n:06d}" for n, number in enumerate(numbers[4000:4030])}
    jobs = {
        number: client.send(to=number, template="1234", params=[code, "5"], lane="otp")
        for number, code in codes.items()
    }
    for job in jobs.values():
        assert counted(closed(client, job)) == {"total": 1, "delivered": 1}
    assert {number: line.wire.params[number] for number in codes} == {n: [code, "5"] for n, code in codes.items()}
    assert counted(closed(client, campaign)) == {"total": 4000, "delivered": 4000}
    assert texted(line, numbers[:4030]) == {1: 4030}


def test_single_messages_with_the_same_content_share_calls(line: Line, client: Client, numbers: list[str]) -> None:
    """A hundred and fifty jobs of one number, from eight producers at once: far fewer calls."""
    before = len(line.wire.sizes)
    with ThreadPoolExecutor(8) as pool:
        jobs = list(pool.map(lambda number: client.send(to=number, template="77", lane="marketing"), numbers[:150]))
    for job in jobs:
        assert counted(closed(client, job)) == {"total": 1, "delivered": 1}
    assert texted(line, numbers[:150]) == {1: 150}
    assert len(line.wire.sizes) - before <= 40


def test_no_second_sees_more_calls_than_the_limit(line: Line, client: Client, numbers: list[str]) -> None:
    """Two hundred and fifty calls of one number each want to go at once.

    Two processes share the limit of a hundred a second.
    """
    rows = [Recipient(number, (f"{n:06d}",)) for n, number in enumerate(numbers[:250])]
    job = client.campaign(to=rows, template="1234", lane="notify")
    codes = [client.send(to=number, template="1234", params=["9"], lane="otp") for number in numbers[250:260]]
    assert counted(closed(client, job)) == {"total": 250, "delivered": 250}
    assert all(counted(closed(client, code)) == {"total": 1, "delivered": 1} for code in codes)
    assert [line.wire.params[number] for number in numbers[:250]] == [[f"{n:06d}"] for n in range(250)]
    assert line.wire.fullest_second("SendSms") <= SENDS_PER_S * 1.05 + 1


def test_messages_whose_answer_was_lost_are_found_and_never_sent_twice(
    line: Line, client: Client, numbers: list[str]
) -> None:
    """The provider texted every recipient and hung up.

    Receipts and questions tell, no recipient is texted again.
    """
    lost = iter([True, True, False])

    def hang_up(called: list[str]) -> None:
        if called[0] in wanted and next(lost, False):
            raise HangUp

    wanted = set(numbers[:600])
    line.wire.after_send = hang_up
    status = closed(client, client.campaign(to=numbers[:600], template="5678"))
    line.wire.after_send = lambda _numbers: None
    assert counted(status) == {"total": 600, "delivered": 600}
    # Three would do; after a call without an answer the next ones carry few recipients,
    # until one is answered.
    assert 3 <= status["calls"] <= 10
    assert texted(line, numbers[:600]) == {1: 600}


def test_a_worker_that_is_stopped_under_load_loses_nothing(line: Line, client: Client, numbers: list[str]) -> None:
    """SIGTERM in the middle of a campaign: calls under way are noted, another worker goes on.

    No recipient is texted twice.
    """
    before = sum(line.wire.texts.values())
    job = client.campaign(to=numbers[:5000], template="5678", pace=4000)
    wait_until(lambda: sum(line.wire.texts.values()) - before >= 400, what="the first calls")
    line.start_bulk("next")
    assert line.stop("bulk") == 0
    assert counted(closed(client, job)) == {"total": 5000, "delivered": 5000}
    assert texted(line, numbers[:5000]) == {1: 5000}


def test_a_campaign_that_is_paused_and_cancelled_says_what_became_of_each(
    line: Line, client: Client, numbers: list[str]
) -> None:
    """What had been sent is delivered, the rest is cancelled, and nothing goes out afterwards."""
    job = client.campaign(to=numbers[:2000], template="5678", pace=50)
    wait_until(lambda: line.wire.texts[numbers[0]], what="the first call")
    client.pause(job)
    client.cancel(job)
    counts = counted(closed(client, job))
    sent = sum(line.wire.texts[number] for number in numbers[:2000])
    assert 0 < sent < 2000
    assert counts == {"total": 2000, "delivered": sent, "cancelled": 2000 - sent}
    assert client.status(job)["state"] == "cancelled"


def test_a_foreign_producer_needs_nothing_but_celery(line: Line, client: Client, numbers: list[str]) -> None:
    """The task by its name, the payload as JSON; the same message twice is one job."""
    app = Celery("foreign", broker=line.redis.url, set_as_current=False)
    payload = {
        "v": 1,
        "to": [{"phone": numbers[0], "params": ["314159"], "ref": "login-77"}, numbers[1]],
        "template": "1234",
        "lane": "otp",
        "params": ["271828"],
    }
    for _ in range(2):
        app.send_task("smsline.submit", args=[payload], queue="smsline.otp", task_id="one-and-the-same")
    app.close()
    wait_until(lambda: line.wire.texts[numbers[1]], what="the foreign job")
    (job,) = [
        status["job"]
        for status in admin_of(client).jobs(limit=5)
        if status["template"] == "1234" and is_of(client, status, numbers[0])
    ]
    assert counted(closed(client, job)) == {"total": 2, "delivered": 2}
    assert [line.wire.params[number] for number in numbers[:2]] == [["314159"], ["271828"]]
    assert texted(line, numbers[:2]) == {1: 2}


def is_of(client: Client, status: Status, number: str) -> bool:
    """Whether a small job has this number."""
    return status["counts"]["total"] < 10 and any(row["phone"] == number for row in client.results(status["job"]))


def test_the_command_line_sends_waits_and_tells(line: Line, numbers: list[str]) -> None:
    """`send --wait`, a campaign from a file, its results, and what a refused number looks like."""
    sent = line.run(
        "send", "--to", numbers[0], "--template", "1234", "--param", "482913", "--lane", "otp", "--wait", "--json"
    )
    assert sent.returncode == 0, sent.stderr
    assert one_line(sent.stdout)["counts"]["delivered"] == 1
    file = line.folder / "wave.csv"
    file.write_text(
        "phone,param1,ref\n" + "".join(f"{n},{i % 2},r{i}\n" for i, n in enumerate(numbers[1:41])) + "12,x,bad\n"
    )
    wave = line.run("campaign", str(file), "--template", "5678", "--wait", "--json")
    status = one_line(wave.stdout)
    assert (wave.returncode, status["counts"]["total"], status["counts"]["delivered"]) == (0, 40, 40), wave.stderr
    assert status["calls"] == 2
    assert "12" in (line.folder / "wave.rejected.csv").read_text()
    rows = [json.loads(text) for text in line.run("results", status["job"], "--format", "jsonl").stdout.splitlines()]
    assert {row["ref"]: row["state"] for row in rows} == {f"r{i}": "delivered" for i in range(40)}
    refused = line.run("send", "--to", "12", "--template", "1234")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert len(refused.stderr.strip().splitlines()) == 1


def one_line(text: str) -> dict[str, Any]:
    """The JSON document on standard output."""
    found: dict[str, Any] = json.loads(text.strip().splitlines()[-1])
    return found


def test_no_log_holds_a_number_or_a_code(line: Line, client: Client, numbers: list[str]) -> None:
    """Whatever happened in the tests before."""
    job = client.send(to=numbers[0], template="1234", params=["161803"], lane="otp")
    closed(client, job)
    logs = line.logs()
    assert "161803" not in logs
    assert not [number for number in line.wire.texts if number[1:] in logs]
