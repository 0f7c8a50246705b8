"""Receipts that match nothing yet, kept until their send, or its loss, is written down."""

import json
from collections.abc import Sequence

from smsline.ledger.keys import INDEX_TTL_S
from smsline.ledger.link import Ledger, Value
from smsline.ledger.serial_index import serial_place
from smsline.ledger.serials import Found, sorted_out
from smsline.receipt import Receipt


def keep(ledger: Ledger, account: str, receipts: Sequence[Receipt], *, today: int) -> Found:
    """Keep receipts that match nothing.

    Returns those whose send was recorded in this very moment.
    """
    if not receipts:
        return Found([], 0, [])
    keys = ledger.keys
    key_list, args = [keys.orphans(account, today), keys.account(account)], list[Value]([INDEX_TTL_S])
    for receipt in receipts:
        shard, field = serial_place(receipt.serial)
        key_list.append(keys.index(account, today, shard))
        args += [field, receipt.number, _text(receipt)]
    return sorted_out(receipts, ledger.run("orphan", key_list, args), [today] * len(receipts))


def kept(ledger: Ledger, account: str, numbers: Sequence[int], *, today: int) -> list[Receipt]:
    """Receipts kept for any of these numbers, of today and yesterday."""
    receipts: list[Receipt] = []
    for day in (today, today - 1):
        key = ledger.keys.orphans(account, day)
        if numbers and ledger.redis.exists(key):
            for text in ledger.redis.hmget(key, [str(number) for number in numbers]):
                receipts += [Receipt(*json.loads(line).values()) for line in text.decode().split("\n")] if text else []
    return receipts


def drop(ledger: Ledger, account: str, receipts: Sequence[Receipt], *, today: int) -> None:
    """Forget kept receipts that found their recipients; others of the same number stay."""
    ledger.run_many(
        [
            ("drop_orphan", [ledger.keys.orphans(account, day)], [receipt.number, _text(receipt)])
            for day in (today, today - 1)
            for receipt in receipts
        ]
    )


def _text(receipt: Receipt) -> str:
    """A receipt as it is kept: one line, by which it is also found again."""
    # The names are those of the first release, whose workers may read the line; their order is that of `Receipt`.
    names = ("number", "serial", "ok", "code", "at_s", "context", "message")
    fields = receipt if receipt.message else receipt[:-1]
    return json.dumps(dict(zip(names, fields, strict=False)), separators=(",", ":"))
