"""The table of words: what ships with smsline, and what a user's file changes in it."""

import csv
from collections.abc import Iterable, Iterator
from functools import lru_cache
from importlib.resources import files
from os import PathLike
from pathlib import Path
from typing import Final, Literal, NamedTuple, TypeAlias, get_args

from smsline.errors import BadInput
from smsline.ledger.suppression import SCOPES, Scope, check_scope
from smsline.words.spelling import words_of

# What a word does; `courtesy` may stand beside another word, `ignore` takes a shipped word out.
Does: TypeAlias = Literal["stop", "start", "courtesy", "ignore"]

EVERYWHERE: Final = "*"
_COLUMNS: Final = ("word", "does", "scope", "prefix", "language")


class WordRow(NamedTuple):
    """One row of the table.

    Attributes:
        word: One or more words as `words_of` spells them.
        does: What it does.
        scope: What a stop stops; None for all others.
        prefix: Of the numbers it is for, without plus sign; `*` for all.
        language: Of people, for people.
    """

    word: tuple[str, ...]
    does: Does
    scope: Scope | None
    prefix: str
    language: str


class BadWords(BadInput):
    """A file of words with a bad line; none of its lines holds."""


def shipped() -> list[WordRow]:
    """The table that comes with smsline."""
    text = (files("smsline.words") / "data" / "words.tsv").read_text("utf-8")
    return list(_read(text.splitlines(), "words.tsv"))


def load_words(path: str | PathLike[str]) -> int:
    """Let a file's rows replace those of the same word and prefix in this process, or add to them.

    The file is text in UTF-8 with tabs between the columns `word`, `does`, `scope`, `prefix`,
    `language` and a header.

    Returns:
        How many rows it has.

    Raises:
        BadWords: The file cannot be read, or one of its lines breaks a rule.
    """
    try:
        lines = Path(path).read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BadWords("words_file", str(path), f"cannot be read as text in UTF-8 ({type(error).__name__})") from None
    # Read whole before the old rows go: a file with a bad line leaves all as it was.
    rows = list(_read(lines, str(path)))
    _own.clear()
    _own.extend(rows)
    for_prefixes.cache_clear()
    return len(rows)


def clear_words() -> None:
    """Go back to the table that comes with smsline."""
    _own.clear()
    for_prefixes.cache_clear()


_own: Final[list[WordRow]] = []

# A country code and an area code: words differ by country, and by area within North America.
# Numbers that begin alike share one table in the cache.
LONGEST_PREFIX: Final = 7


def for_number(number: int) -> dict[tuple[str, ...], WordRow]:
    """The words that count for a number, each in the row of the longest prefix that fits."""
    return for_prefixes(str(number)[:LONGEST_PREFIX])


@lru_cache(maxsize=4096)
def for_prefixes(digits: str) -> dict[tuple[str, ...], WordRow]:
    """The words for numbers that begin so."""
    # The user's rows come second, and so replace shipped ones of the same word and prefix.
    rows = {(row.word, row.prefix): row for row in [*shipped(), *_own]}
    fitting = [row for row in rows.values() if row.prefix == EVERYWHERE or digits.startswith(row.prefix)]
    # Sorted so that the row of the longest prefix is the last one, and stays.
    best = {row.word: row for row in sorted(fitting, key=lambda row: len(row.prefix.strip(EVERYWHERE)))}
    return {word: row for word, row in best.items() if row.does != "ignore"}


def _read(lines: Iterable[str], name: str) -> Iterator[WordRow]:
    reader = csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
    header = tuple(cell.strip() for cell in next(reader, []))
    if header != _COLUMNS:
        raise BadWords(f"{name} line 1", "\t".join(header), f"must be the header {' '.join(_COLUMNS)}, divided by tabs")
    for line, cells in enumerate(reader, 2):
        if any(map(str.strip, cells)):
            yield _row([cell.strip() for cell in cells], f"{name} line {line}")


def _row(cells: list[str], where: str) -> WordRow:
    # A stop needs its scope and nothing else may have one: a scope that is forgotten would
    # let a STOP stop nothing.
    if len(cells) != len(_COLUMNS):
        raise BadWords(where, len(cells), f"must have {len(_COLUMNS)} cells, divided by tabs")
    written, does, scope, prefix, language = cells
    word, prefix = words_of(written), prefix.removeprefix("+")
    if not word:
        raise BadWords(f"{where}: word", written, "must have a letter")
    for known in get_args(Does):
        if does == known:
            break
    else:
        raise BadWords(f"{where}: does", does, f"must be one of {', '.join(get_args(Does))}")
    if prefix != EVERYWHERE and not (prefix.isdecimal() and len(prefix) <= LONGEST_PREFIX):
        raise BadWords(f"{where}: prefix", prefix, "must be digits such as 86, or * for all numbers")
    if (does == "stop") != (scope in SCOPES):
        raise BadWords(f"{where}: scope", scope, f"must be {', '.join(SCOPES)} where the word stops, else empty")
    return WordRow(word, known, check_scope(scope) if scope else None, prefix, language)
