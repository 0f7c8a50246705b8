"""What the scripts and Python must agree on: states and their moves, positions, entries, keys."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsline.ledger.codes import tidy_code
from smsline.ledger.keys import PERMANENT, Keys
from smsline.ledger.link import Value, argv
from smsline.ledger.runs import Entry, decode, encode, parse_entry
from smsline.ledger.scripts import script_text, tables
from smsline.states import COUNTED, FINAL, LETTERS, MOVES, State, counted_as

ROOT = Path(__file__).parents[3]


def table(name: str) -> dict[str, str]:
    """A table of the scripts' own library, letter by letter."""
    body = re.search(rf"local {name} = \{{(.*?)\}}", tables(), re.DOTALL)
    assert body
    return {key: value.strip("'") for key, value in re.findall(r"(\w) = ('[a-zA-Z]+'|true)", body.group(1))}


def test_the_scripts_allow_the_moves_that_the_states_allow() -> None:
    """Besides them only that a person drops what is in the dead letter, written as a capital."""
    allowed = {key: set(value) - {"F", "X", "U"} for key, value in table("MOVES").items()}
    assert allowed == {LETTERS[state]: {LETTERS[to] for to in moves} for state, moves in MOVES.items()}


def test_a_script_brings_along_only_what_it_uses() -> None:
    """Run from its first line at every call, it would pay more for the unused than for its work."""
    assert len(script_text("hget_each")) < 600
    assert "local function settle(" in script_text("record")
    assert "local function settle(" not in script_text("take")
    assert script_text("take").index("local function positions(") < script_text("take").index("local queue_key")


def test_arguments_are_given_by_the_names_in_the_script() -> None:
    """Two that change places, or one forgotten, is an error here, not a wrong value later."""
    args: dict[str, Value] = {
        "queue": "q",
        "attempt": 7,
        "limit": 200,
        "linger_ms": 0,
        "lease_ms": 60_000,
        "worker": "w",
    }
    assert argv("take", **dict(reversed(args.items()))) == list(args.values())
    for wrong in (args | {"more": 1}, {name: args[name] for name in list(args)[1:]}):
        with pytest.raises(TypeError, match=r"take\.lua has no arguments .*attempt"):
            argv("take", **wrong)


def test_the_scripts_count_and_end_states_as_python_does() -> None:
    """A dropped recipient counts as what it was."""
    counts = {key: value for key, value in table("COUNT").items() if key.islower()}
    assert counts == {LETTERS[state]: counted_as(state) for state in State}
    assert set(counts.values()) == set(COUNTED) - {"total"}
    assert {key for key in table("FINAL") if key.islower()} == {LETTERS[state] for state in FINAL}


@given(st.sets(st.integers(0, 199)))
def test_positions_survive_their_writing(positions: set[int]) -> None:
    """Runs are what blocks and entries keep."""
    assert decode(encode(sorted(positions))) == sorted(positions)


@given(st.sets(st.integers(0, 199), min_size=1), st.integers(1, 10**9))
def test_entries_survive_their_writing(positions: set[int], block: int) -> None:
    """An entry is one word."""
    entry = Entry("0mwqw8npf03408l4e9", block, encode(sorted(positions)))
    assert parse_entry(entry.text()) == entry
    assert " " not in entry.text()


@given(st.text(max_size=200))
def test_a_code_of_any_shape_becomes_one_short_word(code: str) -> None:
    """It is part of a dead letter's name."""
    tidy = tidy_code(code)
    assert len(tidy) <= 80
    assert len(tidy.split()) <= 1
    assert tidy_code(tidy) == tidy


def test_all_keys_of_a_ledger_share_a_hash_tag() -> None:
    """So that its scripts could run on a Redis Cluster; and each of them is used."""
    keys = Keys("mine")
    used = "".join(path.read_text() for top in ("smsline", "worker") for path in (ROOT / top).rglob("*.py"))
    assert not [name for name in dir(keys) if name[0] != "_" and not re.search(rf"\.{name}\b(?! = )", used)]
    for key in (keys.jobs, keys.job("j"), keys.block(1), keys.queue("l"), keys.index("a", 1, 2), keys.wakes("q")):
        assert key.startswith("{mine}:")


@pytest.mark.parametrize("name", PERMANENT)
def test_permanent_keys_are_documented(name: str) -> None:
    """The table in the module says what lives for ever."""
    import smsline.ledger.keys  # noqa: PLC0415 - its text is what is tested

    assert name.rstrip(":") in str(smsline.ledger.keys.__doc__)
