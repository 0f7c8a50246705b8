"""What happened since the last reset: arrivals and answers as the JSON of `GET /_stats`."""

import secrets
from collections import Counter, deque
from collections.abc import Iterable
from hashlib import blake2b

from msgspec import Struct

from smsline.numbers import mask
from worker.sandbox.wire import Subject


class LogEntry(Struct, frozen=True, gc=False):
    """One call as `/_stats` remembers it; no text, value or full number in it.

    Attributes:
        at: Arrival, epoch seconds.
        action: As the request named it.
        outcome: `Ok`, the code of the refusal, or the fault that struck.
        took_ms: From arrival until the answer was handed over or given up.
        numbers: How many the call named.
        first: The first of them, masked.
        template: Template id.
        params: Salted hash of the template's values: equal values have equal hashes until the
            process ends.
        context: SessionContext.
    """

    at: float
    action: str
    outcome: str
    took_ms: float
    numbers: int = 0
    first: str = ""
    template: str = ""
    params: str = ""
    context: str = ""


class Stats:
    """Counters and the log of recent calls.

    Args:
        log_size: How many calls are remembered.
    """

    def __init__(self, log_size: int) -> None:
        self.calls: Counter[str] = Counter()
        self.refusals: Counter[str] = Counter()
        self.item_codes: Counter[str] = Counter()
        self.numbers_per_call: Counter[int] = Counter()
        self.first_at: dict[str, float] = {}
        self.last_at: dict[str, float] = {}
        self.log: deque[LogEntry] = deque(maxlen=log_size)
        self._salt = secrets.token_bytes(16)

    def arrive(self, action: str, at_s: float) -> None:
        """Count a request by the action it names."""
        self.calls[action] += 1
        # First and last arrival give the rate that a client reached, without the log and its limit.
        self.first_at.setdefault(action, at_s)
        self.last_at[action] = at_s

    def carried_out(self, numbers: int, codes: Iterable[str]) -> None:
        """Count a send that took effect.

        Args:
            numbers: How many numbers it named.
            codes: The code of each.
        """
        self.numbers_per_call[numbers] += 1
        self.item_codes.update(codes)

    def refuse(self, code: str) -> None:
        """Count a call the provider's rules refused."""
        self.refusals[code] += 1

    def remember(self, *, at_s: float, action: str, outcome: str, took_s: float, subject: Subject | None) -> None:
        """Write down how a call ended.

        Args:
            at_s: Arrival, epoch seconds.
            action: As the request named it.
            outcome: `Ok`, the code for the whole call, or the fault that left it without one.
            took_s: From arrival until the answer was handed over or given up.
            subject: What a send was about, or None.
        """
        took_ms = round(took_s * 1000, 3)
        if subject is None:
            self.log.append(LogEntry(at_s, action, outcome, took_ms))
            return
        # Salted: an OTP has a million values, and a plain hash of one is found by trying them.
        values = "\x00".join(subject.values).encode()
        self.log.append(
            LogEntry(
                at_s,
                action,
                outcome,
                took_ms,
                numbers=len(subject.numbers),
                first=mask(subject.numbers[0]) if subject.numbers else "",
                template=subject.template,
                params=blake2b(values, key=self._salt, digest_size=6).hexdigest(),
                context=subject.context,
            )
        )
