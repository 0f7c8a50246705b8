"""`smsline suppress`."""

import json
from pathlib import Path
from typing import Any

import pytest

LISTED = {
    "phone": "+8613711112222",
    "scope": "marketing",
    "source": "reply main",
    "reason": "=the word TD",
    "at": "2026-11-28T17:00:00.000Z",
}


@pytest.fixture
def line(fake: Any) -> Any:
    """A client that takes every number."""
    fake.answers |= {"suppress": 2, "unsuppress": 1, "suppressed": [LISTED]}
    return fake


def test_numbers_are_added(line: Any, run: Any) -> None:
    """What is given on the command line goes onto the list."""
    done = run("suppress", "add", "+8613711112222", "+6591234567")
    assert (done.code, done.out) == (0, "2 numbers added\n")
    assert line.numbers == ["+8613711112222", "+6591234567"]


def test_a_file_is_read_row_by_row(line: Any, run: Any, tmp_path: Path) -> None:
    """Good rows go onto the list, bad ones are named with their line.

    The exit code says that there were some.
    """
    source = tmp_path / "stop.csv"
    source.write_text("phone\n+8613711112222\nnobody\n+6591234567\n")
    done = run("suppress", "add", "--file", str(source), "--json")
    assert done.code == 2
    assert json.loads(done.out) == {"changed": 2, "rejected": 1}
    assert "line 3: phone: 'no****'" in done.err
    assert line.numbers == ["+8613711112222", "+6591234567"]


def test_numbers_are_removed_and_listed(line: Any, run: Any) -> None:
    """The list can be read, and mended."""
    assert run("suppress", "remove", "+8613711112222").out == "1 number removed\n"
    assert line.numbers == ["+8613711112222"]
    assert json.loads(run("suppress", "list", "--json").out) == LISTED


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_what_list_prints_is_what_add_takes(line: Any, run: Any, tmp_path: Path, options: tuple[str, ...]) -> None:
    """Each entry keeps its scope, source, reason and time, if the command line says no other."""
    saved = tmp_path / "stop"
    saved.write_text(run("suppress", "list", *options).out)
    assert run("suppress", "add", "--file", str(saved)).code == 0
    assert line.entries == [LISTED]
    run("suppress", "add", "--file", str(saved), "--scope", "all", "--reason", "asked by letter")
    assert line.entries == [{**LISTED, "scope": "all", "reason": "asked by letter"}]


def test_a_broken_line_of_json_is_told_and_left_out(line: Any, run: Any, tmp_path: Path) -> None:
    """The others are taken."""
    saved = tmp_path / "stop.jsonl"
    saved.write_text('{"phone": "+8613711112222"}\n{"phone":\n\n[1]\n{"scope": "all"}\n{"phone": "12"}\n')
    done = run("suppress", "add", "--file", str(saved))
    assert done.code == 2
    assert [entry["phone"] for entry in line.entries] == ["+8613711112222"]
    assert all(f"line {number}: " in done.err for number in (2, 4, 5, 6))


@pytest.mark.usefixtures("line")
def test_nothing_given_is_bad_input(run: Any) -> None:
    """A person is told what to give."""
    done = run("suppress", "add")
    assert done.code == 2
    assert "--file" in done.err
