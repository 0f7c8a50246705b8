"""Receipts that match nothing yet, kept until their send, or its loss, is written down."""

import json
from collections.abc import Sequence

from smsline.ledger import recipients
from smsline.ledger.keys import INDEX_TTL_S
from smsline.ledger.link import Ledger, Value
from smsline.ledger.serials import Found
from smsline.receipt import Receipt


def keep(ledger: Ledger, account: str, receipts: Sequence[Receipt], *, today: int) -> Found:
    """Keep receipts that match nothing.

    Returns:
        Those whose send was recorded in this very moment, which are not kept.
    """
    if not receipts:
        return Found([], 0, [])
    args: list[Value] = [INDEX_TTL_S]
    for receipt in receipts:
        args += [receipt.number, _text(receipt)]
    ledger.run("orphan", [ledger.keys.orphans(account, today), ledger.keys.account(account)], args)
    # In this order: a record after the keeping finds them (`match_early`), one
    # before it is found here.
    late = recipients.find(ledger, account, receipts, today=today)
    if len(late.left) < len(receipts):
        left = set(map(id, late.left))
        drop(ledger, account, [receipt for receipt in receipts if id(receipt) not in left], today=today)
    return late


def kept(ledger: Ledger, account: str, numbers: Sequence[int], *, today: int) -> list[Receipt]:
    """Receipts kept for any of these numbers, of today and yesterday."""
    receipts: list[Receipt] = []
    # Yesterday's, too: they are kept under the day on which they came, and a call may
    # have ended at midnight.
    for day in (today, today - 1):
        key = ledger.keys.orphans(account, day)
        if numbers and ledger.redis.exists(key):
            for text in ledger.redis.hmget(key, [str(number) for number in numbers]):
                receipts += [Receipt(*json.loads(line).values()) for line in text.decode().split("\n")] if text else []
    return receipts


def drop(ledger: Ledger, account: str, receipts: Sequence[Receipt], *, today: int) -> None:
    """Forget kept receipts that found their recipients; others of the same number stay."""
    # In both days: under which of them a receipt was kept is not remembered, and where it
    # is not nothing happens.
    ledger.run_many(
        [
            ("drop_orphan", [ledger.keys.orphans(account, day)], [receipt.number, _text(receipt)])
            for day in (today, today - 1)
            for receipt in receipts
        ]
    )


def _text(receipt: Receipt) -> str:
    """A receipt as it is kept: one line, by which it is also found again."""
    # The names are those of the first release, whose workers may read the line; their
    # order is that of `Receipt`.
    names = ("number", "serial", "ok", "code", "at_s", "context", "message")
    fields = receipt if receipt.message else receipt[:-1]
    return json.dumps(dict(zip(names, fields, strict=False)), separators=(",", ":"))
