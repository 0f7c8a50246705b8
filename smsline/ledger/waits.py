"""Batch queues and entries that are put off, and their way back once they are due."""

from collections.abc import Sequence

from smsline.ledger.batch_queues import BatchQueue, parse_queue
from smsline.ledger.link import Ledger, clock_ms
from smsline.ledger.poison import readable
from smsline.ledger.runs import parse_entry


def hold(ledger: Ledger, queue: BatchQueue, for_ms: float, *, firmly: bool = False) -> None:
    """Leave a batch queue alone for a time, because its messages may not be sent now.

    Nothing of it is lost or counted.

    Args:
        ledger: Where.
        queue: Which.
        for_ms: For how long.
        firmly: Whether nothing is taken off it until then. Else the batch queue is looked at when
            something comes to it meanwhile.
    """
    text = queue.text()
    ledger.run("hold", [ledger.keys.send(queue.lane), ledger.keys.hold(text)], [text, for_ms, int(firmly)])


def drop_ended(ledger: Ledger, queue: BatchQueue, *, most: int = 200) -> None:
    """Take out of a batch queue what has ended meanwhile; for one that no call is made for."""
    keys, text, dropped = ledger.keys, queue.text(), most
    while dropped == most:
        entries = [entry.decode() for entry in ledger.redis.zrange(keys.queue(text), 0, most - 1)]
        key_list = [keys.queue(text), keys.size(text), keys.send(queue.lane)]
        key_list += [keys.block(parse_entry(entry).block) for entry in entries]
        dropped = int(ledger.run("drop_ended", key_list, [text, *entries])) if entries else 0


def rest(ledger: Ledger, found: Sequence[BatchQueue], *, park_probe_ms: float) -> int:
    """Leave due batch queues alone while a park or the account's breaker keeps them waiting.

    Args:
        ledger: The ledger.
        found: Batch queues of one account, side, country and template.
        park_probe_ms: Between two probes of what is parked.

    Returns:
        How many; 0 when nothing keeps them waiting (any more).
    """
    keys, first = ledger.keys, found[0]
    parks = [keys.park(first.account, subject) for subject in ("", *first.shared_subjects)]
    key_list = [keys.send(first.lane), keys.breaker(first.account), *parks]
    return int(ledger.run("rest", key_list, [park_probe_ms, *(queue.text() for queue in found)]))


def move_due(ledger: Ledger, source: str, *, only_due: bool, most: int = 200) -> int:
    """Move entries from `later` or from a job's held ones into their batch queues.

    Returns how many.
    """
    # Looked at first and moved by name, because a script must be given the keys of the queues; it
    # moves only what is still there and still due.
    if only_due:
        members = ledger.redis.zrangebyscore(source, "-inf", clock_ms(ledger.redis.time()), start=0, num=most)
    else:
        members = ledger.redis.zrange(source, 0, most - 1)
    members = readable(ledger, source, members) if only_due else [member.decode() for member in members]
    if not members:
        return 0
    queues = [member.split(" ", 1)[0] for member in members]
    key_list = [source]
    for queue in queues:
        key_list += [ledger.keys.queue(queue), ledger.keys.send(parse_queue(queue).lane)]
    return int(ledger.run("move_due", key_list, ["due" if only_due else "", *members]))
