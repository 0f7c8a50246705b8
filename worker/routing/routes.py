"""Routing: settings, a lane, a template and a number go in; the accounts that may send, the preferred one first, come out. Pure."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final, NamedTuple

from config.accounts import Account
from config.fields import TemplateAt
from config.settings import Settings
from worker.providers.base import Region

UNROUTED: Final = "unrouted"
"""Stands for the account of numbers that no configured account serves."""


class Way(NamedTuple):
    """Accounts for numbers that begin alike.

    Attributes:
        shares: Those that share the numbers, and their weights.
        others: Those that stand in for them, in order.
    """

    shares: tuple[tuple[str, int], ...]
    others: tuple[str, ...] = ()

    def order(self, number: int) -> tuple[str, ...]:
        """All of them for one number: its own among the shares, then the other shares, then who stands in."""
        if len(self.shares) == 1:
            return (self.shares[0][0], *self.others)
        drawn = sorted(self.shares, key=lambda share: _draw(number, share))
        return (*(name for name, _ in drawn), *self.others)


def _draw(number: int, share: tuple[str, int]) -> float:
    """How late an account comes for a number; the heavier it is, the more numbers it comes first for."""
    return -math.log(chance(number, share[0])) / share[1]


def chance(number: int, salt: str) -> float:
    """A number's own place between 0 and 1, always the same for the same salt, never 0 or 1."""
    drawn = int.from_bytes(blake2b(f"{salt} {number}".encode(), digest_size=6).digest(), "big")
    return (drawn + 0.5) / 2**48


def own_template(account: Account, template: str) -> TemplateAt | None:
    """A job's template as the account has it, or None when it has none in its place."""
    return account.templates.get(template.lower()) if account.templates else TemplateAt(template)


def serves(account: Account, template: str, region: Region) -> bool:
    """Whether the account can say what the template says, as far as its settings tell."""
    own = own_template(account, template)
    by_text = account.texts and (account.site is None or region == "global")
    return own is not None and (not by_text or own.id.lower() in account.texts)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What ways are asked for."""

    lane: str
    template: str
    region: Region
    digits: str


class Roads:
    """Every way that the settings know; each is worked out once for all numbers that begin alike.

    Args:
        settings: Accounts and routes.
    """

    def __init__(self, settings: Settings) -> None:
        self._accounts: Mapping[str, Account] = settings.accounts
        self._routes = settings.routes
        self.several = len(settings.accounts) > 1
        sets = [account.prefixes for account in self._accounts.values()]
        sets += [route.prefixes for route in self._routes.values()]
        self.longest = max((len(prefix) for prefixes in sets for prefix in prefixes), default=0)
        self._known: dict[_Wanted, Way] = {}

    def way(self, lane: str, template: str, region: Region, number: int) -> Way:
        """The accounts for a number and those that begin like it."""
        wanted = _Wanted(lane, template, region, str(number)[: self.longest])
        if wanted not in self._known:
            if len(self._known) > _KNOWN_MOST:
                self._known.clear()
            self._known[wanted] = self._find(wanted)
        return self._known[wanted]

    def _find(self, wanted: _Wanted) -> Way:
        """The way of the best route, or without one by the accounts' own prefixes; those that cannot say it are left out.

        When nobody can, the first stays, so that the recipients end with the reason.
        """
        way = self._by_route(wanted) or self._by_prefix(wanted)
        able = {name for name in _named(way) if self._able(name, wanted)}
        shares = tuple(share for share in way.shares if share[0] in able)
        others = tuple(name for name in way.others if name in able)
        if shares:
            return Way(shares, others)
        return Way(((others[0], 1),), others[1:]) if others else Way(way.shares[:1])

    def _able(self, name: str, wanted: _Wanted) -> bool:
        account = self._accounts.get(name)
        return account is not None and serves(account, wanted.template, wanted.region)

    def _by_route(self, wanted: _Wanted) -> Way | None:
        fitting = [
            (_fit(route.prefixes, wanted.digits), bool(route.lanes), name)
            for name, route in sorted(self._routes.items(), reverse=True)
            if wanted.lane in (route.lanes or (wanted.lane,)) and _fit(route.prefixes, wanted.digits) >= 0
        ]
        if not fitting:
            return None
        best = self._routes[max(fitting, key=lambda each: each[:2])[2]]
        return Way(tuple(best.accounts.items()), best.fallback)

    def _by_prefix(self, wanted: _Wanted) -> Way:
        fitting = [(name, _fit(account.prefixes, wanted.digits)) for name, account in self._accounts.items()]
        order = [name for name, length in sorted(fitting, key=lambda each: -each[1]) if length >= 0]
        first, *others = order or [UNROUTED]
        return Way(((first, 1),), tuple(others))


_KNOWN_MOST: Final = 10_000
"""Ways are kept by template, and producers may bring any number of those."""


def _named(way: Way) -> Iterator[str]:
    yield from (name for name, _ in way.shares)
    yield from way.others


def _fit(prefixes: Sequence[str], digits: str) -> int:
    """The length of the longest prefix that fits; 0 where there are none to fit, -1 when none does."""
    return max((len(prefix) for prefix in prefixes if digits.startswith(prefix)), default=-1) if prefixes else 0


def after(order: Sequence[str], account: str) -> Sequence[str]:
    """Who comes after an account; nobody when it is not among them (any more)."""
    return order[order.index(account) + 1 :] if account in order else ()
