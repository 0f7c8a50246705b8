"""`python -m worker.demo` as a newcomer meets it: real processes on free ports.

The pure parts that judge and draw it are tested alone.
"""

import os
import pty
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from smsline.admin import DeadGroup
from smsline.ledger.jobs import Counts, Result, Status
from smsline.numbers import e164, mask
from smsline.states import COUNTED, State
from tests.support.waiting import wait_until
from worker.demo import scenario
from worker.demo.findings import Findings, complaints, latency_s
from worker.demo.play import Otp
from worker.demo.progress import draw, shares
from worker.demo.running import ServiceFailed, running
from worker.demo.summary import show_summary
from worker.sandbox.steering import FATES, SUFFIXES
from worker.supervisor.embedded_redis import answers

ROOT = Path(__file__).parents[2]
DEMO = (sys.executable, "-m", "worker.demo")


def environ(tmp_path: Path, **more: str) -> dict[str, str]:
    """The demo's environment: its temporary folder goes below the test's."""
    return {**os.environ, "TMPDIR": str(tmp_path), **more}


def left_running(tmp_path: Path) -> list[str]:
    """Processes that the demo started, directly or not.

    They have its TMPDIR in their environment, but for Redis, which hides its own.
    """
    listed = subprocess.run(["ps", "axeww"], capture_output=True, text=True, check=True).stdout
    return [line for line in listed.splitlines() if f"TMPDIR={tmp_path}" in line]


def test_the_demo_ends_by_itself_and_every_recipient_has_a_final_answer(tmp_path: Path) -> None:
    """It exits 0 within a minute, quietly, and leaves nothing behind.

    It takes no notice of this machine's settings.
    """
    theirs = {"SMSLINE_REDIS_URL": "redis://127.0.0.1:1/0", "SMSLINE_LINGER": "misspelt", "SMSLINE_CONFIG": "/nowhere"}
    began_s = time.monotonic()

    done = subprocess.run(
        DEMO, cwd=ROOT, env=environ(tmp_path, **theirs), capture_output=True, text=True, timeout=150, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert not done.stderr
    assert "1,003 of 1,003 recipients have a final answer" in done.stdout
    assert "campaign  1,000 of 1,000 closed" in done.stdout
    assert re.search(r"unknown +4 .*\n +unsure\.Horizon +3 .*\n +receipt\.Deadline +1 ", done.stdout)
    assert re.search(r"texted twice +none", done.stdout)
    assert "the console is at http://127.0.0.1:8390" in done.stdout
    assert time.monotonic() - began_s < 60
    assert not list(tmp_path.iterdir())
    assert not left_running(tmp_path)


@contextmanager
def on_a_terminal(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """The demo on a terminal of its own, and the terminal's other end."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        DEMO, cwd=ROOT, env=environ(tmp_path, TERM="xterm"), stdin=theirs, stdout=theirs, stderr=theirs, process_group=0
    )
    os.close(theirs)
    os.set_blocking(ours, False)
    try:
        yield process, ours
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def read_all(descriptor: int, said: list[str]) -> str:
    """All that the terminal was told so far."""
    try:
        while data := os.read(descriptor, 65_536):
            said.append(data.decode(errors="replace"))
    except OSError:  # nothing new, or the other end is closed
        pass
    return "".join(said)


def test_ctrl_c_stops_and_removes_everything(tmp_path: Path) -> None:
    """On a terminal there is a coloured bar for each job.

    Ctrl-C ends with 130 and leaves no process and no file.
    """
    said: list[str] = []
    with on_a_terminal(tmp_path) as (process, terminal):
        wait_until(lambda: "■" in read_all(terminal, said) or process.poll() is not None, what="the bars")
        assert process.poll() is None, read_all(terminal, said)
        at_work = left_running(tmp_path)
        redis_port = int(re.findall(r"SMSLINE_REDIS_URL=redis://127.0.0.1:(\d+)/", "\n".join(at_work))[0])
        assert len(at_work) == 5  # the demo, its supervisor, the sandbox and two workers
        assert answers(redis_port)

        os.killpg(process.pid, signal.SIGINT)

        wait_until(lambda: read_all(terminal, said) and process.poll() is not None, what="the end")
        told = read_all(terminal, said)
    assert process.returncode == 130
    assert "everything is stopped and removed" in told
    assert "Traceback" not in told
    assert re.search(r"campaign.*\x1b\[[0-9;]*m█", told)
    assert not list(tmp_path.iterdir())
    assert not left_running(tmp_path)
    assert not answers(redis_port)


def test_a_service_that_cannot_start_says_why(tmp_path: Path) -> None:
    """The reason reaches the demo, not only the log."""
    (tmp_path / "smsline.toml").touch()
    (tmp_path / "redis").write_text("a file where a folder should be")
    with running(tmp_path) as service, pytest.raises(ServiceFailed, match=r"the folder .*redis cannot be used"):
        service.wait_ready()


def test_the_campaign_has_a_thousand_different_numbers_and_each_steered_one() -> None:
    """The CSV file holds what is promised, and the sandbox steers by each chosen suffix."""
    numbers = scenario.campaign_numbers()
    assert Counter(numbers).most_common(1)[0][1] == 1
    assert len(numbers) == scenario.CAMPAIGN_SIZE
    assert len(list(scenario.csv_lines())) == scenario.CAMPAIGN_SIZE + 1
    assert len(scenario.expected()) == scenario.CAMPAIGN_SIZE + len(scenario.OTP_NUMBERS)
    steered = [number % 10_000 for number in scenario.expected() if number % 10_000 in SUFFIXES]
    assert sorted(steered) == sorted(each.suffix for each in scenario.STEERED)
    assert len(FATES) - 1 == len(scenario.STEERED) + 1  # all but the one that waits for tomorrow


def test_all_as_expected_is_no_complaint() -> None:
    """Findings that agree with the scenario pass, drawn without a gap on a narrow terminal."""
    found = findings()
    assert complaints(found) == []

    for width in (60, 100, 160):
        console = Console(file=StringIO(), width=width)
        show_summary(console, found, 9.87)
        text = console.file.getvalue()  # type: ignore[attr-defined]
        assert re.search(r"delivered +991 ", text)
        assert "5 of 200" in text
        assert "9.9 s" in text


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"state": "undelivered"}, "ended as undelivered (DELIVRD) instead of delivered (DELIVRD)"),
        ({"code": "ZZ:0000"}, "ended as delivered (ZZ:0000) instead of delivered (DELIVRD)"),
        ({"phone": "+8613899999999"}, "1 numbers have no result"),
    ],
)
def test_a_recipient_that_ends_otherwise_is_named_masked(change: dict[str, str], complaint: str) -> None:
    """One wrong end among a thousand is a complaint, and the number is not shown in full."""
    found = findings()
    found.results[0].update(change)  # type: ignore[typeddict-item]

    told = complaints(found)

    assert any(complaint in each for each in told)
    assert not any(re.search(r"\d{11}", each) for each in told)


def test_a_steered_recipient_that_ends_otherwise_is_told_with_its_story() -> None:
    """Who reads the complaint learns what was meant to happen to the number."""
    found = findings()
    next(row for row in found.results if row["phone"].endswith("0005"))["state"] = "unknown"

    (told,) = [each for each in complaints(found) if "0005" in each]

    assert told == (
        "+86138****0005 (timed out and was sent: found by its receipt) ended as unknown (DELIVRD) instead of delivered (DELIVRD)"
    )


def test_a_second_text_to_the_same_number_is_a_complaint() -> None:
    """Even if its recipient ended as it should."""
    found = findings(numbers={"+8613800001000": 2}, messages=997)
    assert any("texted more than once" in each for each in complaints(found))
    assert any("sent 997 messages instead of 996" in each for each in complaints(found))


def test_an_open_job_or_a_missing_dead_letter_is_a_complaint() -> None:
    """Every job must be closed, and the dead letter must hold all dead, undelivered or unknown."""
    found = findings()
    found.statuses["campaign"]["state"] = "open"
    found.dead[0]["count"] -= 1
    assert [each.split(",")[0] for each in complaints(found)] == [
        "campaign",
        "the dead letter holds 11 recipients; 12 are dead",
    ]


def test_otp_latency_is_from_submit_to_the_first_arrival() -> None:
    """Calls of other numbers and of other templates do not count; none at all is no latency."""
    otp = Otp("j", scenario.OTP_NUMBERS[0], 100.0)
    log = [
        {"template": scenario.CAMPAIGN_TEMPLATE, "first": mask(otp.number), "at": 100.1},
        {"template": scenario.OTP_TEMPLATE, "first": mask(scenario.OTP_NUMBERS[1]), "at": 100.2},
        {"template": scenario.OTP_TEMPLATE, "first": mask(otp.number), "at": 100.5},
        {"template": scenario.OTP_TEMPLATE, "first": mask(otp.number), "at": 100.9},
    ]
    assert latency_s(otp, log) == 0.5
    assert latency_s(otp, log[:2]) is None


@pytest.mark.parametrize(
    "counts",
    [
        {"waiting": 1000},
        {"delivered": 991, "undelivered": 4, "dead": 4, "unknown": 1},
        {"delivered": 1, "waiting": 1, "accepted": 1},
        {"delivered": 500, "waiting": 500},
    ],
)
def test_a_bar_is_always_full_and_hides_no_state(counts: dict[str, int]) -> None:
    """The cells add up to the width, and one recipient of a thousand still gets a cell."""
    cells = shares(counts, 40)
    assert sum(cells.values()) == 40
    assert cells.keys() == counts.keys()
    assert min(cells.values()) >= 1
    assert shares({}, 40) == {}


def test_each_job_has_its_row() -> None:
    """The picture names every job, how far it is, and what the colours mean."""
    console = Console(file=StringIO(), width=100)
    console.print(
        draw({"campaign": status("campaign", delivered=600, waiting=400), "otp 1": status("otp", delivered=1)})
    )
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert "600 of 1,000" in text
    assert "1 of 1" in text
    assert "■ delivered  ■ waiting" in text


def status(name: str, **counts: int) -> Status:
    """A closed job's status."""
    every: dict[str, int] = dict.fromkeys(COUNTED, 0) | counts
    every["total"] = sum(counts.values())
    return Status(
        job=f"job-{name}",
        state="closed",
        lane="otp",
        counts=Counts(**every),  # type: ignore[typeddict-item]
        calls=1,
        fee=1,
        created_at="",
        closed_at="",
        complete=True,
        doubled=0,
        template="",
        account="",
    )


def result(number: int, state: str, code: str) -> Result:
    """A recipient's result."""
    return Result(
        phone=e164(number),
        ref="",
        state=state,
        code=code,
        provider="tencent",
        serial="",
        attempts=1,
        accepted_at=None,
        final_at=None,
        fee=1,
        country="CN",
        message="",
    )


def findings(**stats: Any) -> Findings:
    """What a good run finds, with some of the sandbox's statistics replaced."""
    results = [result(number, state, code) for number, (state, code) in scenario.expected().items()]
    counts = Counter(row["state"] for row in results if int(row["phone"]) not in scenario.OTP_NUMBERS)
    statuses = {"campaign": status("campaign", **counts)}
    statuses |= {f"otp {i}": status(f"otp{i}", delivered=1) for i in range(1, 4)}
    lettered = Counter(row["code"] for row in results if row["state"] in {State.DEAD, State.UNDELIVERED, State.UNKNOWN})
    held = {"numbers": {}, "messages": 996, "log": [], "numbers_per_call": {"200": 5, "1": 4}, "calls": {"SendSms": 9}}
    return Findings(
        statuses, results, [group(code, count) for code, count in lettered.items()], held | stats, [0.03] * 3
    )


def group(code: str, count: int) -> DeadGroup:
    """A group of the dead letter."""
    return DeadGroup(
        provider="tencent",
        account="sandbox",
        code=code,
        state="dead",
        count=count,
        jobs=[],
        verdict="",
        meaning="",
        advice="",
    )
