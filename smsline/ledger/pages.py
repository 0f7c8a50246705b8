"""Raw pages of receipts and replies as providers push them: stored first, read by workers later."""

from collections.abc import Sequence
from secrets import token_hex
from typing import Literal, NamedTuple, TypeAlias

from smsline.ledger.link import Ledger

# Receipts by push, replies by push, replies by pull.
Kind: TypeAlias = Literal["status", "reply", "replies"]


class PushedPage(NamedTuple):
    """A raw page, kept until what it says is written down."""

    id: str
    raw: bytes

    @property
    def kind(self) -> str:
        """What it holds."""
        return self.id.partition(":")[0]


def page_id(kind: Kind) -> str:
    """A name for a page; stored twice under it, as after a lost answer of Redis, it is one page."""
    return f"{kind}:{token_hex(8)}"


def push(ledger: Ledger, account: str, kind: Kind, raw: bytes, *, page: str = "") -> None:
    """Keep a raw page, in one round trip, before the provider is told that it was taken.

    Args:
        ledger: Where.
        account: Whose page it is.
        kind: What it holds, and how it came.
        raw: Its bytes.
        page: Its name (`page_id`), where it may have to be stored again; a new one when empty.

    Raises:
        redis.exceptions.RedisError: Redis cannot be reached; the page may be there.
    """
    keys = ledger.keys
    ledger.run(
        "push_page",
        [keys.pushed(account), keys.pushed_due],
        [page or page_id(kind), raw, account],
    )


def pushed(ledger: Ledger, account: str, most: int = 8) -> list[PushedPage]:
    """Some of the pages that are not read yet; each stays until `drop`."""
    # At random, so that a page which cannot be read does not keep all others from their turn.
    found = ledger.redis.hrandfield(ledger.keys.pushed(account), most, withvalues=True) or []
    return [PushedPage(name.decode(), raw) for name, raw in zip(found[::2], found[1::2], strict=True)]


def drop(ledger: Ledger, account: str, pages: Sequence[PushedPage]) -> None:
    """Forget pages whose rows are written down."""
    if pages:
        ledger.redis.hdel(ledger.keys.pushed(account), *(page.id for page in pages))
