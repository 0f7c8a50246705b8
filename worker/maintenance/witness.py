"""Looks every second whether the ledger is still what it was: its layout, its memory, its clock."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from smsline.errors import OtherVersion
from smsline.ledger import losses, version
from smsline.ledger.losses import Loss
from worker.engine import Engine

EVERY_S: Final = 1.0
# Redis' clock was set if it moved by so much more or less than this machine's clock.
STEP_MS: Final = 2_000

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Witness:
    """What a process remembers of its beats, which the ledger should know too.

    Attributes:
        engine: The process' engine.
        monotonic_s: Clock for measuring.
    """

    engine: Engine
    monotonic_s: Callable[[], float] = time.monotonic
    _number: int = 0
    _now_ms: int = 0
    _server: str = ""
    _at_s: float = field(default=-EVERY_S)

    def look(self) -> None:
        """Beat, unless that was a moment ago, and say what has changed.

        Raises:
            OtherVersion: The ledger is of another version; until it is not, this process runs no
                script.
            redis.exceptions.RedisError: Redis cannot be reached.
        """
        at_s = self.monotonic_s()
        if at_s - self._at_s < EVERY_S:
            return
        ledger = self.engine.ledger
        ledger.refused = None
        if not self._number:
            self._check(ledger.check_layout)
        # Before the beat: a server that takes another's place between the two is then noticed a
        # second later, not never.
        server = losses.server_of(ledger)
        beat = losses.beat(ledger, self.engine.worker, self._number + 1)
        self._check(lambda: version.refuse_other(beat.layout or version.LAYOUT))
        ledger.saw_layout()
        if self._number:
            self._tell_loss(beat, another=bool(self._server and server and server != self._server))
            # Redis' clock against this machine's monotonic one, which is never set: only a step
            # shows, no drift or offset.
            step_ms = beat.now_ms - self._now_ms - (at_s - self._at_s) * 1000
            if abs(step_ms) > STEP_MS:
                log.error(
                    "Redis' clock was set %s by %.1f s: %s",
                    "forward" if step_ms > 0 else "back",
                    abs(step_ms) / 1000,
                    "leases and deadlines ended early"
                    if step_ms > 0
                    else f"{beat.moved} waits were shortened by as much",
                )
        self._number, self._now_ms, self._at_s, self._server = self._number + 1, beat.now_ms, at_s, server

    def _check(self, look: Callable[[], None]) -> None:
        try:
            look()
        except OtherVersion as error:
            self.engine.ledger.refused = error
            raise

    def _tell_loss(self, beat: losses.Beat, *, another: bool) -> None:
        """Say what Redis has lost, or may have lost.

        The latter is said after a restart, or when `another` server has taken its place.
        """
        # A step of Redis' clock, or a long stop of this process, ends the beat's own expiry;
        # that the ledger has a beat from then or later shows that nothing is lost.
        expired = beat.now_ms - self._now_ms >= losses.BEAT_TTL_MS and (beat.last_ms or 0) >= self._now_ms
        certain = not expired if beat.number is None else beat.number < self._number
        if not certain and not another:
            return
        ledger = self.engine.ledger
        # What this process has cached of the ledger may not exist there any more.
        ledger.forget()
        # Without a beat that is gone, what came after the last one is all that can be.
        from_ms, to_ms = ((beat.last_ms or 0), self._now_ms) if certain else (self._now_ms, beat.now_ms)
        loss = Loss(from_ms=from_ms, to_ms=to_ms, found_ms=beat.now_ms, certain=certain)
        loss = losses.keep(ledger, loss)
        if not certain:
            log.warning(
                "Redis was restarted, or another server has taken its place: what was written last, %s, may be lost",
                loss.span(),
            )
            return
        log.error(
            "Redis has lost what was written %s: jobs handed over then are gone, calls begun then may be made again; "
            "compare what your producers were told with `smsline jobs`",
            loss.span(),
        )
