"""What the service is given to do meanwhile: a campaign, and one otp after the other; refusals are tried again with the same key."""

import threading
import time
from dataclasses import dataclass
from typing import Final

from smsline import Client, Unavailable, Unconfirmed
from smsline.job import CampaignOptions, JobOptions

CAMPAIGN_FIRST: Final = 8613810000000
OTP_FIRST: Final = 8613920000000
OTP_EVERY_S: Final = 0.1


@dataclass(slots=True)
class Given:
    """What was handed over.

    Attributes:
        campaign: The campaign's job.
        otps: The one-time passwords' jobs.
        refused: How often the service said that it could not take a job.
    """

    campaign: str
    otps: list[str]
    refused: int = 0


class Producer(threading.Thread):
    """Hands over an otp every tenth of a second; a refused one is tried again under its key until it is taken."""

    def __init__(self, client: Client, given: Given) -> None:
        super().__init__(name="producer", daemon=True)
        self._client = client
        self._given = given
        self._over = threading.Event()

    def run(self) -> None:
        """Hand over."""
        count = 0
        while not self._over.wait(OTP_EVERY_S):
            self._given.otps.append(self._one(count))
            count += 1

    def _one(self, count: int) -> str:
        job: JobOptions = {"params": ["482913"], "lane": "otp", "ttl_s": 120, "key": f"otp-{count}"}
        while True:
            try:
                return self._client.send(to=f"+{OTP_FIRST + count}", template="1234", **job)
            except (Unavailable, Unconfirmed):
                self._given.refused += 1
                time.sleep(0.2)

    def stop(self) -> None:
        """Hand over no more."""
        self._over.set()
        self.join()


def campaign(client: Client, count: int, seconds: float) -> str:
    """Hand over a campaign that takes about so long."""
    how: CampaignOptions = {"pace": count / seconds, "key": "campaign"}
    return client.campaign(to=(f"+{CAMPAIGN_FIRST + n}" for n in range(count)), template="5678", **how)
