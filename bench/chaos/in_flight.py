"""How many recipients are in calls at this moment; no more can be in doubt after a harm."""

from typing import Any

from smsline.ledger.keys import Keys
from smsline.ledger.runs import decode, parse_entry
from smsline.names import DEFAULT_NAMESPACE


def in_flight(
    client: Any,  # noqa: ANN401 - redis-py's types know no decoded replies
    pid: int = 0,
) -> int:
    """Recipients of attempts that have begun and have no outcome yet.

    Args:
        client: A connection past whatever is about to break.
        pid: Only of this worker process; 0 for all.
    """
    keys = Keys(DEFAULT_NAMESPACE)
    attempts = [int(attempt) for attempt in client.zrange(keys.lease, 0, -1)]
    pipe = client.pipeline(transaction=False)
    for attempt in attempts:
        pipe.hmget(keys.attempt(attempt), "state", "entries", "worker")
    return sum(
        len(decode(parse_entry(text).runs))
        for state, entries, worker in pipe.execute()
        if state == b"begun" and (not pid or worker.decode().endswith(f":{pid}"))
        for text in entries.decode().split()
    )
