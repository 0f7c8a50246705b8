"""Routing in one place: which account sends to a number now, and which one is next."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from redis.exceptions import RedisError

from config.settings import Settings
from smsline.ledger import waits
from smsline.ledger.batch_queues import GLOBAL, MAINLAND, BatchQueue
from smsline.ledger.link import Ledger
from worker.outcome import Place
from worker.providers.base import Region
from worker.routing.breaker import Breakers
from worker.routing.routes import RoutingTable, after, chance, region_named

SIDES: Final[dict[Region, str]] = {"mainland": MAINLAND, "global": GLOBAL}


class RouteRequest(NamedTuple):
    """What a number is to be sent.

    Attributes:
        lane: Of the job.
        template: The job's template.
        subjects: What of an account may be parked for it, besides all of it: `BatchQueue.template`.
    """

    lane: str
    template: str
    subjects: tuple[str, ...]


class Router:
    """Which account sends to a number.

    The routing table gives a number its candidates in order; the first whose circuit breaker lets
    it through, and that is not parked, is the one. Numbers only ever move on in that order
    (docs/decisions/0012-numbers-move-to-later-accounts-only.md).

    Args:
        settings: Accounts, routes, and when a breaker trips.
        ledger: Where breakers and parks are kept.
        monotonic_s: Clock for measuring.
    """

    def __init__(self, settings: Settings, ledger: Ledger, monotonic_s: Callable[[], float]) -> None:
        self._ledger, self.park_probe_ms = ledger, settings.park_probe_s * 1000
        self.table = RoutingTable(settings)
        self.breakers = Breakers(settings, ledger, monotonic_s)

    @property
    def several(self) -> bool:
        """Whether there is more than one account to choose from."""
        return self.table.several

    def choose(self, wanted: RouteRequest, number: int, region: Region, *, now_ms: float) -> tuple[str, bool]:
        """The account of a new number, and whether all numbers that begin alike have the same.

        When no candidate sends just now, the first keeps the number for better times.
        """
        candidates = self.table.route(wanted.lane, wanted.template, region, number).candidates(number)
        # Nothing to choose, so that the ledger is not asked for each number of a campaign.
        if len(candidates) == 1:
            return candidates[0], True
        return self._first(candidates, (*wanted.subjects, SIDES[region]), number, now_ms) or candidates[0], False

    def candidates(self, queue: BatchQueue, number: int) -> Sequence[str]:
        """The accounts of a number that waits in a batch queue, in order."""
        return self.table.route(queue.lane, queue.template_id, region_named(queue.region), number).candidates(number)

    def may_fail_over(self, queue: BatchQueue) -> bool:
        """Whether another account might take over from the batch queue's own."""
        return self.several and not queue.pinned

    def put_off(self, due: Sequence[BatchQueue]) -> int:
        """Put off those of several due batch queues that a park or a held account keeps waiting.

        Those whose recipients may go through another account stay: taking from them is how they get
        there.

        Returns:
            How many were put off.

        Raises:
            redis.exceptions.RedisError: Redis cannot be reached.
        """
        if len(due) < 2:
            return 0
        groups: defaultdict[tuple[str, ...], list[BatchQueue]] = defaultdict(list)
        for queue in due:
            if not self.may_fail_over(queue) and self.breakers.state(queue.account, queue.shared_subjects).parked_ms:
                groups[queue.waits_for].append(queue)
        probe_ms = self.park_probe_ms
        return sum(waits.rest(self._ledger, group, park_probe_ms=probe_ms) for group in groups.values())

    def out(self, queue: BatchQueue, now_ms: Callable[[], float]) -> bool:
        """Whether others take over from the batch queue's account: too many of its calls fail."""
        if not self.may_fail_over(queue):
            return False
        open_until_ms = self.breakers.state(queue.account, queue.subjects).open_until_ms
        # Nearly always there is no such time, which needs no look at Redis' clock.
        return bool(open_until_ms) and open_until_ms > now_ms()

    def place(self, queue: BatchQueue, number: int) -> Place:
        """How many accounts the number has been to before its own, and whether any are left."""
        if not self.may_fail_over(queue):
            return Place()
        candidates = self.candidates(queue, number)
        # Not among the candidates any more: then nothing comes after it either.
        before = candidates.index(queue.account) if queue.account in candidates else 0
        return Place(before, more=bool(after(candidates, queue.account)))

    def next_now(self, queue: BatchQueue, number: int, now_ms: float) -> str:
        """The next account of a number that takes it now; empty when none does."""
        return self._first(after(self.candidates(queue, number), queue.account), queue.subjects, number, now_ms)

    def next_after(self, queue: BatchQueue, number: int, now_ms: float) -> str:
        """The account that a number moves on to which its own cannot serve.

        It is the next that takes it now, else simply the next.

        The order itself needs no Redis: the provider's answer is known by then and must be written
        whatever Redis does.
        """
        left = after(self.candidates(queue, number), queue.account)
        if not left:
            return ""
        try:
            return self._first(left, queue.subjects, number, now_ms) or left[0]
        except RedisError:
            return left[0]

    def _first(self, candidates: Sequence[str], subjects: tuple[str, ...], number: int, now_ms: float) -> str:
        for account in candidates:
            share = self.breakers.state(account, subjects).share(now_ms)
            # Half open: the share is drawn by number, so that one number always gets the same
            # answer.
            if share >= 1 or (share > 0 and chance(number, f"return {account}") < share):
                return account
        return ""
