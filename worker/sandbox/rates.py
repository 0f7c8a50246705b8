"""Calls in any sliding second: admission, and the highest count."""

from collections import defaultdict, deque
from typing import Final

SECOND: Final = 1.0


class RateWindow:
    """The times of the last second's calls, seconds of one monotonic clock."""

    __slots__ = ("_times", "most")

    def __init__(self) -> None:
        self._times: deque[float] = deque()
        self.most = 0

    def count(self, now: float) -> int:
        """How many calls lie less than a second back."""
        # A sliding second, not a counter per second: a client must not get two bursts around a full
        # second.
        times = self._times
        while times and now - times[0] >= SECOND:
            times.popleft()
        return len(times)

    def add(self, now: float) -> None:
        """Count a call."""
        self._times.append(now)
        self.most = max(self.most, self.count(now))


class Rates:
    """What arrived per action, and what was admitted per key and action.

    A refused call is not counted against the limit, so a client that keeps knocking is let in as
    soon as the second allows.
    """

    def __init__(self) -> None:
        self.arrived: defaultdict[str, RateWindow] = defaultdict(RateWindow)
        self._admitted: defaultdict[tuple[str, str], RateWindow] = defaultdict(RateWindow)

    def arrive(self, action: str, now: float) -> None:
        """Note a call of an action, admitted or not."""
        self.arrived[action].add(now)

    def admit(self, owner: str, action: str, *, limit: int, now: float) -> bool:
        """Count a call against its owner's limit.

        Args:
            owner: The key that signed.
            action: The action called.
            limit: Calls allowed in any second; 0 for no limit.
            now: Monotonic seconds.

        Returns:
            False when the second before `now` already holds `limit` admitted calls; the call is
            then not counted.
        """
        if not limit:
            return True
        # By key and action, as the document counts; an app has no limit of its own.
        window = self._admitted[owner, action]
        if window.count(now) >= limit:
            return False
        window.add(now)
        return True
