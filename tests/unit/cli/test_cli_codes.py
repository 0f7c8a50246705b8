"""`smsline codes`: the tables read out to a person; no client is needed."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from smsline.codes import providers

BALANCE = "FailedOperation.InsufficientBalanceInSmsPackage"


@pytest.fixture
def codes(run: Any, fake: Any) -> Callable[..., Any]:
    """Runs `smsline codes`; asking the client anything would fail."""
    fake.error = AssertionError("codes need no client")
    return lambda *argv: run("codes", *argv)


def test_explain_says_what_it_means_and_what_to_do(codes: Any) -> None:
    """Verdict, meaning, what smsline does, what a person does, and where the fact comes from."""
    ran = codes("explain", BALANCE)

    first = ran.out.splitlines()[:6]
    assert ran.code == 0
    assert first[0] == f"{BALANCE} (tencent api)"
    assert [line.split("  ")[1] for line in first[1:]] == ["verdict", "meaning", "smsline", "what to do", "source"]
    assert "park, of the region" in first[1]


def test_explain_as_json_has_every_reading(codes: Any) -> None:
    """With how it was found."""
    found = json.loads(codes("explain", BALANCE.upper(), "--json").out)

    assert (found[0]["code"], found[0]["verdict"], found[0]["asked"]) == (BALANCE, "park", BALANCE.upper())
    assert found[0]["does"]
    assert {"provider", "namespace", "scope", "meaning", "advice", "source", "how"} <= set(found[0])


def test_a_code_that_several_providers_use_has_several_readings(codes: Any) -> None:
    """Unless a provider is named; smsline's own words always count."""
    everybody = {one["provider"] for one in json.loads(codes("explain", "10", "--json").out)}
    one = {one["provider"] for one in json.loads(codes("explain", "10", "--provider", "smspartner", "--json").out)}

    assert {"tencent", "smspartner"} <= everybody
    assert one == {"smspartner"}


def test_an_unknown_code_is_a_failure_with_a_hint(codes: Any) -> None:
    """A slip gets a suggestion, anything else the way to the list."""
    slip, nonsense = codes("explain", "InsufficientBalanceInSmsPakage"), codes("explain", "zzzqq")

    assert (slip.code, nonsense.code, nonsense.out) == (1, 1, "")
    assert nonsense.err.startswith("smsline: no table knows the code 'zzzqq'; smsline codes list")


def test_a_code_known_by_its_family_only_gets_a_hint_too(codes: Any) -> None:
    """It may be a slip, or new."""
    ran = codes("explain", "FailedOperation.InsufficientBalanceInSmsPakage")

    assert ran.code == 0
    assert ran.out.startswith("FailedOperation.* (tencent api, found by family)")
    assert ran.err == f"did you mean {BALANCE}?\n"


def test_list_has_a_line_for_every_code(codes: Any) -> None:
    """Filtered by provider and verdict."""
    header, *lines = codes("list", "--provider", "tencent", "--verdict", "park").out.splitlines()

    assert header.split() == ["provider", "namespace", "code", "verdict", "scope", "meaning"]
    assert {(line.split()[0], line.split()[3]) for line in lines} == {("tencent", "park")}
    assert BALANCE in [line.split()[2] for line in lines]


def test_list_as_json_is_a_list(codes: Any) -> None:
    """Of the same rows."""
    found = json.loads(codes("list", "--provider", "alibaba", "--verdict", "throttle", "--json").out)

    assert found
    assert {(row["provider"], row["verdict"]) for row in found} == {("alibaba", "throttle")}


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (("explain", "10", "--provider", "tencnt"), f"must be one of {', '.join(providers())}"),
        (("list", "--provider", "tencnt"), f"must be one of {', '.join(providers())}"),
        (("list", "--verdict", "prk"), "must be one of ok, retry, throttle, park, reroute, dead, unsure"),
    ],
)
def test_a_filter_that_is_none_is_bad_input(codes: Any, argv: tuple[str, ...], words: str) -> None:
    """An empty answer would say that there are no such codes."""
    ran = codes(*argv)

    assert (ran.code, ran.out) == (2, "")
    assert words in ran.err
