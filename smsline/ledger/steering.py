"""Pause, resume and cancel: the state that a person or a producer asks of a job."""

from smsline.ledger.inbox import insist
from smsline.ledger.keys import Keys
from smsline.ledger.link import Ledger
from smsline.ledger.talk import Talk, ask, carry
from smsline.ledger.version import LAYOUT, refuse_other
from smsline.names import LANES


def lane_of(ledger: Ledger, job: str) -> str | None:
    """A job's lane, or None when there is no such job."""
    lane = ledger.redis.hget(ledger.keys.job(job), "lane")
    return None if lane is None else lane.decode()


def control(ledger: Ledger, job: str, wanted: str) -> tuple[str, str] | None:
    """Ask for a job's state to become `open`, `paused` or `cancelled`; see `steering`."""
    return carry(ledger.redis, steering(ledger.keys, job, wanted))


def steering(keys: Keys, job: str, wanted: str) -> Talk[tuple[str, str] | None]:
    """Ask for a job's state to become `open`, `paused` or `cancelled`.

    Returns:
        The state before and the state now; None when there is no such job.

    Raises:
        OtherVersion: The ledger is of another version; nothing was done.
    """
    (lane,) = yield from ask(("HGET", keys.job(job), "lane"))
    # Also without a lane: that a ledger of another layout has no such job says nothing.
    key_list = [*keys.book, keys.job(job), keys.inbox(lane.decode() if lane else LANES[0]), keys.got(job)]
    (answer,) = yield from insist(job, ("control", [*key_list, keys.version, keys.ids], [job, wanted, LAYOUT]))
    if answer and answer[0] == b"layout":
        refuse_other(answer[1].decode())
    return (answer[0].decode(), answer[1].decode()) if answer else None
