"""The demo's producer: hands over the jobs of a CSV file and follows each until it is closed."""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from smsline import Client
from smsline.csvfile import open_campaign
from smsline.errors import Unavailable
from smsline.job import Recipient
from smsline.ledger.jobs import Status
from smsline.numbers import e164
from worker.demo.scenario import CAMPAIGN_TEMPLATE, OTP_NUMBERS, OTP_TEMPLATE, PACE

# An open job after so long is a failure; a slow machine needs a quarter of it.
PATIENCE_S: Final = 120.0

# What of an open job is told: where its recipients are.
OPEN: Final = ("waiting", "sending", "accepted")
_LOOK_S: Final = 0.1

Show = Callable[[Mapping[str, Status]], None]


class StillOpen(Exception):  # noqa: N818 - reads as what happened
    """Not every job was closed in time; the message says which."""


@dataclass(frozen=True, slots=True)
class Otp:
    """A one-time password that was handed over.

    Attributes:
        job: The job's id.
        number: The recipient's E.164 integer.
        at_s: When it was handed over, epoch seconds.
    """

    job: str
    number: int
    at_s: float


def submit_campaign(client: Client, path: Path) -> str:
    """Hand a CSV file over as one job; returns the job's id."""
    with open_campaign(str(path)) as file:
        rows = (Recipient(row.phone, row.params, row.ref) for row in file.rows())
        return client.campaign(to=rows, template=CAMPAIGN_TEMPLATE, pace=PACE)


def submit_otps(client: Client) -> list[Otp]:
    """Hand over one job for each password, one right after the other."""
    sent = []
    for number in OTP_NUMBERS:
        # Wall time: it is compared with the sandbox's arrival stamps, of the same machine.
        at_s = time.time()
        job = client.send(to=e164(number), template=OTP_TEMPLATE, params=[str(number)[-6:]], lane="otp")
        sent.append(Otp(job, number, at_s))
    return sent


def follow(client: Client, jobs: Mapping[str, str], *, show: Show, check: Callable[[], None]) -> dict[str, Status]:
    """Show how the jobs stand until all are closed.

    Args:
        client: Asked for the statuses.
        jobs: Name of each job for people -> its id.
        show: Given the newest statuses by name.
        check: Raises when there is no sense in waiting on.

    Returns:
        The last statuses by name.

    Raises:
        StillOpen: They are not all closed after `PATIENCE_S`.
    """
    until_s = time.monotonic() + PATIENCE_S
    while True:
        check()
        statuses: dict[str, Status] = {}
        with suppress(Unavailable):  # Redis may be restarting: the next look may go better
            statuses = {name: client.status(job) for name, job in jobs.items()}
        # Also when Redis gave none: the picture must not stop while it is away.
        show(statuses)
        still = [name for name in jobs if name not in statuses or not statuses[name]["closed_at"]]
        if not still:
            return statuses
        if time.monotonic() > until_s:
            counts = {name: statuses[name]["counts"] for name in still if name in statuses}
            told = [
                f"{name} ({', '.join(f'{what} {counts[name][what]}' for what in OPEN)})" if name in counts else name
                for name in still
            ]
            raise StillOpen(f"still open after {PATIENCE_S:g} s: {', '.join(told)}")
        time.sleep(_LOOK_S)


def names(campaign: str, otps: Sequence[Otp]) -> dict[str, str]:
    """What the jobs are called on the screen -> their ids."""
    return {"campaign": campaign} | {f"otp {i}": otp.job for i, otp in enumerate(otps, 1)}
