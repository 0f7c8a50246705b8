"""Recipients whose account cannot send now go in; who can go through another account goes there, and who cannot is left."""

import logging
from collections import defaultdict
from collections.abc import Sequence

from smsline.ledger import diverting
from smsline.ledger.blocks import numbers_of
from smsline.ledger.diverting import Move
from smsline.ledger.lines import ALONE, OWN, SHARED, Claim, Group, Line
from smsline.ledger.runs import Entry, decode, encode
from worker.engine import Engine
from worker.intake.batching import region_named
from worker.outcome import Onward
from worker.routing import routes, windows

log = logging.getLogger(__name__)


def can(engine: Engine, line: Line) -> bool:
    """Whether anybody might stand in for the line's account."""
    return engine.roads.several and not line.pinned


def divert(engine: Engine, claim: Claim, why: str) -> Claim | None:
    """Move whom others can serve to their lines; the claim of who is left, None when nobody is."""
    if not can(engine, claim.line):
        return claim
    engine.standings.forget()
    moves: list[Move] = []
    kept: list[Entry] = []
    now_ms = engine.now_ms()
    for entry in claim.entries:
        by_line = _by_line(engine, claim.line, entry, now_ms)
        moves += [Move(line, _cut(entry, held)) for line, held in by_line.items() if line is not None]
        kept += [_cut(entry, held) for line, held in by_line.items() if line is None]
    if not moves:
        return claim
    through = sorted({move.line.account for move in moves})
    count = sum(len(decode(move.entry.runs)) for move in moves)
    log.warning("account %s (%s): %d recipients go through %s", claim.line.account, why, count, ", ".join(through))
    left = diverting.divert(engine.ledger, claim, moves, kept, why=why)
    engine.poke(1)
    return left


def _by_line(engine: Engine, line: Line, entry: Entry, now_ms: float) -> dict[Line | None, list[int]]:
    """Positions of an entry by the line they go to; None for those that stay."""
    by_line: defaultdict[Line | None, list[int]] = defaultdict(list)
    for position, number in zip(decode(entry.runs), numbers_of(engine.ledger, entry), strict=False):
        by_line[standing_in(engine, line, number, now_ms)].append(position)
    return by_line


def _cut(entry: Entry, positions: Sequence[int]) -> Entry:
    return Entry(entry.job, entry.block, encode(positions))


def standing_in(engine: Engine, line: Line, number: int, now_ms: float) -> Line | None:
    """The line of the next account for a number that takes it now, or None; `now_ms` is the present by Redis."""
    order = _order(engine, line, number)
    name = engine.standings.first(routes.after(order, line.account), line.template, number, now_ms)
    return _line_of(engine, line._replace(account=name), number) if name else None


def onward(engine: Engine, line: Line, group: Group, number: int, *, now_ms: float) -> Onward:
    """Where a number goes that its account cannot serve: the next account that stands well, else simply the next."""
    if not can(engine, line):
        return Onward()
    order = _order(engine, line, number)
    left = routes.after(order, line.account)
    place = order.index(line.account) if line.account in order else 0
    if not left:
        return Onward("", place)
    name = engine.standings.first(left, line.template, number, now_ms) or left[0]
    params = line.params if line.params != ALONE else OWN if group.own_params else SHARED
    return Onward(_line_of(engine, line._replace(account=name, params=params), number).text(), place)


def _order(engine: Engine, line: Line, number: int) -> tuple[str, ...]:
    return engine.roads.way(line.lane, line.template_id, region_named(line.region), number).order(number)


def _line_of(engine: Engine, line: Line, number: int) -> Line:
    """The line with the recipient's country in it, where its new account goes by the hour there."""
    country = windows.country_for(engine.settings.accounts[line.account], line.lane, line.region[0], number)
    return line._replace(region=line.region[0] + country)
