"""Looking at jobs and steering them."""

import json
from typing import Any

import pytest

from smsline.errors import Conflict
from smsline.ledger.jobs import Counts, Status


def test_status_as_json_is_the_contract(run: Any, fake: Any) -> None:
    """What the client says, whole."""
    ran = run("status", "j1", "--json")

    assert json.loads(ran.out) == fake.statuses[0]


def test_status_shows_the_states_that_recipients_are_in(run: Any) -> None:
    """With their share; no line drawing on a pipe but the bars."""
    ran = run("status", "j1")

    words = [line.split() for line in ran.out.splitlines() if line]
    assert ["job", "j1"] in words
    assert ["waiting", "2", "20.0%"] in [line[:3] for line in words]
    assert not any(line[0] in ("dead", "expired") for line in words)


def test_a_job_still_coming_in_says_so(run: Any, fake: Any) -> None:
    """A campaign is seen before its last part has come."""
    fake.statuses[0]["complete"] = False

    assert "open, still being handed over" in run("status", "j1").out


def test_numbers_left_out_as_duplicates_are_counted(run: Any, fake: Any) -> None:
    """They are in no state, so they are said apart."""
    fake.statuses[0]["doubled"] = 3

    assert ["left", "out", "as", "duplicates", "3"] in [line.split() for line in run("status", "j1").out.splitlines()]


def test_no_value_can_write_on_the_terminal(run: Any, fake: Any) -> None:
    """Control characters from outside are blanked."""
    fake.statuses[0]["template"] = "\x1b[31mred\x07"

    assert "\x1b" not in run("status", "j1", tty=True).out.replace("\x1b[1m", "").replace("\x1b[0m", "")


def test_jobs_lists_one_a_line(run: Any, fake: Any) -> None:
    """However wide: on a pipe nothing is folded."""
    fake.answers["jobs"] = [{**fake.statuses[0], "job": f"j{number}" * 10} for number in range(3)]

    ran = run("jobs")

    header, *lines = ran.out.splitlines()
    assert header.split()[:4] == ["job", "state", "lane", "template"]
    assert [line.split()[0] for line in lines] == ["j0" * 10, "j1" * 10, "j2" * 10]


def test_jobs_as_json_is_a_list(run: Any, fake: Any) -> None:
    """Of statuses."""
    fake.answers["jobs"] = [fake.statuses[0]]

    assert json.loads(run("jobs", "--json").out) == [fake.statuses[0]]


def test_jobs_can_be_limited_and_filtered(run: Any, fake: Any) -> None:
    """The client does both."""
    fake.answers |= {"jobs": [], "never_sent": []}

    assert run("jobs", "--limit", "5", "--state", "open").code == 0

    assert fake.calls == [("jobs", {"limit": 5, "state": "open"}), ("never_sent", {})]


def test_a_state_that_is_none_is_bad_input(run: Any, fake: Any) -> None:
    """An empty list would say that there are no such jobs."""
    ran = run("jobs", "--state", "opn")

    assert (ran.code, fake.calls) == (2, [])
    assert "must be one of open, paused, cancelled, closed" in ran.err


@pytest.mark.parametrize("command", ["pause", "resume", "cancel"])
def test_steering_prints_the_state_after_it(run: Any, fake: Any, command: str) -> None:
    """In words, or the whole status as JSON."""
    fake.statuses = [{**fake.statuses[0], "state": "paused"}]

    assert run(command, "j1").out == "j1 paused\n"
    assert json.loads(run(command, "j1", "--json").out) == fake.statuses[0]
    assert fake.calls == [(command, {"job": "j1"})] * 2


@pytest.mark.parametrize("command", ["pause", "resume", "cancel"])
def test_what_the_state_does_not_allow_is_a_failure(run: Any, fake: Any, command: str) -> None:
    """Exit code 1, one line."""
    fake.error = Conflict("job j1 is closed")

    ran = run(command, "j1")

    assert (ran.code, ran.out, ran.err) == (1, "", "smsline: job j1 is closed\n")


def test_these_tests_speak_of_the_client_s_fields(fake: Any) -> None:
    """What passes here passes there."""
    assert set(fake.statuses[0]) == set(Status.__annotations__)
    assert set(fake.statuses[0]["counts"]) == set(Counts.__annotations__)
