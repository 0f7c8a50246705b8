"""Messages that no task could be given: kept among the refused payloads when Redis takes them.

They are gone from the broker by then. What is not told yet is lost with its process; the log has it
in any case.
"""

from collections import deque
from typing import Final

from smsline.ledger import inbox
from smsline.ledger.link import Ledger

# As many as the ledger keeps.
_MOST: Final = inbox.KEPT_REFUSALS


class DroppedMessages:
    """What this process has dropped and not told yet.

    Args:
        ledger: Where it is told.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._untold: deque[tuple[str, str]] = deque(maxlen=_MOST)

    def note(self, message_id: str, why: str) -> None:
        """Have one told at the scheduler's next look: who reads the broker must not wait here."""
        self._untold.append((message_id, why))

    def tell(self) -> None:
        """Write down what is not told yet.

        Raises:
            redis.exceptions.RedisError: Redis cannot be reached; the rest is told the next time.
        """
        while self._untold:
            message_id, why = self._untold[0]
            inbox.keep_refusal(self._ledger, message_id, why)
            self._untold.popleft()
