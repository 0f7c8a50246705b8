"""Following jobs: `watch`, and --wait after a submit."""

import json
from typing import Any

import pytest

from smsline.errors import NotFound

SEND = ("send", "--to", "+8613711112222", "--template", "1234", "--wait")


@pytest.fixture
def closing(fake: Any) -> Any:
    """A job that closes at the third look."""
    still, done = fake.statuses[0], {**fake.statuses[0], "state": "closed", "closed_at": "2026-08-01T09:01:00Z"}
    moved = {**still, "counts": {**still["counts"], "waiting": 0, "sending": 2}}
    done["counts"] = {**still["counts"], "waiting": 0, "delivered": 10}
    fake.statuses = [still, moved, done]
    return fake


@pytest.mark.usefixtures("closing")
def test_without_a_terminal_every_change_is_a_line(run: Any) -> None:
    """It ends by itself when the job is closed."""
    ran = run("watch", "j1")

    assert ran.code == 0
    assert ran.out.splitlines() == [
        "j1 open: total 10, waiting 2, delivered 8",
        "j1 open: total 10, sending 2, delivered 8",
        "j1 closed: total 10, delivered 10",
    ]


def test_what_has_not_changed_is_not_said_again(run: Any, closing: Any) -> None:
    """A quiet hour is a quiet log."""
    closing.statuses = [closing.statuses[0]] * 5 + closing.statuses[2:]

    ran = run("watch", "j1")

    assert len(ran.out.splitlines()) == 2


@pytest.mark.usefixtures("closing")
def test_as_json_every_change_is_a_status(run: Any) -> None:
    """One object per line, the same as `status --json`."""
    ran = run("watch", "j1", "--json")

    assert [json.loads(line)["state"] for line in ran.out.splitlines()] == ["open", "open", "closed"]


def test_several_jobs_are_watched_until_the_last_is_closed(run: Any, closing: Any) -> None:
    """Each has its own lines."""
    closing.statuses = [closing.statuses[0], closing.statuses[2], closing.statuses[0], closing.statuses[2]]

    ran = run("watch", "j1", "j2")

    assert [line.split(":")[0] for line in ran.out.splitlines()] == ["j1 open", "j2 closed", "j1 closed"]


@pytest.mark.usefixtures("closing")
def test_a_terminal_sees_bars(run: Any) -> None:
    """A row per state that a recipient is in."""
    ran = run("watch", "j1", tty=True)

    assert ran.code == 0
    assert "delivered" in ran.out
    assert "100.0%" in ran.out
    assert "━" in ran.out
    assert "suppressed" not in ran.out


def test_ctrl_c_leaves_quietly(run: Any, fake: Any) -> None:
    """Looking is over; nothing failed."""
    fake.error = KeyboardInterrupt()

    ran = run("watch", "j1")

    assert (ran.code, ran.err) == (0, "")


def test_an_unknown_job_is_a_failure(run: Any, fake: Any) -> None:
    """Exit code 1, one line."""
    fake.error = NotFound("no job 'j9'; smsline jobs lists them")

    ran = run("watch", "j9")

    assert (ran.code, ran.out, ran.err) == (1, "", "smsline: no job 'j9'; smsline jobs lists them\n")


def test_wait_prints_the_final_status(run: Any, closing: Any) -> None:
    """A table; the id is told on stderr at once, so that it is known whatever happens."""
    closing.statuses = closing.statuses[2:]

    ran = run(*SEND)

    assert ran.code == 0
    assert ran.err.startswith("job j1; ")
    assert "closed" in ran.out
    assert ["delivered", "10", "100.0%"] in [line.split()[:3] for line in ran.out.splitlines()]


def test_wait_as_json_prints_the_final_status_alone(run: Any, closing: Any) -> None:
    """The same object as `status --json`."""
    closing.statuses = closing.statuses[2:]

    ran = run(*SEND, "--json")

    assert json.loads(ran.out) == closing.statuses[0]


def test_wait_has_no_end_of_its_own(run: Any, closing: Any) -> None:
    """Unless --timeout sets one."""
    closing.statuses = closing.statuses[2:]
    run(*SEND)
    run(*SEND, "--timeout", "5")

    assert [given["timeout_s"] for name, given in closing.calls if name == "wait"] == [None, 5.0]


@pytest.mark.usefixtures("fake")
def test_time_up_fails_with_the_state_so_far(run: Any) -> None:
    """Exit code 1; the job goes on."""
    ran = run(*SEND, "--timeout", "1", "--json")

    assert ran.code == 1
    assert json.loads(ran.out)["state"] == "open"
    assert ran.err.splitlines()[-1] == "job j1 is not closed after 1 s; it goes on"


@pytest.mark.usefixtures("closing")
def test_wait_on_a_terminal_draws_on_stderr(run: Any) -> None:
    """Stdout has the final table and nothing else."""
    ran = run(*SEND, "--json", tty=True)

    assert "waiting" in ran.err
    assert json.loads(ran.out)["state"] == "closed"


def test_wait_on_a_terminal_keeps_its_time(run: Any, fake: Any) -> None:
    """A timeout of nothing looks once; otherwise no look takes longer than what is left."""
    once, short = (run(*SEND, "--timeout", timeout, "--json", tty=True) for timeout in ("0", "0.1"))

    assert (once.code, json.loads(once.out)["state"]) == (short.code, json.loads(short.out)["state"]) == (1, "open")
    waits = [given["timeout_s"] for name, given in fake.calls if name == "wait"]
    assert waits
    assert max(waits) <= 0.1


def test_leaving_a_wait_is_an_interrupt(run: Any, fake: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 130 as shells have it; the id was told."""

    def wait(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(fake, "wait", wait)

    ran = run(*SEND)

    assert (ran.code, ran.out) == (130, "")
    assert "job j1; it goes on if you leave (smsline watch j1)" in ran.err
