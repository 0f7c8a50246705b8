"""Batch keys: cut a job's numbers into blocks and batch queues.

What must be equal in one call is part of the batch queue's key.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from hashlib import blake2b
from itertools import repeat
from typing import NamedTuple

from smsline.job import JobSpec
from smsline.ledger.accepting import BLOCK_SIZE, Block, pack_json
from smsline.ledger.batch_queues import OWN, PINNED, SHARED, SIGNED, BatchQueue, region_text
from smsline.ledger.inbox import Part
from smsline.numbers import is_mainland
from worker.providers.base import Content, Region

Params = tuple[str, ...]


class AccountChoice(NamedTuple):
    """The account chosen for a number, and what of it decides which numbers share a call.

    Attributes:
        account: The account that sends.
        sign: Its signature, used when a job names none; empty where the next account may have
            another signature: then each puts in its own when the call is made.
        params_differ: Whether its calls may hold different params.
        country: The number's ISO 3166 country where the hour of sending depends on it, else empty.
        pinned: Whether it must not fail over to another account.
    """

    account: str
    sign: str
    params_differ: bool
    country: str = ""
    pinned: bool = False


# Gives the account of a number.
ChooseAccount = Callable[[int, Region], AccountChoice]


def region_of(number: int) -> Region:
    """Mainland and global numbers never share a call (Tencent SMS API, lines 3776-3778)."""
    # 86 and eleven digits, as all that can be texted have, is told without making text of it.
    return "mainland" if 8_600_000_000_000 <= number < 8_700_000_000_000 or is_mainland(number) else "global"


def lay_out(spec: JobSpec, part: Part, choose: ChooseAccount) -> list[Block]:
    """Cut a part into blocks of equal batch key.

    Numbers that bring their own params share a block by value when others have the same, and else a
    block in which each number keeps its own: one call per number at a provider that wants the
    params of a call equal. At one that does not, a single number keeps its job's params as its own,
    so that it shares calls with other jobs' numbers.
    """
    # Places in the part's columns, by what must be equal: a part without params and refs of its own
    # makes no object for each number.
    groups: defaultdict[tuple[AccountChoice, Region, Params | None], list[int]] = defaultdict(list)
    single = len(part.numbers) == 1
    for at, (number, brought) in enumerate(zip(part.numbers, part.params or repeat(None), strict=False)):
        region = region_of(number)
        chosen = choose(number, region)
        own = spec.params if brought is None and single and chosen.params_differ else brought
        groups[chosen, region, None if own is None else tuple(own)].append(at)
    lonely: defaultdict[tuple[AccountChoice, Region], list[int]] = defaultdict(list)
    blocks: list[Block] = []
    for (chosen, region, own), places in groups.items():
        if own is not None and (chosen.params_differ or len(places) == 1):
            lonely[chosen, region].extend(places)
        else:
            blocks += _blocks(spec, part, (chosen, region), places, shared=spec.params if own is None else own)
    for key, places in lonely.items():
        blocks += _blocks(spec, part, key, places)
    return blocks


def _blocks(
    spec: JobSpec,
    part: Part,
    key: tuple[AccountChoice, Region],
    places: Sequence[int],
    *,
    shared: Params | None = None,
) -> Iterator[Block]:
    """Blocks of some numbers of a part.

    `shared` are the params of all of them, None where each keeps its own.
    """
    chosen, region = key
    content = content_json(spec, chosen)
    queue = queue_of(spec, chosen, region, content, shared).text()
    # A paced job's blocks hold no more than a second's worth, so that its pace is smooth; one below
    # one a second still needs one.
    size = max(1, min(BLOCK_SIZE, int(spec.pace))) if spec.pace else BLOCK_SIZE
    numbers, refs, own = part.numbers, part.refs, part.params or [None] * len(part.numbers)
    for first in range(0, len(places), size):
        cut = places[first : first + size]
        named = [refs[at] for at in cut] if refs else []
        yield Block(
            queue,
            content,
            [numbers[at] for at in cut],
            params="" if shared is None else pack_json(shared),
            own_params=""
            if shared is not None
            else pack_json([spec.params if own[at] is None else own[at] for at in cut]),
            refs=pack_json(named) if any(named) else "",
        )


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
    where = region_text(region[0], route.country, spec.window)
    return BatchQueue(spec.lane, route.account, subject_of(spec, route.sign), where, kind, digest, pinned)


def subject_of(spec: JobSpec, sign: str) -> str:
    """What may be parked for a job: its template, or the template with its signature.

    The two together where the signature is not the account's own.

    A mistyped signature must not hold up the other messages of the template.
    """
    if spec.sign in {"", sign}:
        return spec.template
    return f"{spec.template}{SIGNED}{blake2b(spec.sign.encode(), digest_size=4).hexdigest()}"
