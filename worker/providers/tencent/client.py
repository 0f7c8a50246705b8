"""Tencent as the engine sees it."""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from config.accounts import Account
from smsline.numbers import is_mainland
from worker.providers.base import Answer, BatchRule, Broken, Call, Item, ReceiptPage, Refused, Region, ReplyPage, Sent
from worker.providers.egress import egress_of
from worker.providers.http import HttpPort, HttpxPort
from worker.providers.tencent import answers, push, questions, wire
from worker.providers.tencent.caller import TencentCaller, new_nonce
from worker.providers.tencent.facts import ASK, ASK_BACK_S, NUMBERS_PER_CALL, PULL, REPLIES, SEND, SEND_EACH
from worker.providers.tencent.questions import QUESTIONS

LOG: Final = logging.getLogger(__name__)

AGAIN: Final = "call.Again"
"""Of a number that could not be in the call with the others, and goes with the next (smsline/codes)."""

NOT_THERE: Final = frozenset({"InvalidAction", "ActionOffline", "InternalError.RestApiInterfaceNotExist"})
"""What an endpoint answers to a SendMultiGlobalSms that it does not have."""

POOL_SIZE: Final = 8

_ASK_MARGIN_S: Final = 60
"""Kept off the oldest time that can be asked for, so that clocks which differ a little do not make it too old."""


class TencentProvider:
    """One Tencent account: a `QueueProvider`, a `ReplyProvider` and an `AnswerProvider`. Threads may share it.

    A process that forks opens its own afterwards: connections must not be shared between processes.
    """

    def __init__(
        self,
        name: str,
        account: Account,
        *,
        port: HttpPort,
        clock: Callable[[], float] = time.time,
        nonce: Callable[[], int] = new_nonce,
    ) -> None:
        """Make no call yet; `name` is what smsline calls the account, the other arguments are those of `TencentCaller`."""
        self._name = name
        self._clock = clock
        # A message of SendMultiGlobalSms has no SignName; see `batch_rule`.
        self._signs = bool(account.sign)
        self._each = account.send_each
        self._app, self._timeout_s = account.sdk_app_id, account.timeout_s
        self._caller = TencentCaller(account, port=port, clock=clock, nonce=nonce)

    def __repr__(self) -> str:
        return f"TencentProvider({self._name!r})"

    @property
    def limits(self) -> Mapping[str, float]:
        """Calls per second for each action: the account's own where set, else the defaults."""
        return self._caller.limits

    @property
    def pull_action(self) -> str:
        """PullSmsSendStatus."""
        return PULL

    @property
    def ask_action(self) -> str:
        """PullSmsSendStatusByPhoneNumber."""
        return ASK

    def batch_rule(self, region: Region) -> BatchRule:
        """200 numbers with the same content in either region (Tencent SMS API document, lines 3776-3778).

        Where SendMultiGlobalSms is switched on, global numbers with params of their own go 200 to one of these
        (tencentcloud-sdk-python-sms 3.1.153, `models.SendMultiGlobalSmsRequest`); elsewhere one to a SendSms. That action carries no
        signature, so an account that has one of its own does not use it.
        """
        if region == "mainland" or self._signs or not self._each:
            return BatchRule(SEND, NUMBERS_PER_CALL)
        own = BatchRule(SEND_EACH, NUMBERS_PER_CALL, params_differ=True)
        return BatchRule(SEND, NUMBERS_PER_CALL, params_differ=True, own=own)

    def send(self, call: Call) -> Answer:
        """Make one SendSms or SendMultiGlobalSms, signed now, never repeated.

        SendMultiGlobalSms carries no signature and no extend code. Numbers with params of their own whose content has one
        go by SendSms, in this call those with the first one's params; the others are told to come with the next.
        """
        if not call.own_params:
            return self._send(SEND, wire.send_body(call, sdk_app_id=self._app), call)
        # Blocks that were laid out while the action was on may still bring params of their own;
        # none may be left out.
        if not self._each or is_mainland(call.numbers[0]) or call.content.sign or call.content.extend:
            return self._send_alike(call)
        answer = self._send(SEND_EACH, wire.send_each_body(call, sdk_app_id=self._app), call)
        if isinstance(answer, Refused) and answer.code in NOT_THERE:
            # The endpoint has no such action, so nothing was sent. This process makes no further
            # try of it.
            self._each = False
            LOG.warning(
                "account %s: the endpoint has no SendMultiGlobalSms (%s); such numbers go one to a SendSms. Take SEND_EACH away.",
                self._name,
                answer.code,
            )
            return Sent(tuple(_refused(number, AGAIN) for number in call.numbers), answer.request_id)
        return answer

    def _send_alike(self, call: Call) -> Answer:
        """One SendSms to the numbers that have the first one's params; an answer that is about them says nothing of the others."""
        # The first number decides and not the most frequent params: each call then ends the wait of
        # the number that has waited longest.
        params = call.own_params[0]
        pairs = list(zip(call.numbers, call.own_params, strict=True))
        numbers = [number for number, own in pairs if own == params]
        others = [number for number, own in pairs if own != params]
        alike = replace(call, numbers=numbers, content=replace(call.content, params=params), own_params=())
        answer = self._send(SEND, wire.send_body(alike, sdk_app_id=self._app), alike)
        if not others or (isinstance(answer, Broken) and not answer.maybe_sent):
            return answer
        # An item for each number: one that is missing would count as in doubt, and these were
        # certainly not sent to.
        waiting = tuple(_refused(number, AGAIN) for number in others)
        if isinstance(answer, Broken):
            # The numbers of the call have no item, which is what in doubt looks like.
            return Sent(waiting, "")
        if isinstance(answer, Refused):
            answer = Sent(tuple(_refused(each, answer.code, answer.message) for each in numbers), answer.request_id)
        return replace(answer, items=answer.items + waiting)

    def _send(self, action: str, body: bytes, call: Call) -> Answer:
        # Never repeated, here or below: after a lost answer the messages may be out, and a second
        # call would text people twice.
        reply = self._caller.call(action, body, timeout_s=call.timeout_s)
        if isinstance(reply, Broken):
            return reply
        # The provider repeats values in its messages ("bad value 482913"), and a message is kept
        # and shown.
        secrets = {param for params in (call.content.params, *call.own_params) for param in params}
        answer, oddities = wire.read_send(reply, call, clean=self._caller.clean(*secrets))
        if oddities:
            LOG.warning("account %s, call %s: left out of the answer: %s", self._name, call.context, oddities)
        return answer

    def pull(self, limit: int) -> bytes | Broken:
        """Take up to `limit` (at most 100) receipts off the queue of this SmsSdkAppId.

        Each row is given once: an answer that is lost on the way is lost, and a `Broken` that may have been sent may
        have taken a page with it. An error of the provider comes back as bytes too; `read_page` tells.
        """
        return self._caller.call(PULL, wire.pull_body(limit, sdk_app_id=self._app), timeout_s=self._timeout_s)

    def read_page(self, raw: bytes) -> ReceiptPage | Refused | Broken:
        """Decode what `pull` returned."""
        return wire.read_receipts(raw, clean=self._caller.clean())

    @property
    def replies_action(self) -> str:
        """PullSmsReplyStatus."""
        return REPLIES

    def pull_replies(self, limit: int) -> bytes | Broken:
        """Take up to `limit` (at most 100) replies off the queue of this SmsSdkAppId; each is given once."""
        return self._caller.call(REPLIES, wire.pull_body(limit, sdk_app_id=self._app), timeout_s=self._timeout_s)

    def count_replies(self, raw: bytes) -> int | None:
        """How many rows the page has, read or not; None when it is an error."""
        # Counted apart from reading: a page is stored before it is read, and only the count says
        # whether to pull again.
        response = answers.opened(raw, clean=self._caller.clean())
        rows = response.get("PullSmsReplyStatusSet") if isinstance(response, dict) else response
        return len(rows or ()) if rows is None or isinstance(rows, list) else None

    def read_replies(self, raw: bytes) -> ReplyPage | Refused | Broken:
        """Decode what `pull_replies` returned."""
        return push.read_pulled_replies(raw, clean=self._caller.clean())

    def ask(self, number: int, *, since_s: int, until_s: int) -> ReceiptPage | Refused | Broken:
        """Receipts of one number between two epoch times, at most 100, without taking them off the queue.

        The provider keeps 7 days; an earlier `since_s` is moved to there, and an `until_s` that is not past yet to now, because an
        end in the future is refused (EndTimeVerifyFail). When nothing of the time asked about is left, nothing is asked and the
        answer is `Broken`, as an empty page would say that there was no receipt.
        """
        now_s = int(self._clock())
        # By this machine's clock, which signs the question too: with a wrong one the question is
        # refused anyway.
        since_s, until_s = max(since_s, now_s - ASK_BACK_S + _ASK_MARGIN_S), min(until_s, now_s)
        if since_s >= until_s:
            detail = "the time asked about is over 7 days ago or empty"
            return Broken(maybe_sent=False, code="ask.TooOld", detail=detail)
        body = wire.ask_body(number, since_s=since_s, until_s=until_s, sdk_app_id=self._app)
        reply = self._caller.call(ASK, body, timeout_s=self._timeout_s)
        return reply if isinstance(reply, Broken) else self.read_page(reply)

    @property
    def questions(self) -> Mapping[str, str]:
        """Conversions, numbers, templates and signatures."""
        return QUESTIONS

    def answer(self, what: str, args: Mapping[str, Any]) -> list[dict[str, Any]] | Refused | Broken:
        """Ask one of them; see `worker.providers.tencent.questions`."""
        return questions.answer(self._caller, what, args)

    def close(self) -> None:
        """Close kept-alive connections."""
        self._caller.close()


def _refused(number: int, code: str, message: str = "") -> Item:
    return Item(number, ok=False, code=code, serial="", fee=0, message=message)


def open_provider(
    name: str, account: Account, *, pool_size: int = POOL_SIZE, clock: Callable[[], float] = time.time
) -> TencentProvider:
    """An account ready for calls; the arguments are those of `worker.providers.registry.OpenProvider`, and a clock for tests."""
    return TencentProvider(
        name, account, port=HttpxPort(account.endpoint, pool_size=pool_size, egress=egress_of(account)), clock=clock
    )
