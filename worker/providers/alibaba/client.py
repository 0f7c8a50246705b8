"""Alibaba Cloud as the engine sees it, one class for each of its sites."""

import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from config.accounts import Account
from worker.providers.alibaba import international, mainland
from worker.providers.alibaba.facts import (
    DAYS_BACK,
    DETAILS,
    FACTS,
    MESSAGE,
    NUMBERS_PER_CALL,
    OWN_PER_CALL,
    SEND,
    SEND_CHINA,
    SEND_EACH,
    SEND_GLOBE,
)
from worker.providers.alibaba.signing import canonical_query, date_of, sign
from worker.providers.alibaba.spelling import days_between
from worker.providers.alibaba.wire import Question, judge
from worker.providers.base import (
    QUERIES_AT_ONCE,
    Answer,
    BatchRule,
    Broken,
    Call,
    FoundMessage,
    MessageRef,
    QueryProvider,
    QueryRule,
    ReceiptPage,
    Refused,
    Region,
)
from worker.providers.cleaning import Clean, cleaner
from worker.providers.egress import egress_of
from worker.providers.http import HttpPort, HttpRequest, HttpxPort, host_of

POOL_SIZE: Final = 8
FORM: Final = "application/x-www-form-urlencoded"

# A call may take its whole timeout, 10 s by default; the rest is for clocks that differ.
_SLACK_S: Final = 120
"""How far the provider's clock may be from ours, and how late a call may reach it, when a day is chosen."""

_FIND_BACK_S: Final = 3 * 3600
"""How long ago a call is that is looked for, at most: twice the longest horizon that is usual, and some more."""

_DAY_S: Final = 86_400


def new_nonce() -> str:
    """A word that no request has had before; the provider refuses a second request with the same."""
    return secrets.token_hex(16)


class _Site:
    """What the two sites have in common: every call is signed when it is made, with a fresh nonce, and made once."""

    def __init__(
        self,
        name: str,
        account: Account,
        *,
        port: HttpPort,
        clock: Callable[[], float] = time.time,
        nonce: Callable[[], str] = new_nonce,
    ) -> None:
        """Make no call yet.

        Args:
            name: What smsline calls the account.
            account: Whose calls these are.
            port: Sends to the account's endpoint.
            clock: Epoch seconds, read once for each call, when it is signed.
            nonce: A fresh word for each call.
        """
        self._name = name
        self._account = account
        self._key_id = account.secret_id.get_secret_value()
        self._key_secret = account.secret_key.get_secret_value()
        self._port = port
        self._clock = clock
        self._nonce = nonce
        self._host = host_of(account.endpoint)
        # Only the actions of the account's own site: the other site has another API.
        self._limits = MappingProxyType({**FACTS.limits(account.site), **account.limits})

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._name!r})"

    @property
    def limits(self) -> Mapping[str, float]:
        """Calls per second for each action: the account's own where set, else as documented."""
        return self._limits

    def close(self) -> None:
        """Close kept-alive connections."""
        self._port.close()

    def _clean(self, call: Call | None = None, message: str = "") -> Clean:
        """What takes the key, and a call's params, values and text, out of the provider's words."""
        params = {param for params in (call.content.params, *call.own_params) for param in params} if call else set()
        # A message may quote the value without its name.
        values = (param.partition("=")[2] for param in params)
        return cleaner((self._key_id, self._key_secret, message, *params, *values))

    def _ask(self, question: Question, *, timeout_s: float, clean: Clean) -> bytes | Refused | Broken:
        """Make one call and keep the answer's body if it is one to be read."""
        # Every header that is named here is signed, so what httpx adds by itself must not be among
        # them.
        headers = {
            "accept": "application/json",
            "host": self._host,
            "x-acs-action": question.action,
            # The provider takes a time that is at most 15 minutes off, and a nonce once: both are
            # made anew for each call.
            "x-acs-date": date_of(self._clock()),
            "x-acs-signature-nonce": self._nonce(),
            "x-acs-version": question.version,
        }
        if question.body:
            headers["content-type"] = FORM
        signed = sign(
            headers,
            query=question.asked,
            body=question.body,
            access_key_id=self._key_id,
            access_key_secret=self._key_secret,
        )
        # Sent exactly as it was signed: another order or another encoding would be
        # SignatureDoesNotMatch.
        target = "?" + canonical_query(question.asked)
        response = self._port.send(HttpRequest(timeout_s, question.body, signed, target))
        return response if isinstance(response, Broken) else judge(response, clean=clean)


class MainlandProvider(_Site):
    """An account of the mainland site; implements `QueryProvider` and `FindSomeProvider`. Threads may share it.

    A process that forks opens its own afterwards: connections must not be shared between processes.
    """

    @property
    def ask_action(self) -> str:
        """QuerySendDetails."""
        return DETAILS

    @property
    def query_rule(self) -> QueryRule:
        """QuerySendDetails, one message at a time."""
        return QueryRule(DETAILS)

    def batch_rule(self, region: Region) -> BatchRule:  # noqa: ARG002 - both regions share the rule, but not a call
        """SendSms for numbers with the same params, SendBatchSms for numbers that bring their own."""
        # Half as many numbers with params of their own: SendBatchSms takes 100.
        return BatchRule(SEND, NUMBERS_PER_CALL, params_differ=True, own=BatchRule(SEND_EACH, OWN_PER_CALL))

    def send(self, call: Call) -> Answer:
        """Make one SendSms or SendBatchSms, signed now, never repeated."""
        question = mainland.send_question(call)
        if not isinstance(question, Question):
            return question
        clean = self._clean(call)
        body = self._ask(question, timeout_s=call.timeout_s, clean=clean)
        return mainland.read_send(body, call, clean=clean) if isinstance(body, bytes) else body

    def query(self, asked: Sequence[MessageRef]) -> ReceiptPage | Refused | Broken:
        """The receipt of one message, by number, day and BizId, or by its OutId where the BizId is not known.

        The day is that of the call. Within two minutes of Beijing's midnight it may be another one by the provider's clock: then
        the other one is asked for too, with the one token that was taken, when the first has nothing.
        """
        (one,) = asked
        # Empty for a message that was found by its OutId: then all of the number's rows of that day
        # come.
        biz_id = mainland.biz_id_of(one.serial)
        days = days_between(one.accepted_s - _SLACK_S, one.accepted_s + _SLACK_S)
        rows = self._rows(one.number, days, biz_id)
        if not isinstance(rows, list):
            return rows
        page = mainland.page_of(rows, one.number, biz_id)
        # By OutId the answer holds other calls of the same day as well; a receipt must not settle
        # another message.
        receipts = tuple(receipt for receipt in page.receipts if receipt.serial == one.serial)
        return ReceiptPage(receipts, page.bad_rows, page.rows)

    @property
    def find_action(self) -> str:
        """QuerySendDetails."""
        return DETAILS

    @property
    def find_limit(self) -> int:
        """One number at a time."""
        return 1

    def find(self, context: str, numbers: Sequence[int]) -> tuple[FoundMessage, ...] | Refused | Broken:
        """What of the call with this OutId went to a number, among all that went there today or, shortly after midnight, yesterday."""
        (number,) = numbers
        # Calls that are looked for are young; yesterday matters only shortly after Beijing's
        # midnight.
        now_s = self._clock()
        rows = self._rows(number, days_between(now_s - _FIND_BACK_S, now_s))
        return mainland.found_in(rows, number, context) if isinstance(rows, list) else rows

    def ask(self, number: int, *, since_s: int, until_s: int) -> ReceiptPage | Refused | Broken:
        """Receipts of what went to one number between two epoch times, with OutId in place of the BizId in their serials.

        Days are asked for one by one, so that the receipts may be of a wider time; the provider keeps 30. When nothing of the time
        asked about is left, nothing is asked and the answer is `Broken`, as an empty page would say that there was no receipt.
        """
        # Kept off the oldest day by the slack, or the provider's clock may find it too old.
        since_s = max(since_s, int(self._clock()) - DAYS_BACK * _DAY_S + _SLACK_S)
        if since_s >= until_s:
            return Broken(
                maybe_sent=False, code="ask.TooOld", detail="the time asked about is over 30 days ago or empty"
            )
        rows = self._rows(number, days_between(since_s, until_s))
        return mainland.page_of(rows, number) if isinstance(rows, list) else rows

    def _rows(self, number: int, days: Sequence[str], biz_id: str = "") -> list[Any] | Refused | Broken:
        """What went to a number on these days, or the first trouble; the days end with the first that has what a BizId names."""
        clean, found = self._clean(), list[Any]()
        for day in days:
            question = mainland.details_question(number, day, biz_id)
            body = self._ask(question, timeout_s=self._account.timeout_s, clean=clean)
            rows = mainland.read_rows(body, clean=clean) if isinstance(body, bytes) else body
            if not isinstance(rows, list):
                return rows
            found += rows
            # A BizId is of one day, so the other day has nothing and costs a call.
            if biz_id and rows:
                break
        return found


class InternationalProvider(_Site):
    """An account of the international site; implements `QueryProvider`. Threads may share it.

    A process that forks opens its own afterwards: connections must not be shared between processes.
    """

    @property
    def ask_action(self) -> str:
        """QueryMessage, though it is never called by number."""
        return MESSAGE

    @property
    def query_rule(self) -> QueryRule:
        """QueryMessage, one message at a time."""
        return QueryRule(MESSAGE)

    def batch_rule(self, region: Region) -> BatchRule:
        """One number in a call; README says why BatchSendMessageToGlobe is not used, and what that costs."""
        return BatchRule(SEND_CHINA if region == "mainland" else SEND_GLOBE, 1)

    def send(self, call: Call) -> Answer:
        """Make one SendMessageToGlobe or SendMessageWithTemplate, signed now, never repeated."""
        question = international.send_question(call, self._account.texts)
        if isinstance(question, Broken):
            return question
        # The text holds the params: an error that quotes it would tell them.
        clean = self._clean(call, question.query.get("Message", ""))
        body = self._ask(question, timeout_s=call.timeout_s, clean=clean)
        return international.read_send(body, call, clean=clean) if isinstance(body, bytes) else body

    def query(self, asked: Sequence[MessageRef]) -> ReceiptPage | Refused | Broken:
        """The receipt of one message, by MessageId."""
        (one,) = asked
        clean = self._clean()
        body = self._ask(international.message_question(one), timeout_s=self._account.timeout_s, clean=clean)
        return international.read_message(body, one, clean=clean) if isinstance(body, bytes) else body

    def ask(self, number: int, *, since_s: int, until_s: int) -> ReceiptPage | Refused | Broken:  # noqa: ARG002
        """Nothing: the API cannot be asked by number, and tells TaskId in pushes only. Nothing is called."""
        return ReceiptPage((), 0, 0)


def open_provider(
    name: str, account: Account, *, pool_size: int = POOL_SIZE, clock: Callable[[], float] = time.time
) -> QueryProvider:
    """An account ready for calls; the arguments are those of `worker.providers.registry.OpenProvider`, and a clock for tests."""
    kind = InternationalProvider if account.site == "international" else MainlandProvider
    # Each thread may have so many queries under way.
    port = HttpxPort(account.endpoint, pool_size=pool_size * QUERIES_AT_ONCE, egress=egress_of(account))
    return kind(name, account, port=port, clock=clock)
