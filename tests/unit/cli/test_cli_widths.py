"""Listings at the widths of real terminals: identifiers stay whole, what is left out is said."""

from typing import Any

import pytest
from rich.cells import cell_len

from smsline.states import COUNTED
from tests.unit.cli.conftest import status_of
from tests.unit.cli.test_cli_accounts import WELL

JOB = "0mwr15lim9fod15prp"
CODE = "FailedOperation.TemplateIncorrectOrUnapproved"
MEANING = "The template is not approved, or its text is another one than the one that was approved. " * 2
WIDTHS = (80, 110, 200)


def jobs() -> list[dict[str, Any]]:
    """Two jobs of a million numbers."""
    counts = dict.fromkeys(COUNTED, 1_000_000)
    one = {**status_of(delivered=1), "counts": counts, "state": "cancelled", "lane": "marketing"}
    return [{**one, "job": JOB, "template": "a-template-of-a-long-name"}, {**one, "job": JOB[::-1]}]


def groups() -> list[dict[str, Any]]:
    """Dead letters of one long code."""
    facts = {
        "code": CODE,
        "provider": "tencent",
        "account": "main",
        "state": "dead",
        "count": 12_345,
        "jobs": [JOB] * 5,
    }
    return [{**facts, "meaning": MEANING, "advice": "Compare the template with the console."}]


def rows() -> list[dict[str, Any]]:
    """Dead letters, number by number."""
    facts = {"job": JOB, "phone": "+8613711112222", "ref": "customer-4711", "account": "main", "provider": "tencent"}
    return [{**facts, "state": "dead", "code": CODE, "attempts": 3, "final_at": "2026-11-20T10:11:12Z"}]


@pytest.fixture
def filled(fake: Any) -> Any:
    """The client, with something to list."""
    fake.answers |= {"jobs": jobs(), "dead_groups": groups(), "dead_rows": rows(), "accounts": [WELL]}
    fake.answers["never_sent"] = []
    return fake


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize(
    ("argv", "whole"),
    [
        (("jobs",), JOB),
        (("dead", "list"), CODE),
        (("dead", "show"), JOB),
        (("dead", "show"), "+8613711112222"),
        (("codes", "list", "--provider", "tencent", "--verdict", "park"), CODE),
    ],
)
@pytest.mark.usefixtures("filled")
def test_identifiers_are_never_folded(run: Any, argv: Any, whole: str, width: int) -> None:
    """A job, a number or a code can be copied from one line."""
    ran = run(*argv, tty=True, environment={"COLUMNS": str(width)})

    assert ran.code == 0
    assert whole in ran.out


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("argv", [("jobs",), ("dead", "list"), ("dead", "show"), ("status", "j1"), ("accounts",)])
@pytest.mark.usefixtures("filled")
def test_no_line_is_wider_than_the_terminal(run: Any, argv: Any, width: int) -> None:
    """Nothing wraps round where the terminal ends."""
    ran = run(*argv, tty=True, environment={"COLUMNS": str(width)})

    assert (
        max(cell_len(line.rstrip()) for line in ran.out.replace("\x1b[1m", "").replace("\x1b[0m", "").splitlines())
        <= width
    )


@pytest.mark.usefixtures("filled")
def test_what_is_left_out_is_said_and_comes_back_with_width(run: Any) -> None:
    """The state, the total, what was delivered and what is dead stay to the last."""
    narrow = run("jobs", tty=True, environment={"COLUMNS": "80"})
    wide = run("jobs", tty=True, environment={"COLUMNS": "200"})

    assert {"job", "state", "total", "delivered", "dead"} <= set(
        narrow.out.replace("\x1b[1m", " ").replace("\x1b[0m", " ").split()
    )
    assert narrow.err.startswith("left out for want of width: ")
    assert "template" in narrow.err
    assert "a-template-of-a-long-name" in wide.out
    assert wide.err == ""


@pytest.mark.usefixtures("filled")
def test_sentences_stand_under_their_row_where_there_is_no_room_beside_it(run: Any) -> None:
    """A meaning in a column of ten letters cannot be read."""
    lines = run("dead", "list", tty=True, environment={"COLUMNS": "110"}).out.splitlines()

    assert CODE in lines[1]
    assert lines[2].startswith("    The template is not approved, or its text")


@pytest.mark.usefixtures("filled")
def test_a_pipe_gets_every_column_whole(run: Any) -> None:
    """Whatever COLUMNS says."""
    header, first, *_ = run("jobs", environment={"COLUMNS": "80"}).out.splitlines()

    assert len(header.split()) == 12
    assert first.split()[0] == JOB
    assert "a-template-of-a-long-name" in first
