"""Hours of the accounts as the ledger knows them, and recipients for whom no hour ever comes."""

from typing import Final, TypedDict

from smsline.ledger.batch_queues import BatchQueue, parse_queue
from smsline.ledger.keys import Keys
from smsline.ledger.link import Ledger
from smsline.ledger.talk import Talk, ask
from smsline.windows import MAINLAND_COUNTRY, never_open

# Batch queues of a lane, and entries of a batch queue, that a look for such
# recipients reads at most.
QUEUES_LOOKED_AT: Final = 500
ENTRIES_LOOKED_AT: Final = 20


class NeverSent(TypedDict):
    """Jobs of which a country's recipients are never sent to: the hours needed never meet."""

    jobs: list[str]
    account: str
    country: str
    hours: list[str]


def of_accounts(keys: Keys, account: str) -> Talk[dict[str, str]]:
    """The hours of an account, or of all that workers have registered.

    Empty for one without any.
    """
    names = [account]
    if not account:
        (found,) = yield from ask(("HGETALL", keys.accounts))
        names = sorted(name.decode() for name, provider in found.items() if provider)
    if not names:
        return {}
    held = yield from ask(*(("HGET", keys.account(name), "window") for name in names))
    return {name: (window or b"").decode() for name, window in zip(names, held, strict=True)}


def never_sent(ledger: Ledger) -> list[NeverSent]:
    """Recipients that wait only for their ttl to end, by account, country and hours."""
    redis, keys, found = ledger.redis, ledger.keys, list[tuple[BatchQueue, list[str]]]()
    windows = dict[str, str]()
    for lane in ("notify", "marketing"):
        for member in redis.zrange(keys.send(lane), 0, QUEUES_LOOKED_AT - 1):
            queue = parse_queue(member.decode())
            if lane == "marketing" and queue.account not in windows:
                windows[queue.account] = (redis.hget(keys.account(queue.account), "window") or b"").decode()
            of_account = windows.get(queue.account, "") if lane == "marketing" else ""
            hours = [text for text in (queue.window, of_account) if text]
            if hours and never_open(hours, country_of_queue(queue)):
                found.append((queue, hours))
    pipe = redis.pipeline(transaction=False)
    for queue, _ in found:
        pipe.zrange(keys.queue(queue.text()), 0, ENTRIES_LOOKED_AT - 1)
    told = dict[tuple[str, str, tuple[str, ...]], set[str]]()
    for (queue, hours), entries in zip(found, pipe.execute() if found else [], strict=True):
        jobs = told.setdefault((queue.account, country_of_queue(queue), tuple(hours)), set())
        jobs.update(entry.decode().partition("|")[0] for entry in entries)
    # What has ended stays in the batch queue until that is looked at, once an hour.
    every = sorted(set().union(*told.values()))
    ended = {job for job, at in zip(every, redis.zmscore(keys.open, every) if every else (), strict=True) if at is None}
    return [
        NeverSent(jobs=sorted(jobs - ended), account=account, country=country, hours=list(hours))
        for (account, country, hours), jobs in told.items()
        if jobs - ended
    ]


def country_of_queue(queue: BatchQueue) -> str:
    """The country whose clocks count for a batch queue; empty where a named zone's alone does."""
    return MAINLAND_COUNTRY if queue.region.startswith("m") else queue.country


def in_words(each: NeverSent) -> str:
    """What stands in lists and reports."""
    jobs = ", ".join(each["jobs"][:3]) + (" and more" if len(each["jobs"]) > 3 else "")
    where = f" to {each['country']}" if each["country"] else ""
    return f"never sent: hours do not meet ({' and '.join(each['hours'])}{where}, account {each['account']}): {jobs}"
