"""The API keys that this process has seen lately, so that few requests ask the ledger."""

import time
from dataclasses import dataclass
from typing import Final

from smsline.ledger import api_keys
from smsline.ledger.api_keys import ApiKey
from smsline.ledger.link import Ledger

# For how long a key is taken for valid without a look at the ledger: revoking one acts within this
# time.
BELIEVED_S: Final = 1.0

# Between two notes of a key's last use.
NOTED_S: Final = 60.0

MOST_KNOWN: Final = 1_000


@dataclass(slots=True)
class _Known:
    key: ApiKey
    until_s: float
    noted_s: float


class Keyring:
    """The keys that this process has seen lately."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._known: dict[str, _Known] = {}

    def find(self, digest: str) -> ApiKey | None:
        """The valid key of a digest, or None."""
        now_s, known = time.monotonic(), self._known.get(digest)
        if known and now_s < known.until_s:
            return known.key
        key = api_keys.find(self._ledger, digest)
        if key is None:
            # Unknown ones are not remembered: made-up keys must not push out real ones.
            self._known.pop(digest, None)
            return None
        noted_s = known.noted_s if known else float("-inf")
        # A note at each request would be a write for each message.
        if now_s - noted_s > NOTED_S:
            api_keys.note_use(self._ledger, digest)
            noted_s = now_s
        if len(self._known) >= MOST_KNOWN:
            # All at once: a thousand keys are asked for again within a second.
            self._known.clear()
        self._known[digest] = _Known(key, now_s + BELIEVED_S, noted_s)
        return key
