"""What a call adds to the statistics besides the states of its recipients."""

from collections import Counter
from collections.abc import Sequence

from smsline.ledger import statistics
from smsline.ledger.call_results import EntryResults
from smsline.ledger.codes import tidy_code
from worker.providers.base import Answer, Broken, Refused


def of_call(
    account: str, action: str, answer: Answer, *, took_s: float, entries: Sequence[EntryResults]
) -> list[tuple[str, int]]:
    """The counters that a call raises, and by how much.

    Args:
        account: Who made it.
        action: The provider's action.
        answer: What came of it.
        took_s: How long it took.
        entries: What its recipients came to.
    """
    outcome = "ok"
    if isinstance(answer, Refused):
        outcome = "refused"
    elif isinstance(answer, Broken):
        outcome = "unknown" if answer.maybe_sent else "not_sent"
    codes = Counter(code for each in entries for code in each.codes())
    return [
        (f"l|{account}|{action}|{outcome}", 1),
        *statistics.time_fields(f"call_duration_seconds|{account}|{action}", took_s * 1000),
        *statistics.size_fields(sum(len(each.results) for each in entries)),
        *((f"k|{account}|send|{tidy_code(code)}", recipients) for code, recipients in codes.items()),
    ]
