"""Reads of providers that failed in a row, and how long the next one waits for it."""

from typing import Final

# Pause after a read without a readable answer, doubled for every further one in a row.
TROUBLE_FIRST_S: Final = 0.25
TROUBLE_MOST_S: Final = 5.0


class FailedReads:
    """Reads in a row without a readable answer, by account and action.

    Of this process alone: another one may have a better way to the provider.
    """

    def __init__(self) -> None:
        self._in_row: dict[tuple[str, str], int] = {}

    def worked(self, account: str, action: str) -> None:
        """A read was answered: the row has ended."""
        self._in_row.pop((account, action), None)

    def failed(self, account: str, action: str) -> float:
        """Count a read that failed; returns for how long the action is left alone, in seconds."""
        failed = self.in_row(account, action)
        self._in_row[account, action] = failed + 1
        # Short at first, so that one lost answer in ten does not hold up the other nine.
        return min(TROUBLE_MOST_S, TROUBLE_FIRST_S * 2.0 ** min(failed, 10))

    def in_row(self, account: str, action: str) -> int:
        """How many failed since the last that worked."""
        return self._in_row.get((account, action), 0)
