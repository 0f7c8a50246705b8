"""Codes and names of accounts as small numbers: two bytes in a block, the text once in the ledger.

A code with what the provider said beside it has a number of its own, so that a recipient's message
costs nothing more.

Each process remembers the numbers. A Redis that lost its last writes may have given one to another
code since: so every script that writes numbers is told the codes they stand for, refuses when that
is not so any more, and is asked again with fresh numbers.
"""

import re
from collections.abc import Callable
from typing import Any, Final

from smsline.ledger.keys import Keys

# Characters of a provider's code that are kept: the longest that is known has 63, and a whole page
# may come in its place.
LONGEST_CODE: Final = 80

# Characters of a provider's message that are kept.
LONGEST_MESSAGE: Final = 200

# Numbers and ids, masked or not, in a message: they say nothing of the code, and would make a
# text of its own of each.
_ID: Final = re.compile(r"\+?[0-9][0-9*]{6,}")

# Numbers that a process remembers; those of a ledger with more are asked for again.
REMEMBERED: Final = 5000


class Codes:
    """The codes of one ledger, as one process knows them.

    Args:
        keys: The ledger's.
        run: Runs a script of the ledger.
    """

    def __init__(self, keys: Keys, run: Callable[[str, list[str], list[str]], Any]) -> None:
        self._keys, self._run = keys, run
        self._numbers: dict[tuple[str, str], tuple[int, str]] = {}
        self._worded: set[str] = set()

    def number(self, code: str, message: str = "") -> tuple[int, str]:
        """The number of a code with a message, and the code that it stands for.

        `other` when there are too many; 0 for no code.
        """
        if not code:
            return 0, ""
        message = _ID.sub("…", " ".join(message.split()))[:LONGEST_MESSAGE] if message else ""
        # A code that has as many texts as are kept is not asked about for each new one.
        found = self._numbers.get((code, message)) or (code in self._worded and self._numbers.get((code, "")))
        if found:
            return found
        keys, name = self._keys, " ".join(code.split())[:LONGEST_CODE]
        number, known_as, kept = self._run("intern", [keys.codes, keys.names, keys.messages], [name, message])
        if len(self._numbers) >= REMEMBERED:
            self.forget()
        if kept.decode() != message:
            self._worded.add(code)
            message = ""
        self._numbers[code, message] = int(number), known_as.decode()
        return self._numbers[code, message]

    def forget(self) -> None:
        """Ask anew for every number."""
        self._numbers, self._worded = {}, set()


class CodeUse:
    """The codes that one call of a script writes."""

    def __init__(self, codes: Codes) -> None:
        self._codes = codes
        self._used: dict[int, str] = {}

    def number(self, code: str, message: str = "") -> int:
        """The number to write for a code and what was said beside it; 0 for none."""
        number, name = self._codes.number(code, message)
        if number:
            self._used[number] = name
        return number

    def name(self, code: str) -> str:
        """How the ledger writes a code; `other` when there are too many."""
        return self._codes.number(code)[1]

    def lines(self) -> str:
        """What the script holds against the ledger."""
        return "\n".join(f"{number} {name}" for number, name in self._used.items())


def tidy_code(code: str) -> str:
    """A code as it may stand in a dead letter's name: one word, no longer than the ledger keeps."""
    return "_".join(code.split())[:LONGEST_CODE]
