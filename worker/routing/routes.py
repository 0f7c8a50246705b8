"""The routing table: which accounts may send to a number, preferred ones first. Pure.

Which of them sends just now is for the `Router`, which knows what is parked and held besides.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final, NamedTuple

from config.accounts import Account
from config.fields import TemplateAt
from config.providers import facts_of
from config.settings import Settings
from worker.providers.base import Region

# Stands for the account of numbers that no configured account serves.
UNROUTED: Final = "unrouted"


class Route(NamedTuple):
    """Accounts for numbers that begin alike.

    Attributes:
        shares: Those that share the numbers, and their weights.
        fallback: Those that take over from them, in order.
    """

    shares: tuple[tuple[str, int], ...]
    fallback: tuple[str, ...] = ()

    def candidates(self, number: int) -> tuple[str, ...]:
        """All of them for one number: its own share, then the other shares, then the fallback."""
        if len(self.shares) == 1:
            return (self.shares[0][0], *self.fallback)
        # Weighted rendezvous: of exponential draws each account comes first for its share of the
        # numbers, and the order of the others is theirs too.
        drawn = sorted(self.shares, key=lambda share: -math.log(chance(number, share[0])) / share[1])
        return (*(name for name, _ in drawn), *self.fallback)


def chance(number: int, salt: str) -> float:
    """A number's own place between 0 and 1, always the same for the same salt, never 0 or 1."""
    # A hash and not random: every process, today and tomorrow, must find the same account.
    drawn = int.from_bytes(blake2b(f"{salt} {number}".encode(), digest_size=6).digest(), "big")
    return (drawn + 0.5) / 2**48


def own_template(account: Account, template: str) -> TemplateAt | None:
    """A job's template as the account has it, or None when it has none in its place."""
    return account.templates.get(template.lower()) if account.templates else TemplateAt(template)


def serves(account: Account, template: str, region: Region) -> bool:
    """Whether the account can say what the template says, as far as its settings tell."""
    own = own_template(account, template)
    by_text = account.texts and region in facts_of(account.provider).at(account.site).text_regions
    return own is not None and (not by_text or own.id.lower() in account.texts)


@dataclass(frozen=True, slots=True)
class _RouteKey:
    """What a route is asked for."""

    lane: str
    template: str
    region: Region
    digits: str


class RoutingTable:
    """Every route that the settings know; each is worked out once for all numbers that begin alike.

    Args:
        settings: Accounts and routes.

    Attributes:
        several: Whether there is more than one account, so that there is anything to choose.
        longest: Digits of the longest prefix that is told apart.
    """

    def __init__(self, settings: Settings) -> None:
        self._accounts: Mapping[str, Account] = settings.accounts
        self._routes = settings.routes
        self.several = len(settings.accounts) > 1
        sets = [account.prefixes for account in self._accounts.values()]
        sets += [route.prefixes for route in self._routes.values()]
        self.longest = max((len(prefix) for prefixes in sets for prefix in prefixes), default=0)
        self._known: dict[_RouteKey, Route] = {}

    def route(self, lane: str, template: str, region: Region, number: int) -> Route:
        """The accounts for a number and those that begin like it."""
        wanted = _RouteKey(lane, template, region, str(number)[: self.longest])
        if wanted not in self._known:
            if len(self._known) > _KNOWN_MOST:
                self._known.clear()
            self._known[wanted] = self._find(wanted)
        return self._known[wanted]

    def _find(self, wanted: _RouteKey) -> Route:
        """The best of the configured routes, or without one the accounts' own prefixes.

        Accounts that lack the template are left out.

        When all lack it, the first stays, so that the recipients end with the reason.
        """
        found = self._by_route(wanted)
        if found is None:
            fitting = [(name, _fit(account.prefixes, wanted.digits)) for name, account in self._accounts.items()]
            order = [name for name, length in sorted(fitting, key=lambda each: -each[1]) if length >= 0]
            first, *others = order or [UNROUTED]
            found = Route(((first, 1),), tuple(others))

        def able(name: str) -> bool:
            account = self._accounts.get(name)
            return account is not None and serves(account, wanted.template, wanted.region)

        shares = tuple(share for share in found.shares if able(share[0]))
        fallback = tuple(filter(able, found.fallback))
        if shares:
            return Route(shares, fallback)
        return Route(((fallback[0], 1),), fallback[1:]) if fallback else Route(found.shares[:1])

    def _by_route(self, wanted: _RouteKey) -> Route | None:
        fitting = [
            (_fit(route.prefixes, wanted.digits), bool(route.lanes), name)
            for name, route in sorted(self._routes.items(), reverse=True)
            if wanted.lane in (route.lanes or (wanted.lane,)) and _fit(route.prefixes, wanted.digits) >= 0
        ]
        if not fitting:
            return None
        # The longest prefix wins, then a route made for this lane, then the first name.
        best = self._routes[max(fitting, key=lambda each: each[:2])[2]]
        return Route(tuple(best.accounts.items()), best.fallback)


# Routes are kept by template, and producers may bring any number of those.
_KNOWN_MOST: Final = 10_000


def _fit(prefixes: Sequence[str], digits: str) -> int:
    """The length of the longest prefix that fits.

    0 where there are none to fit, -1 when none does.
    """
    return max((len(prefix) for prefix in prefixes if digits.startswith(prefix)), default=-1) if prefixes else 0


def after(candidates: Sequence[str], account: str) -> Sequence[str]:
    """The candidates after an account; none when it is not among them (any more)."""
    return candidates[candidates.index(account) + 1 :] if account in candidates else ()


def region_named(letter: str) -> Region:
    """The region that a batch queue's letter stands for."""
    return "mainland" if letter.startswith("m") else "global"
