"""The dead letter: seen by code, requeued or dropped by selection."""

import json
from typing import Any

import pytest

from smsline.admin import DeadGroup, DeadRow
from smsline.errors import Conflict

GROUP = {
    "state": "dead",
    "provider": "tencent",
    "account": "main",
    "code": "FailedOperation.PhoneNumberInBlacklist",
    "count": 1234,
    "jobs": ["j1", "j2", "j3", "j4", "j5"],
    "verdict": "dead",
    "meaning": "the number is on the blocklist",
    "advice": "do not send to it",
}
ROW = {
    "job": "j1",
    "phone": "+8613711112222",
    "ref": "r[bold]",
    "account": "main",
    "provider": "tencent",
    "state": "dead",
    "code": "X",
    "attempts": 3,
    "final_at": "2026-08-01T09:00:00Z",
}
FILTERS = ("--code", "X", "--job", "j1", "--account", "main", "--state", "dead")
CHOSEN = {"code": "X", "job": "j1", "account": "main", "state": "dead"}


@pytest.fixture
def dead(fake: Any) -> Any:
    """A client with two groups and a few rows in the dead letter."""
    fake.answers |= {
        "dead_groups": [GROUP, {**GROUP, "code": "Y", "jobs": ["j1"], "count": 6}],
        "requeue": 7,
        "drop": 9,
    }
    fake.answers["dead_rows"] = [{**ROW, "ref": f"r{number}"} for number in range(5)]
    return fake


@pytest.mark.usefixtures("dead")
def test_list_says_what_each_code_means_and_what_to_do(run: Any) -> None:
    """With how many numbers and which jobs; the first few will do."""
    ran = run("dead", "list")

    line = ran.out.splitlines()[1]
    assert ran.code == 0
    for words in (GROUP["code"], "1,234", "j1 j2 j3 +2", GROUP["meaning"], GROUP["advice"]):
        assert str(words) in line


def test_list_as_json_has_all(run: Any, dead: Any) -> None:
    """The client's groups, whole."""
    assert json.loads(run("dead", "list", "--json").out) == dead.answers["dead_groups"]


def test_an_empty_dead_letter_is_said_in_words(run: Any, dead: Any) -> None:
    """And is an empty list as JSON."""
    dead.answers["dead_groups"] = []

    assert run("dead", "list").out == "no dead letters\n"
    assert run("dead", "list", "--json").out == "[]\n"


@pytest.mark.parametrize(
    ("command", "method"), [("list", "dead_groups"), ("show", "dead_rows"), ("requeue", "requeue"), ("drop", "drop")]
)
def test_every_command_takes_the_same_filters(run: Any, dead: Any, command: str, method: str) -> None:
    """Code, job, account and state, each or all."""
    run("dead", command, *FILTERS)

    assert dead.calls == [(method, CHOSEN)]


def test_show_prints_the_numbers_in_full(run: Any, dead: Any) -> None:
    """It is the operator's own tool; values are printed as they are."""
    dead.answers["dead_rows"] = [ROW]

    line = run("dead", "show").out.splitlines()[1]

    assert line.split() == [
        "j1",
        "+8613711112222",
        "r[bold]",
        "main",
        "tencent",
        "dead",
        "X",
        "3",
        "2026-08-01T09:00:00Z",
    ]


def test_what_is_not_known_is_blank(run: Any, dead: Any) -> None:
    """A table has no word for it."""
    dead.answers["dead_rows"] = [{**ROW, "ref": "", "final_at": None}]

    assert "None" not in run("dead", "show").out


@pytest.mark.usefixtures("dead")
def test_show_stops_at_its_limit_and_says_so(run: Any) -> None:
    """0 shows all; as many as the limit are not more than it."""
    limited, all_of_them, just = (run("dead", "show", "--limit", limit) for limit in ("2", "0", "5"))

    assert len(limited.out.splitlines()) == 3
    assert limited.err == "there are more than 2; --limit 0 shows all\n"
    assert (len(all_of_them.out.splitlines()), all_of_them.err) == (6, "")
    assert (len(just.out.splitlines()), just.err) == (6, "")


def test_show_as_json_has_every_row(run: Any, dead: Any) -> None:
    """One object per line, whatever the limit."""
    out = run("dead", "show", "--json", "--limit", "1").out

    assert [json.loads(line) for line in out.splitlines()] == dead.answers["dead_rows"]


@pytest.mark.usefixtures("dead")
@pytest.mark.parametrize(("command", "done", "count"), [("requeue", "requeued", 7), ("drop", "dropped", 9)])
def test_a_change_says_how_many(run: Any, command: str, done: str, count: int) -> None:
    """In words or as JSON; without a terminal no question is asked."""
    assert run("dead", command, "--job", "j1").out == f"{done} {count}\n"
    assert json.loads(run("dead", command, "--job", "j1", "--json").out) == {done: count}


@pytest.mark.parametrize("command", ["requeue", "drop"])
def test_everything_must_be_meant(run: Any, dead: Any, command: str) -> None:
    """No filter needs --all; --all beside a filter is a slip."""
    nothing, both = run("dead", command, "--yes"), run("dead", command, "--all", "--code", "X")

    assert (nothing.code, both.code, dead.calls) == (2, 2, [])
    assert "or --all for the whole dead letter" in nothing.err
    assert "contradicts" in both.err


def test_all_selects_everything(run: Any, dead: Any) -> None:
    """Empty filters hold for every dead letter."""
    run("dead", "requeue", "--all")

    assert dead.calls == [("requeue", {"code": "", "job": "", "account": "", "state": ""})]


@pytest.mark.parametrize("command", ["requeue", "drop"])
def test_a_person_is_asked_first(run: Any, dead: Any, command: str) -> None:
    """With how much it is about; no is a failure that changed nothing, and so is no answer."""
    for answer in ("n\n", "\n", ""):
        ran = run("dead", command, "--code", "X", tty=True, stdin=answer)

        assert f"{command} 1,240 numbers of 5 jobs?" in ran.err
        assert ran.code != 0
        assert ran.out.strip() == ""
    assert {name for name, _ in dead.calls} == {"dead_groups"}


@pytest.mark.parametrize("command", ["requeue", "drop"])
def test_yes_does_it(run: Any, dead: Any, command: str) -> None:
    """Typed, or given as an option."""
    typed, given = run("dead", command, *FILTERS, tty=True, stdin="y\n"), run("dead", command, *FILTERS, "-y", tty=True)

    done = [given for name, given in dead.calls if name == command]
    assert (typed.code, given.code) == (0, 0)
    assert [{key: value for key, value in call.items() if key != "on_progress"} for call in done] == [CHOSEN, CHOSEN]


def test_a_requeue_counts_on_a_terminal(run: Any, dead: Any) -> None:
    """The client is given something to count with; a pipe needs no counting."""
    run("dead", "requeue", *FILTERS, "-y", tty=True)
    run("dead", "requeue", *FILTERS)

    (_, watched), (_, piped) = dead.calls
    watched["on_progress"](500)
    assert "on_progress" not in piped


def test_what_cannot_be_requeued_is_a_failure_that_says_what_was(run: Any, dead: Any) -> None:
    """The client's words, exit code 1."""
    dead.error = Conflict("5 requeued; not requeued: job j2: its ttl has passed")

    ran = run("dead", "requeue", "--code", "X")

    assert (ran.code, ran.err) == (1, "smsline: 5 requeued; not requeued: job j2: its ttl has passed\n")


def test_these_tests_speak_of_the_client_s_fields() -> None:
    """What passes here passes there."""
    assert set(GROUP) == set(DeadGroup.__annotations__)
    assert set(ROW) == set(DeadRow.__annotations__)
