"""Batch keys: cut a job's numbers into blocks and batch queues. What must be equal in one call is in the batch queue."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from hashlib import blake2b
from typing import NamedTuple

from smsline.job import JobSpec
from smsline.ledger.accepting import BLOCK_SIZE, Block, pack_json
from smsline.ledger.batch_queues import OWN, PINNED, SHARED, SIGNED, BatchQueue
from smsline.ledger.inbox import Part
from smsline.numbers import is_mainland
from worker.providers.base import Content, Region

Params = tuple[str, ...]


class AccountChoice(NamedTuple):
    """The account chosen for a number, and what of it decides which numbers share a call.

    Attributes:
        account: The account that sends.
        sign: Its signature, used when a job names none; empty where another account, with another signature, may stand in:
            then each puts in its own when the call is made.
        params_differ: Whether its calls may hold different params.
        country: The number's ISO 3166 country where the hour of sending depends on it, else empty.
        pinned: Whether no other account may stand in.
    """

    account: str
    sign: str
    params_differ: bool
    country: str = ""
    pinned: bool = False


ChooseAccount = Callable[[int, Region], AccountChoice]
"""Gives the account of a number."""


class _Row(NamedTuple):
    number: int
    params: Params | None
    ref: str


def region_of(number: int) -> Region:
    """Mainland and global numbers never share a call (Tencent SMS API document, lines 3776-3778)."""
    return "mainland" if is_mainland(number) else "global"


def lay_out(spec: JobSpec, part: Part, choose: ChooseAccount) -> list[Block]:
    """Cut a part into blocks of equal batch key.

    Numbers that bring their own params share a block by value when others have the same, and else a block in which each number keeps
    its own: one call per number at a provider that wants the params of a call equal. At one that does not, a single number keeps its
    job's params as its own, so that it shares calls with other jobs' numbers.
    """
    groups: defaultdict[tuple[AccountChoice, Region, Params | None], list[_Row]] = defaultdict(list)
    for i, number in enumerate(part.numbers):
        params = part.params[i] if part.params else None
        row = _Row(number, None if params is None else tuple(params), part.refs[i] if part.refs else "")
        region = region_of(row.number)
        chosen = choose(row.number, region)
        if row.params is None and len(part.numbers) == 1 and chosen.params_differ:
            row = row._replace(params=spec.params)
        groups[chosen, region, row.params].append(row)
    lonely: dict[tuple[AccountChoice, Region], list[_Row]] = {}
    blocks: list[Block] = []
    for (chosen, region, own), rows in groups.items():
        if own is not None and (chosen.params_differ or len(rows) == 1):
            lonely.setdefault((chosen, region), []).extend(rows)
        else:
            blocks += _shared(spec, chosen, region, rows)
    for (chosen, region), rows in lonely.items():
        blocks += _own(spec, chosen, region, rows)
    return blocks


def _cuts(spec: JobSpec, rows: Sequence[_Row]) -> Iterator[Sequence[_Row]]:
    """Rows of a block each; a paced job's hold no more than a second's worth, so that its pace is smooth."""
    # A pace below one a second still needs blocks of one.
    size = max(1, min(BLOCK_SIZE, int(spec.pace))) if spec.pace else BLOCK_SIZE
    return (rows[i : i + size] for i in range(0, len(rows), size))


def _shared(spec: JobSpec, route: AccountChoice, region: Region, rows: Sequence[_Row]) -> list[Block]:
    params = spec.params if rows[0].params is None else rows[0].params
    content = content_json(spec, route)
    queue = queue_of(spec, route, region, content, params)
    return [
        Block(queue.text(), content, [row.number for row in cut], params=pack_json(params), refs=_refs(cut))
        for cut in _cuts(spec, rows)
    ]


def _own(spec: JobSpec, route: AccountChoice, region: Region, rows: Sequence[_Row]) -> list[Block]:
    content = content_json(spec, route)
    queue = queue_of(spec, route, region, content, None)
    return [
        Block(
            queue.text(),
            content,
            [row.number for row in cut],
            own_params=pack_json([row.params for row in cut]),
            refs=_refs(cut),
        )
        for cut in _cuts(spec, rows)
    ]


def _refs(rows: Sequence[_Row]) -> str:
    return pack_json([row.ref for row in rows]) if any(row.ref for row in rows) else ""


def content_json(spec: JobSpec, route: AccountChoice) -> str:
    """What is said, without the params, as blocks keep it."""
    return pack_json([spec.template, spec.sign or route.sign, spec.sender, spec.extend])


def read_content(content: str, params: Params) -> Content:
    """The inverse of `content_json`."""
    template, sign, sender, extend = json.loads(content)
    return Content(template, params, sign, sender, extend)


def queue_of(spec: JobSpec, route: AccountChoice, region: Region, content: str, params: Params | None) -> BatchQueue:  # noqa: PLR0917
    """The batch queue of a batch key; `params` None when each number has its own."""
    # 64 bits: at a million batch queues the chance of two alike is 3 in 10^8 (n^2 / 2^65).
    digest = blake2b(f"{content}\x00{pack_json(params)}".encode(), digest_size=8).hexdigest()
    kind = OWN if params is None else SHARED
    pinned = PINNED if route.pinned else ""
    return BatchQueue(
        spec.lane, route.account, subject_of(spec, route.sign), region[0] + route.country, kind, digest, pinned
    )


def subject_of(spec: JobSpec, sign: str) -> str:
    """What may be parked for a job: its template, and where its signature is not the account's own, the two together.

    A mistyped signature must not hold up the other messages of the template.
    """
    if spec.sign in {"", sign}:
        return spec.template
    return f"{spec.template}{SIGNED}{blake2b(spec.sign.encode(), digest_size=4).hexdigest()}"
