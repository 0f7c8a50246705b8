"""What a reply says: the exact word, perhaps with a courtesy, acts; what only looks like it is left to a person."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from smsline.ledger.suppression import Scope
from smsline.words.spelling import words_of
from smsline.words.table import WordRow, for_number

Words = tuple[str, ...]
Table = Mapping[Words, WordRow]

LONGEST: Final = 200
"""Characters of a reply that are read: nobody opts out in a letter."""

_FUZZY: Final = 4
"""Letters that a word must have for another spelling of it to be seen."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a reply says.

    Attributes:
        does: `stop` and `start` act; `near` looks like a stop or a start, which a person decides about; else empty.
        scope: What a stop stops; None for all else.
        word: The word of the table that was seen, as people write it; empty when none was.
    """

    does: Literal["stop", "start", "near", ""] = ""
    scope: Scope | None = None
    word: str = ""


def judge(number: int, text: str) -> Judgement:
    """What a reply of a number says.

    Args:
        number: Who wrote it, E.164 integer; a country has words of its own.
        text: What was written.
    """
    table, words = for_number(number), words_of(text[:LONGEST])
    if not words:
        return Judgement()
    seen = _all_known(words, table) or _all_known(("".join(words),), table)
    acting = {row.does: row for row in seen}
    if len(acting) == 1 and len(text) <= LONGEST:
        ((does, row),) = acting.items()
        return Judgement("stop" if does == "stop" else "start", row.scope, " ".join(row.word))
    return _near(words, table)


def stop_scope(number: int) -> Scope:
    """What an opt-out that came without a word stops, by the rule of the number's country: what its STOP does."""
    row = for_number(number).get(("STOP",))
    return row.scope if row and row.scope else "marketing"


def _all_known(words: Words, table: Table) -> list[WordRow]:
    """The stops and starts of a reply that consists of nothing else, apart from courtesies; empty when something is left."""
    found: list[WordRow] = []
    at = 0
    while at < len(words):
        row, taken = _longest(words[at:], table)
        if row is not None:
            found.append(row)
            at += taken
        elif (pieces := _pieces(words[at], table)) is not None:
            found += pieces
            at += 1
        else:
            return []
    return [row for row in found if row.does in {"stop", "start"}]


def _longest(words: Words, table: Table) -> tuple[WordRow | None, int]:
    for size in range(min(4, len(words)), 0, -1):
        if row := table.get(words[:size]):
            return row, size
    return None, 0


def _pieces(run: str, table: Table) -> list[WordRow] | None:
    """A run without blanks, as Chinese is written, as words that follow each other; None when it is anything more."""
    if run.isascii():
        return None
    known = [row for row in table.values() if len(row.word) == 1 and not row.word[0].isascii()]
    found: list[WordRow] = []
    while run:
        row = max((row for row in known if run.startswith(row.word[0])), key=lambda row: len(row.word[0]), default=None)
        if row is None:
            return None
        found.append(row)
        run = run[len(row.word[0]) :]
    return found


def _near(words: Words, table: Table) -> Judgement:
    """Whether a stop or start stands among other words, or one is nearly written."""
    text = f" {' '.join(words)} "
    for row in sorted(table.values(), key=lambda row: -len("".join(row.word))):
        word = " ".join(row.word)
        if row.does not in {"stop", "start"} or len(word) < 2:
            continue
        inside = f" {word} " in text if word.isascii() else word in text
        if inside or any(_alike(each, word) for each in words):
            return Judgement("near", None, word)
    return Judgement()


def _alike(written: str, word: str) -> bool:
    """Whether one slip of a thumb makes the one of the other: a letter too many, too few, another one, or two swapped."""
    if len(word) < _FUZZY or not word.isascii() or abs(len(written) - len(word)) > 1:
        return False
    start = next(
        (i for i, (a, b) in enumerate(zip(written, word, strict=False)) if a != b), min(len(written), len(word))
    )
    rest, wanted = written[start:], word[start:]
    return (
        rest[1:] == wanted[1:]
        or rest[1:] == wanted
        or rest == wanted[1:]
        or (rest[:2] == wanted[1::-1] and rest[2:] == wanted[2:])
    )
