"""One ledger with its model: moves are made on both, and after each everything is compared."""

from typing import Any, Final

from config.settings import Settings
from smsline.ledger.link import Ledger
from tests.faults.support import invariants
from tests.faults.support.hands import ACCOUNT, STAND_IN
from tests.faults.support.model import Job, Model
from tests.faults.support.provider import CountingProvider
from tests.faults.support.view import View, view
from tests.support.world import FIRST
from worker.engine import Engine

NUMBERS: Final = range(FIRST, FIRST + 6)
ACCOUNTS: Final = (ACCOUNT, STAND_IN)
ORDER: Final = {"otp": (STAND_IN, ACCOUNT), "marketing": ACCOUNTS}
"""The accounts of a lane's numbers, in order."""


class Stage:
    """What every actor moves on.

    Args:
        client: A connection to an empty Redis.

    Attributes:
        seen: The ledger after the last move.
        sent: Every attempt and number that was ever begun.
        by_person: Whether the last move put recipients back that had ended.
    """

    def __init__(self, client: Any) -> None:
        self.ledger = Ledger(client, "m")
        self.provider = CountingProvider()
        account: dict[str, Any] = {
            "provider": "tencent",
            "secret_id": "i",
            "secret_key": "k",
            "sdk_app_id": "1",
            "sign": "s",
        }
        made: dict[str, Any] = {
            "accounts": dict.fromkeys(ACCOUNTS, account),
            "routes": {"codes": {"lanes": ["otp"], "accounts": [STAND_IN], "fallback": [ACCOUNT]}},
            "linger_ms": 0,
            "lease_s": 60,
        }
        self.engine = Engine(Settings(**made), self.ledger, dict.fromkeys(ACCOUNTS, self.provider))
        self.model = Model()
        self.seen: View = view(self.ledger, ACCOUNTS)
        self.sent: list[tuple[int, int]] = []
        self.by_person = False

    def check(self) -> None:
        """The ledger is as the model says, and everything open will be looked at again."""
        before, self.seen = self.seen, view(self.ledger, ACCOUNTS)
        self.engine.router.breakers.forget()
        self.model.close()
        invariants.check(self.seen, self.model, before=None if self.by_person else before)
        self.by_person = False

    def job(self, pick: int) -> Job:
        """One of the jobs."""
        return list(self.model.jobs.values())[pick % len(self.model.jobs)]

    def make_due(self, key: str, member: str) -> None:
        """Let the time of a member of a due set come, if it is there."""
        self.ledger.redis.zadd(key, {member: 0}, xx=True)
