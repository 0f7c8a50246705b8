"""Raw pages of receipts, stored before anything looks at them.

A provider's queue gives each receipt once.
"""

from collections.abc import Sequence
from secrets import token_hex
from typing import NamedTuple

from smsline.ledger.link import Ledger


class Page(NamedTuple):
    """A raw page of receipts, kept until it is applied."""

    id: str
    raw: bytes


def new_page(raw: bytes) -> Page:
    """A page that came just now; stored twice, as after a lost answer of Redis, it is one page."""
    return Page(token_hex(8), raw)


def store_page(ledger: Ledger, account: str, page: Page) -> Page:
    """Keep a raw page, in one command."""
    ledger.redis.hset(ledger.keys.pages(account), page.id, page.raw)
    return page


def stored_pages(ledger: Ledger, account: str, most: int = 4) -> list[Page]:
    """Some of the pages that are not applied yet; each stays until `drop_pages`."""
    # At random, so that a page which cannot be applied does not keep all others from their turn.
    found = ledger.redis.hrandfield(ledger.keys.pages(account), most, withvalues=True) or []
    return [Page(name.decode(), raw) for name, raw in zip(found[::2], found[1::2], strict=True)]


def drop_pages(ledger: Ledger, account: str, pages: Sequence[Page]) -> None:
    """Forget pages whose receipts are applied or kept."""
    if pages:
        ledger.redis.hdel(ledger.keys.pages(account), *(page.id for page in pages))
