"""What providers push: receipts and replies in each one's form, and the answer it expects."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Final, Literal, cast

import msgspec

from config.providers import PROVIDERS
from worker.providers.base import Receipt, ReceiptPage, Reply, ReplyPage
from worker.providers.reading import receipts_of, replies_of

# Characters of a reply that are kept.
LONGEST_TEXT: Final = 4096

# In place of a receipt: the row can be read, and the message is still on its way.
PENDING: Final = "pending"


@dataclass(frozen=True, slots=True)
class PushFormat:
    """How one provider pushes: what differs between providers is a row, and the answer.

    Attributes:
        receipt: Reads a row of a page of receipts; None for a row that cannot be read.
        reply: Reads a row of a page of replies, likewise.
        taken: The body of the answer that says that a page was taken.
        form: Whether bodies may be forms and query strings too; they are stored as JSON.
    """

    receipt: Callable[[dict[str, Any]], Receipt | Literal["pending"] | None]
    reply: Callable[[dict[str, Any]], Reply | None]
    taken: bytes
    form: bool = False

    def read_receipts(self, raw: bytes) -> ReceiptPage:
        """A stored page of receipts, decoded."""
        return receipts_of(rows_of(raw), self.receipt)

    def read_replies(self, raw: bytes) -> ReplyPage:
        """A stored page of replies, decoded."""
        return replies_of(rows_of(raw), self.reply)


@lru_cache(maxsize=64)
def push_format(provider: str) -> PushFormat | None:
    """How a provider pushes, from `push.PUSH` of its package; None for one that does not."""
    name = f"{PROVIDERS[provider]}.push"
    return cast("PushFormat", import_module(name).PUSH) if find_spec(name) else None


def rows_of(raw: bytes) -> list[dict[str, Any]]:
    """The objects of a page that is a list of them or a single one; what is neither is left out."""
    try:
        found = msgspec.json.decode(raw)
    except (ValueError, RecursionError):  # msgspec's errors and bad UTF-8 are ValueErrors
        return []
    return [row for row in (found if isinstance(found, list) else [found]) if isinstance(row, dict)]


def count_rows(raw: bytes) -> int | None:
    """How many rows a body has, unread; None when it is neither a JSON object nor a list."""
    try:
        found = _ROWS.decode(raw)
    except (ValueError, RecursionError):
        return None
    return len(found) if isinstance(found, list) else 1


_ROWS: Final = msgspec.json.Decoder(list[msgspec.Raw] | dict[str, msgspec.Raw])
