"""The scripts as Redis gets them.

Each is what Python says of states, what all scripts share, then the script's own file.
"""

import re
from functools import cache
from hashlib import sha1
from importlib.resources import files
from typing import Final

from smsline.states import FINAL, LETTERS, MOVES, State, counted_as

# States whose letter becomes a capital when a person drops the recipient from the dead letter: its
# state stays, and no requeue finds it.
DROPPABLE: Final = (State.UNDELIVERED, State.DEAD, State.UNKNOWN)

# What some scripts share besides `_lib.lua`: an account's circuit breaker; the queues of webhooks.
SHARED: Final = {
    **dict.fromkeys(("begin", "record", "rest"), "_breaker"),
    **dict.fromkeys(("webhook_fan", "webhook_take", "webhook_tried", "webhook_again", "webhook_sooner"), "_webhooks"),
}


@cache
def script_text(name: str) -> str:
    """The script as Redis gets it."""
    shared = tables() + _read("_lib") + (_read(SHARED[name]) if name in SHARED else "")
    own = _read(name)
    # Of what is shared only the pieces that this script uses: at every call Redis runs a
    # script from its first line, which makes each function anew, and for a small script that
    # would be most of its work.
    used, kept = set(_WORD.findall(_COMMENT.sub("", own))), list[str]()
    # From the last piece to the first: a piece may use only what stands before it, so one
    # pass finds all it needs.
    for piece in reversed(_PIECE.split(_COMMENT.sub("", shared))):
        if used.intersection(_NAMED.findall(piece)):
            used.update(_WORD.findall(piece))
            kept.append(piece.strip() + "\n")
    return "".join(kept[::-1]) + own


@cache
def argument_order(name: str, arguments: frozenset[str]) -> tuple[str, ...]:
    """The order in which a script takes a group of arguments, by the names in its own text.

    Raises:
        TypeError: One of them is missing, or the script knows none of that name.
    """
    groups = [tuple(_WORD.findall(found)) for found in _UNPACKED.findall(_read(name))]
    for group in groups:
        if frozenset(group) == arguments:
            return group
    raise TypeError(f"{name}.lua has no arguments {', '.join(sorted(arguments))}; it has {groups}")


def _read(part: str) -> str:
    return (files("smsline.ledger") / "lua" / f"{part}.lua").read_text("utf-8")


_PIECE: Final = re.compile(r"^(?=local )", re.MULTILINE)
_NAMED: Final = re.compile(r"^local (?:function )?(\w+)")
_WORD: Final = re.compile(r"\w+")
_COMMENT: Final = re.compile(r"--[^\n]*")
_UNPACKED: Final = re.compile(r"^ *local ([\w,\s]+) = unpack\(ARGV", re.MULTILINE)


@cache
def script_sha(name: str) -> str:
    """The name Redis knows the script by."""
    return sha1(script_text(name).encode(), usedforsecurity=False).hexdigest()


@cache
def tables() -> str:
    """`smsline/states.py` for Lua: which letters are final, count as what, may become which."""
    letters = {LETTERS[state]: state for state in State}
    dropped = {LETTERS[state].upper(): state for state in DROPPABLE}
    every = letters | dropped
    # Sorted, because a set's order changes from process to process, and a script's name in
    # Redis is its text's hash.
    moves = {
        letter: f"'{''.join(sorted(LETTERS[end] for end in MOVES[state]))}'"
        for letter, state in letters.items()
        if state in MOVES
    }
    return (
        _table("FINAL", {letter: "true" for letter, state in every.items() if state in FINAL})
        + _table("COUNT", {letter: f"'{counted_as(state)}'" for letter, state in every.items()})
        + _table("MOVES", moves)
    )


def _table(name: str, cells: dict[str, str]) -> str:
    return f"local {name} = {{ {', '.join(f'{key} = {value}' for key, value in cells.items())} }}\n"
