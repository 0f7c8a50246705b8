"""A question to a provider about one number: what it knows of its messages.

It is asked under the limits that the workers keep to as well.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Final

from config.settings import Settings
from smsline import codes
from smsline.admin import NumberPage
from smsline.errors import NotFound, Unavailable
from smsline.ledger.jobs import iso
from smsline.ledger.link import Ledger
from smsline.numbers import parse_number
from worker.gate import CommandGate
from worker.providers.base import MessageRef, Provider, QueryProvider, ReceiptPage
from worker.providers.registry import open_providers

# As far back as any provider can be asked by number.
SINCE_S: Final = 7 * 86_400

# Messages that are asked about one by one, where a provider cannot be asked by number: the newest.
MOST_QUERIED: Final = 20


@dataclass(frozen=True, slots=True)
class ProviderWord:
    """What a provider said of one message: its times, whether it arrived, the code's meaning."""

    at: str | None
    ok: bool
    code: str
    meaning: str
    serial: str


class AskableAccounts:
    """Accounts of this process' settings that can be asked.

    Args:
        settings: Which accounts there are.
        ledger: Holds the buckets.
    """

    def __init__(self, settings: Settings, ledger: Ledger) -> None:
        self._settings = settings
        self._ledger = ledger

    @cached_property
    def providers(self) -> Mapping[str, Provider]:
        """Account -> adapter, opened when first needed: most web processes are never asked."""
        return open_providers(self._settings)

    def ask(self, account: str, page: NumberPage) -> list[ProviderWord]:
        """Ask one account about a number, newest message first.

        Raises:
            NotFound: This process' settings have no such account.
            Unavailable: The provider gave no answer, or may not be asked just now.
        """
        if account not in self.providers:
            raise NotFound(f"the settings of this web process have no account {account}")
        provider, kind = self.providers[account], self._settings.accounts[account].provider
        action = provider.query_rule.action if isinstance(provider, QueryProvider) else provider.ask_action
        if not action:
            raise Unavailable(f"{account}: the provider cannot be asked about a number; it tells by itself")
        bucket = self._settings.bucket_of(account)
        # The workers' own bucket: a person's question costs one of theirs, and never more than the
        # provider allows.
        gate = CommandGate(self._ledger, bucket, provider=kind, limits=provider.limits)
        if wait_ms := gate.admit(action):
            raise Unavailable(
                f"{account}: no further question may be asked for {wait_ms / 1000:.0f} s; nothing was asked"
            )
        number, now_s = parse_number(page["phone"], allow_unassigned=True), self._ledger.now_ms() // 1000
        if isinstance(provider, QueryProvider):
            # It knows messages and not numbers, so it is asked about those that are kept here.
            answer = provider.query(refs_of(page, account, number)[: min(MOST_QUERIED, provider.query_rule.limit)])
        else:
            answer = provider.ask(number, since_s=now_s - SINCE_S, until_s=now_s)
        if not isinstance(answer, ReceiptPage):
            gate.refused(action, answer)
            row = codes.for_read(kind, answer.code).row
            raise Unavailable(f"{account}: the provider answered {answer.code}: {row.meaning}")
        # A page may hold others' rows too, by a provider's fault; they are not shown.
        found = [receipt for receipt in answer.receipts if receipt.number == number]
        return [
            ProviderWord(
                iso(each.received_at_s * 1000),
                each.ok,
                each.code,
                codes.for_receipt(kind, each.code).row.meaning,
                each.serial,
            )
            for each in sorted(found, key=lambda each: -each.received_at_s)
        ]


def refs_of(page: NumberPage, account: str, number: int) -> list[MessageRef]:
    """The number's messages that an account took, newest first."""
    return [
        MessageRef(each["serial"], number, int(datetime.fromisoformat(each["accepted_at"]).timestamp()))
        for each in page["messages"]
        if each["account"] == account and each["serial"] and each["accepted_at"]
    ]
