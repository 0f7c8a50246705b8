"""`smsline results`: a stream of rows."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from smsline.cli.results import COLUMNS
from smsline.errors import NotFound
from smsline.ledger.jobs import Result

ROW = {
    "phone": "+8613711112222",
    "ref": "a,b",
    "state": "delivered",
    "code": "DELIVRD",
    "provider": "tencent",
    "serial": "s1",
    "attempts": 1,
    "accepted_at": "2026-08-01T09:00:00Z",
    "final_at": None,
    "fee": 2,
    "country": "CN",
    "message": "sent, they say",
}


def test_csv_has_the_columns_of_the_contract(run: Any, fake: Any) -> None:
    """Quoted where needed; nothing for None."""
    fake.answers["results"] = [ROW]

    ran = run("results", "j1")

    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines() == [
        "phone,ref,state,code,provider,serial,attempts,accepted_at,final_at,fee,country,message",
        '+8613711112222,"a,b",delivered,DELIVRD,tencent,s1,1,2026-08-01T09:00:00Z,,2,CN,"sent, they say"',
    ]


@pytest.mark.parametrize("options", [("--format", "jsonl"), ("--json",), ("--json", "--format", "jsonl")])
def test_jsonl_has_an_object_per_line(run: Any, fake: Any, options: tuple[str, ...]) -> None:
    """--json is the same."""
    fake.answers["results"] = [ROW, ROW]

    assert [json.loads(line) for line in run("results", "j1", *options).out.splitlines()] == [ROW, ROW]


def test_a_job_without_rows_yet_has_a_header(run: Any, fake: Any) -> None:
    """Or no line at all as JSON."""
    fake.answers["results"] = []

    assert run("results", "j1").out.count("\n") == 1
    assert run("results", "j1", "--json").out == ""


def test_an_unknown_job_prints_no_header(run: Any, fake: Any) -> None:
    """Stdout stays empty on failure."""
    fake.error = NotFound("no job 'j9'")

    ran = run("results", "j9")

    assert (ran.code, ran.out, ran.err) == (1, "", "smsline: no job 'j9'\n")


@pytest.mark.parametrize(
    ("options", "words"),
    [(("--format", "xml"), "must be csv or jsonl"), (("--format", "csv", "--json"), "contradicts --json")],
)
def test_a_format_that_is_none_is_bad_input(run: Any, options: tuple[str, ...], words: str) -> None:
    """Refused before anything is asked."""
    ran = run("results", "j1", *options)

    assert (ran.code, ran.out) == (2, "")
    assert words in ran.err


def test_rows_are_streamed(run: Any, fake: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A million rows are not collected: each is written before many more are asked for."""
    written: list[int] = []
    ahead: list[int] = []

    def rows() -> Iterator[dict[str, object]]:
        for number in range(500):
            ahead.append(number - len(written))
            yield ROW

    fake.answers["results"] = rows()
    monkeypatch.setattr("smsline.cli.output.print_json", written.append)

    run("results", "j1", "--json")

    assert len(written) == 500
    assert max(ahead) <= 1


def test_results_have_every_field_of_the_client_s_as_a_column() -> None:
    """In the order of the contract."""
    assert tuple(Result.__annotations__) == COLUMNS == tuple(ROW)


def test_rows_of_a_state_or_a_code_alone(run: Any, fake: Any) -> None:
    """Both hold at once; a state that there is not is refused."""
    failed = {**ROW, "state": "undelivered", "code": "MK:0001"}
    fake.answers["results"] = [ROW, failed]
    assert json.loads(run("results", "j1", "--state", "undelivered", "--code", "MK:0001", "--json").out) == failed
    assert run("results", "j1", "--state", "delivered", "--code", "MK:0001", "--json").out == ""
    assert run("results", "j1", "--state", "lost").code == 2
