"""What a reply says: the exact word, perhaps with a courtesy, acts.

What only looks like it is left to a person.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from smsline.ledger.suppression import Scope
from smsline.words.spelling import words_of
from smsline.words.table import WordRow, for_number

Words = tuple[str, ...]
Table = Mapping[Words, WordRow]

# Characters of a reply that are read: an opt-out is short, and a longer text is not
# searched word by word.
LONGEST: Final = 200

# Letters that a word must have for another spelling of it to be seen: of three letters nearly
# everything is one slip away.
_FUZZY: Final = 4


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a reply says.

    Attributes:
        does: `stop` and `start` act; `near` looks like a stop or a start, which a person decides
            about; else empty.
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
    # Run together for a second look: Chinese is written without blanks, so they say nothing
    # between its characters.
    seen = _all_known(words, table) or _all_known(("".join(words),), table)
    # STOP START in one reply acts on neither: to guess wrong is to text a person who
    # asked not to be texted.
    acting = {row.does: row for row in seen}
    if len(acting) == 1 and len(text) <= LONGEST:
        ((does, row),) = acting.items()
        return Judgement("stop" if does == "stop" else "start", row.scope, " ".join(row.word))
    return _near(words, table)


def stop_scope(number: int) -> Scope:
    """What an opt-out that came without a word stops, by the rule of the number's country.

    What its STOP does.
    """
    row = for_number(number).get(("STOP",))
    return row.scope if row and row.scope else "marketing"


def _all_known(words: Words, table: Table) -> list[WordRow]:
    """The stops and starts of a reply that consists of nothing else, apart from courtesies.

    Empty when something is left.
    """
    found: list[WordRow] = []
    at = 0
    while at < len(words):
        # The longest first: STOP ALL is one word of the table, and its first
        # word alone is another one.
        size = next((size for size in range(min(4, len(words) - at), 0, -1) if words[at : at + size] in table), 0)
        if size:
            found.append(table[words[at : at + size]])
            at += size
        elif (pieces := _pieces(words[at], table)) is not None:
            found += pieces
            at += 1
        else:
            return []
    return [row for row in found if row.does in {"stop", "start"}]


def _pieces(run: str, table: Table) -> list[WordRow] | None:
    """A run without blanks, as Chinese is written, as words that follow each other.

    None when it is anything more.
    """
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
    # The longest word first, so that a person is shown STOP ALL and not STOP.
    text = f" {' '.join(words)} "
    for row in sorted(table.values(), key=lambda row: -len("".join(row.word))):
        word = " ".join(row.word)
        if row.does not in {"stop", "start"} or len(word) < 2:
            continue
        # Chinese has no blanks to look for; in Latin letters a word within a word
        # (STOPPED) says something else.
        inside = f" {word} " in text if word.isascii() else word in text
        if inside or any(_alike(each, word) for each in words):
            return Judgement("near", None, word)
    return Judgement()


def _alike(written: str, word: str) -> bool:
    """Whether one slip of a thumb makes the one of the other.

    A letter too many, too few, another one, or two swapped.
    """
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
