"""A worker's hands and the sandbox in this process.

Quicker than processes, with the same counts on both sides.
"""

from collections import Counter
from typing import Final

import pytest

from smsline import Client
from smsline.ledger.accounts import register
from smsline.ledger.link import Ledger
from tests.faults.support.hands import ACCOUNT, Hands, engine_of, quick_settings
from worker.providers.registry import open_providers
from worker.sandbox.background import Background

FIRST: Final = 8613800200000
COUNT: Final = 5


class Desk:
    """A worker's hands on a real Redis, and the sandbox as its provider.

    Args:
        ledger: An empty ledger.
        url: The ledger's Redis.
        sandbox: The provider.
        patch: Given to the hands.
    """

    def __init__(self, ledger: Ledger, url: str, sandbox: Background, patch: pytest.MonkeyPatch) -> None:
        self.sandbox = sandbox
        self.ledger = ledger
        self.client = Client(redis_url=url, namespace="t")
        account = {
            "provider": "tencent",
            "secret_id": "sandbox-id",
            "secret_key": "sandbox-key",
            "sdk_app_id": "1400000000",
            "sign": "smsline",
            "endpoint": sandbox.url,
            "timeout_s": 0.5,
        }
        settings = {"accounts": {ACCOUNT: account}}
        self.providers = open_providers(quick_settings(**settings))
        register(ledger, {ACCOUNT: "tencent"})
        self.hands = Hands(engine_of(ledger, self.providers[ACCOUNT], **settings), patch, clock=ledger)

    def submit(self, lane: str = "marketing") -> str:
        """A job of a few numbers."""
        to = [f"+{number}" for number in range(FIRST, FIRST + COUNT)]
        return self.client.campaign(to=to, template="5678", lane=lane)

    def finish(self, job: str) -> Counter[str]:
        """Work until the job is closed; how many recipients ended in which state."""
        self.hands.work(lambda: self.client.status(job)["closed_at"] is not None)
        return Counter(row["state"] for row in self.client.results(job))

    def sent(self) -> set[int]:
        """How often numbers were texted; only 1 is in it when each was once."""
        return set(self.sandbox.stats()["numbers"].values())

    def close(self) -> None:
        """Close the connections."""
        self.providers[ACCOUNT].close()
        self.client.close()
