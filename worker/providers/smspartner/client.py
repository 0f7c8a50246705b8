"""SMSPartner as the engine sees it."""

import logging
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from config.accounts import Account
from worker.providers import texts
from worker.providers.base import (
    Answer,
    Balance,
    BatchRule,
    Broken,
    Call,
    FoundMessage,
    MessageRef,
    QueryRule,
    ReceiptPage,
    Refused,
    Region,
)
from worker.providers.egress import egress_of
from worker.providers.http import HttpPort, HttpxPort
from worker.providers.smspartner import facts, status, wire
from worker.providers.smspartner.calls import SmsPartnerCalls
from worker.providers.smspartner.facts import FACTS, NUMBERS_PER_CALL
from worker.providers.smspartner.status import StatusPage

LOG: Final = logging.getLogger(__name__)

POOL_SIZE: Final = 8

NOT_KNOWN: Final = "4"
"""What a status call answers about a message or a tag that it does not know, or not yet."""


class SmsPartnerProvider:
    """One SMSPartner account: a `QueryProvider`, `FindProvider` and `BalanceProvider`. Threads may share it.

    A process that forks opens its own afterwards: connections must not be shared between processes.
    """

    def __init__(self, name: str, account: Account, *, port: HttpPort) -> None:
        """Make no call yet.

        Args:
            name: What smsline calls the account.
            account: Whose calls these are.
            port: Sends to `account.endpoint`.
        """
        self._name = name
        self._texts = account.texts
        self._callback = account.callback(name)
        # Not documented but for lookup and HLR; README says what the guess rests on.
        self._limits = MappingProxyType({**FACTS.limits(), **account.limits})
        self.calls: Final = SmsPartnerCalls(account, port)
        """The provider's own calls, for what the engine does not need."""

    def __repr__(self) -> str:
        return f"SmsPartnerProvider({self._name!r})"

    @property
    def limits(self) -> Mapping[str, float]:
        """Calls per second for each action: the account's own where set, else the defaults."""
        return self._limits

    @property
    def ask_action(self) -> str:
        """The action of `ask`, which makes no call here."""
        return facts.FIND

    @property
    def find_action(self) -> str:
        """bulk-status-by-tag."""
        return facts.FIND

    @property
    def query_rule(self) -> QueryRule:
        """multi-status about at most 500 messages."""
        return QueryRule(facts.QUERY, NUMBERS_PER_CALL)

    def batch_rule(self, region: Region) -> BatchRule:  # noqa: ARG002 - one rule for all numbers
        """500 numbers, each with a text of its own (SMSPartner error codes, line 50)."""
        return BatchRule(facts.SEND, NUMBERS_PER_CALL, params_differ=True)

    def send(self, call: Call) -> Answer:
        """Make one bulk-send, never repeated.

        When the params of some numbers do not fit the text, nothing is sent: these are refused here, and the others go
        with the next call, so that whatever a call's end is, it holds for all its numbers.
        """
        # Names of environment variables come in capitals, so the texts are kept by lower-case ids.
        text = self._texts.get(call.content.template.lower())
        if text is None:
            words = f"no text for the template {call.content.template}; add it to TEXTS of the account"
            return Broken(maybe_sent=False, code=texts.UNKNOWN, detail=words)
        # One bulk-send takes a text for each number, so params of their own cost no call more.
        params = call.own_params or [call.content.params] * len(call.numbers)
        messages = {number: texts.fill(text, own) for number, own in zip(call.numbers, params, strict=True)}
        # One unfit text would be refused by the provider with the whole call, so it does not get
        # there.
        unfit = [number for number, message in messages.items() if message is None]
        if unfit:
            return wire.only(unfit, texts.UNFIT, call.numbers)
        answer, oddities = self.calls.bulk_send(
            {number: message for number, message in messages.items() if message is not None},
            # SMSPartner has one name for both: what a job calls sender comes before its signature.
            sender=call.content.sender or call.content.sign,
            tag=wire.tag_of(call.context),
            timeout_s=call.timeout_s,
            callback=self._callback,
        )
        if oddities:
            LOG.warning("account %s, call %s: left out of the answer: %s", self._name, call.context, oddities)
        return answer

    def ask(self, number: int, *, since_s: int, until_s: int) -> ReceiptPage | Refused | Broken:  # noqa: ARG002
        """An empty page: no call tells by number what was sent."""
        return ReceiptPage((), 0, 0)

    def query(self, asked: Sequence[MessageRef]) -> ReceiptPage | Refused | Broken:
        """Receipts of these messages: one multi-status, and a bulk-status-by-tag for each call that is known by its tag alone."""
        pages: list[ReceiptPage] = []
        # What was found by its tag has no numeric message_id, and multi-status takes no other:
        # these are asked about by tag.
        parts: dict[str, list[MessageRef]] = {}
        for each in asked:
            message_id = status.message_id_of(each.serial)
            parts.setdefault("" if message_id.isdigit() else message_id, []).append(each)
        for message_id, part in parts.items():
            numbers = [each.number for each in part]
            page = self.calls.bulk_status_by_tag(message_id, numbers) if message_id else self.calls.multi_status(part)
            if isinstance(page, StatusPage):
                pages.append(status.receipts_of(page, part))
            # "Not known" of one part says nothing of the others; any other trouble ends the round,
            # which is asked again.
            elif not _nothing_known(page):
                return page
        return ReceiptPage(
            receipts=tuple(receipt for page in pages for receipt in page.receipts),
            bad_rows=sum(page.bad_rows for page in pages),
            rows=sum(page.rows for page in pages),
        )

    def find(self, context: str, numbers: Sequence[int]) -> tuple[FoundMessage, ...] | Refused | Broken:
        """What the provider knows of a call whose answer was never seen, by the call's tag.

        The answer names no message_id, so the tag stands for it in the serials, and later queries ask by the tag again.
        """
        tag = wire.tag_of(context)
        page = self.calls.bulk_status_by_tag(tag, numbers)
        if not isinstance(page, StatusPage):
            return () if _nothing_known(page) else page
        wanted, found = frozenset(numbers), []
        # A row for a number that this call did not have would settle another message.
        for each in (one for one in page.statuses if one.number in wanted):
            serial = wire.serial_of(each.message_id or tag, each.number)
            found.append(
                FoundMessage(each.number, serial, status.receipt_of(each, serial, context) if each.final else None)
            )
        return tuple(found)

    @property
    def balance_action(self) -> str:
        """/me."""
        return facts.CREDITS

    def balance(self) -> Balance | Refused | Broken:
        """What is left, and how many messages of the account's range it buys."""
        return self.calls.balance()

    def close(self) -> None:
        """Close kept-alive connections."""
        self.calls.close()


def _nothing_known(answer: Refused | Broken) -> bool:
    return isinstance(answer, Refused) and answer.code == NOT_KNOWN


def open_provider(name: str, account: Account, *, pool_size: int = POOL_SIZE) -> SmsPartnerProvider:
    """An account ready for calls; see `worker.providers.registry.OpenProvider`."""
    return SmsPartnerProvider(
        name, account, port=HttpxPort(account.endpoint, pool_size=pool_size, egress=egress_of(account))
    )
