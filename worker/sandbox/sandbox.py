"""One sandbox: world, rates, faults and statistics of all wires, and their `/_stats`."""

import time
from collections import Counter
from collections.abc import Mapping
from random import Random
from typing import Any, Final

from worker.sandbox.book import Book
from worker.sandbox.faults import Faults
from worker.sandbox.flags import Flags
from worker.sandbox.rates import Rates
from worker.sandbox.state import Callback, Delay, World, push_queue
from worker.sandbox.stats import Stats

SIGNATURE_FAILURES: Final = "AuthFailure."
RATE_REFUSALS: Final = "RequestLimitExceeded"
# Begins the app of sends that name where to call back; no flag can.
NAMED: Final = "named by "


class Sandbox:
    """Everything that a reset renews.

    Args:
        flags: How it behaves from the start, and after a reset.
    """

    world: World
    rates: Rates
    stats: Stats
    faults: Faults
    book: Book

    def __init__(self, flags: Flags) -> None:
        self._start_flags = flags
        # Wall time that never steps back: a step would put receipts before their messages.
        self._epoch_ms = time.time() * 1000 - time.monotonic() * 1000
        self.flags = flags
        self.reset()

    def now_ms(self) -> int:
        """Epoch milliseconds."""
        return int(self._epoch_ms + time.monotonic() * 1000)

    @property
    def delay(self) -> Delay:
        """How long receipts take, by the flags in force."""
        return Delay(self.flags.receipt_delay_ms, self.flags.receipt_jitter_ms)

    def reset(self, *, keep_flags: bool = False) -> None:
        """Forget messages, receipts, replies, templates, rates and statistics; start faults anew.

        Args:
            keep_flags: Keep the flags in force instead of going back to those of the start.
        """
        if not keep_flags:
            self.flags = self._start_flags
        # A new world, and not an emptied one: a handler that waits still holds the old one, and
        # must not write into the new.
        self.world = World(self.now_ms, self.flags.seed)
        self._push_as_told()
        self.rates = Rates()
        self.book = Book()
        self.stats = Stats(self.flags.log_size)
        self.faults = Faults(self.flags.faults, self.flags.seed)
        self._order = Random(self.flags.seed)  # noqa: S311 - repeatable on purpose

    def shuffled(self, rows: list[Any]) -> list[Any]:
        """The rows of an answer in another order: cut somewhere, then every second one first.

        Cheaper by far than a true shuffle, and as good at catching a client that trusts positions.
        The cuts repeat after every reset.
        """
        cut = self._order.randrange(len(rows)) if rows else 0
        rows = rows[cut:] + rows[:cut]
        return rows[::2] + rows[1::2]

    def control(self, patch: Mapping[str, object]) -> None:
        """Change flags while it runs; faults start anew only when the patch names them.

        Raises:
            ValueError: An unknown flag or a value out of bounds; nothing changed.
        """
        self.flags = self.flags.changed(patch)
        self._push_as_told()
        # Any other patch leaves what is left of the faults alone, or changing the latency would arm
        # them anew.
        if "faults" in patch:
            self.faults.replace(self.flags.faults)

    def _push_as_told(self) -> None:
        urls = self.flags.callbacks
        told = {app: Callback(f"{url}/status", f"{url}/reply") for app, url in urls.items()}
        # What sends have named stays: a provider's console knows nothing of it.
        named = {app: one for app, one in self.world.pushing.items() if app.startswith(NAMED)}
        self.world.pushing = told | named

    def name_callback(self, app: str, status: str, reply: str) -> str:
        """The app of a send that names URLs of its own; the app itself when it names none."""
        if not (status or reply):
            return app
        named = f"{NAMED}{app} {status} {reply}"
        # Named last, so that a reply goes where the app's latest send wants it.
        self.world.pushing.pop(named, None)
        self.world.pushing[named] = Callback(status, reply)
        return named

    def pushed_app(self, app: str) -> str | None:
        """Where a reply to an app is pushed: as the latest send says, else as the flags do."""
        named = (one for one in reversed(self.world.pushing) if one.startswith(f"{NAMED}{app} "))
        return next(named, app if app in self.world.pushing else None)

    def snapshot(self, *, numbers: str = "all", log: bool = True) -> dict[str, object]:
        """What `/_stats` answers; README.md describes each field.

        Args:
            numbers: `all`, `repeated` (those with more than one message) or `none`.
            log: Whether to list recent calls.
        """
        stats, world, now_ms = self.stats, self.world, self.now_ms()
        queues = [queue for name, queue in world.queues.items() if name not in set(map(push_queue, world.pushing))]
        given = sum(queue.given for queue in queues)
        ready = sum(queue.ready(now_ms) for queue in queues)
        scheduled = sum(queue.scheduled for queue in queues)
        answer: dict[str, object] = {
            "messages": len(world.numbers),
            "calls": stats.calls,
            "numbers_per_call": stats.numbers_per_call,
            "item_codes": stats.item_codes,
            "refusals": stats.refusals,
            "signature_failures": _sum(stats.refusals, SIGNATURE_FAILURES),
            "rate_refusals": _sum(stats.refusals, RATE_REFUSALS),
            "faults": self.faults.struck,
            "max_calls_per_second": {action: window.most for action, window in self.rates.arrived.items()},
            "conversions": len(self.book.conversions),
            "receipts": {"waiting": scheduled - given - ready, "ready": ready, "given": given},
            "first_at": stats.first_at,
            "last_at": stats.last_at,
        }
        if numbers != "none":
            # Counted when asked: a counter beside the array would cost 100 bytes a number at every
            # send.
            least = 2 if numbers == "repeated" else 1
            counted = Counter(world.numbers)
            answer["numbers"] = {f"+{number}": times for number, times in counted.items() if times >= least}
        if log:
            answer["log"] = list(stats.log)
        return answer


def _sum(refusals: Mapping[str, int], family: str) -> int:
    return sum(times for code, times in refusals.items() if code.startswith(family))
