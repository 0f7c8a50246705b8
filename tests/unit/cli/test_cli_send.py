"""`smsline send`."""

import json
import sys
from typing import Any

import pytest

from smsline.cli import main
from smsline.cli.options import Connect
from smsline.errors import BadInput, Unavailable

MINIMAL = ("send", "--to", "+8613711112222", "--template", "1234")


def test_the_job_id_stands_alone_on_stdout(run: Any) -> None:
    """So that `JOB=$(smsline send …)` works."""
    ran = run(*MINIMAL)

    assert (ran.code, ran.out, ran.err) == (0, "j1\n", "")


def test_as_json_it_is_an_object(run: Any) -> None:
    """`{"job": id}` and nothing else."""
    ran = run(*MINIMAL, "--json")

    assert json.loads(ran.out) == {"job": "j1"}


def test_every_option_reaches_the_client(run: Any, fake: Any) -> None:
    """Params keep their order."""
    options = [
        "--sign",
        "Shop",
        "--sender",
        "ACME",
        "--lane",
        "notify",
        "--window",
        "09:00-20:00",
        "--ttl",
        "300",
        "--job-id",
        "0mx0noynn5290geyda",
        "--key",
        "k1",
        "--account",
        "main",
        "--ref",
        "r1",
        "--allow-unassigned",
        "--allow-blank",
    ]

    run(*MINIMAL, "--param", "482913", "--param", "5", *options)

    assert fake.calls == [
        (
            "send",
            {
                "to": "+8613711112222",
                "template": "1234",
                "params": ["482913", "5"],
                "sign": "Shop",
                "sender": "ACME",
                "lane": "notify",
                "window": "09:00-20:00",
                "ttl_s": 300.0,
                "job_id": "0mx0noynn5290geyda",
                "key": "k1",
                "account": "main",
                "ref": "r1",
                "allow_unassigned": True,
                "allow_blank": True,
            },
        )
    ]


def test_what_is_left_out_is_left_to_the_client(run: Any, fake: Any) -> None:
    """The lane is notify; the ttl is the lane's own."""
    run(*MINIMAL)

    sent = fake.calls[0][1]
    assert (sent["lane"], sent["ttl_s"], sent["params"]) == ("notify", None, [])


def test_a_value_the_client_refuses_is_bad_input(run: Any, fake: Any) -> None:
    """Exit code 2, one line on stderr, nothing on stdout."""
    fake.error = BadInput("ttl_s", 0, "must be more than 0")

    ran = run(*MINIMAL, "--ttl", "0")

    assert (ran.code, ran.out, ran.err) == (2, "", "smsline: ttl_s: '0': must be more than 0\n")


def test_a_ledger_that_is_away_is_a_failure(run: Any, fake: Any) -> None:
    """Exit code 1: the same call may work later."""
    fake.error = Unavailable("Redis at 127.0.0.1:6390 cannot be reached; start it and try again")

    ran = run(*MINIMAL)

    assert (ran.code, ran.out) == (1, "")
    assert ran.err == "smsline: Redis at 127.0.0.1:6390 cannot be reached; start it and try again\n"


def test_a_code_from_standard_input(run: Any, fake: Any) -> None:
    """`--param -` reads a line of standard input, so that a code is in no process list.

    Without a line it is refused.
    """
    run(*MINIMAL, "--param", "-", "--param", "x", "--param", "-", stdin="482913\r\n 5")
    assert fake.calls[0][1]["params"] == ["482913", "x", " 5"]

    ran = run(*MINIMAL, "--param", "-")
    assert (ran.code, ran.out) == (2, "")
    assert "must have a line on standard input" in ran.err


def test_a_closed_standard_input_has_no_line(fake: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A script may have closed it (`<&-`): Python then has none; the refusal is about the param."""
    monkeypatch.setattr("sys.stdin", None)
    assert main([*MINIMAL, "--param", "-"], connect=Connect(lambda: fake, lambda: fake)) == 2
    sys.stdin.close()


def test_a_key_that_is_given_is_not_empty(run: Any) -> None:
    """A script whose variable is not set would send at each repetition."""
    ran = run(*MINIMAL, "--key", "")
    assert (ran.code, ran.err) == (2, "smsline: --key: '': is empty; leave it out where none is meant\n")
