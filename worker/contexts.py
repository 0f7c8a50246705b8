"""Which calls name their blocks in their context, and whose serials are indexed all the same.

A context comes back where the provider gives it back: Tencent does so for accounts that have asked
for it. An account is believed to be one of these until a receipt of ours comes without; from then
on its serials are indexed, until a page brings contexts again. Either way receipts find their
recipients: what is learned here only keeps the look by number, which is slow, a rare one.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from config.settings import Settings
from smsline.ledger import accounts, recipients
from smsline.ledger.batch_queues import BatchQueue, StartedCall
from smsline.ledger.link import Ledger
from smsline.ledger.serials import Found
from smsline.ledger.talk import carry
from smsline.questions import CONVERSION
from smsline.receipt import Receipt
from worker.providers.base import FindProvider, Provider, QueueProvider

KNOWN_S: Final = 5.0
"""For how long a process goes by what it has read."""

log = logging.getLogger(__name__)


class Contexts:
    """What is known of the contexts of this process' accounts.

    Args:
        settings: With which accounts.
        ledger: Where other processes tell what they have learned.
        providers: Account name -> adapter.
        monotonic_s: Clock for measuring.
    """

    def __init__(
        self,
        settings: Settings,
        ledger: Ledger,
        providers: Mapping[str, Provider],
        monotonic_s: Callable[[], float],
    ) -> None:
        self._ledger, self._clock_s = ledger, monotonic_s
        # Rows of a queue have the context; a push has it on request only, and a provider that is
        # asked by it wants it short.
        self._able = frozenset(
            account
            for account, provider in providers.items()
            if isinstance(provider, QueueProvider)
            and not isinstance(provider, FindProvider)
            and account in settings.accounts
            and not settings.accounts[account].callback_secret
        )
        self._nameless = frozenset[str]()
        # More than one account that is told of conversions: a code that was
        # typed in must find its own.
        self._many = False
        self._looks_again_s = float("-inf")

    def look(self) -> None:
        """Read what is known of the accounts, unless that was done a moment ago.

        Raises:
            redis.exceptions.RedisError: Redis cannot be reached.
        """
        if self._able and self._clock_s() >= self._looks_again_s:
            self._nameless = accounts.nameless(self._ledger, sorted(self._able))
            told = carry(self._ledger.redis, accounts.that_answer(self._ledger.keys, CONVERSION))
            self._many = len(told) > 1
            self._looks_again_s = self._clock_s() + KNOWN_S

    def blocks_of(self, queue: BatchQueue, begun: StartedCall) -> tuple[int, ...]:
        """The blocks that a call's context names.

        None where there are too many, or the account's contexts do not come back.
        """
        known = queue.account in self._able and queue.account not in self._nameless
        blocks = tuple(dict.fromkeys(group.entry.block for group in begun.groups))
        return blocks if known and len(blocks) <= recipients.MOST_NAMED else ()

    def indexed(self, lane: str, blocks: Sequence[int]) -> bool:
        """Whether the serials of such a call are indexed.

        Of codes that may be typed in they are also where that has to lead to one of several
        accounts (`Client.converted`).
        """
        return not blocks or (self._many and lane == "otp")

    def learn(self, account: str, told: Sequence[Receipt], found: Found) -> None:
        """Learn from receipts whether the account's contexts come back.

        Raises:
            redis.exceptions.RedisError: Redis cannot be reached.
        """
        if found.by_number and account not in self._nameless:
            log.warning(
                "account %s: receipts come without the SessionContext of their sends; until they have it, serials are indexed",
                account,
            )
            accounts.note_nameless(self._ledger, account, nameless=True)
            self._nameless |= {account}
        elif account in self._nameless and all(recipients.call_of(self._ledger, each.context) for each in told):
            accounts.note_nameless(self._ledger, account, nameless=False)
            self._nameless -= {account}
