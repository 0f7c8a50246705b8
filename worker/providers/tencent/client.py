"""Tencent as the engine sees it: a call in, one signed request out, and the answer back as a value."""

import logging
import time
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from worker.providers.base import Answer, BatchRule, Broken, Call, Provider, ReceiptPage, Refused, Region
from worker.providers.cleaning import cleaner
from worker.providers.tencent import wire
from worker.providers.tencent.account import TencentAccount, host_of
from worker.providers.tencent.limits import ASK, ASK_BACK_S, DOCUMENTED, NUMBERS_PER_CALL, PULL, SEND
from worker.providers.tencent.signing import sign
from worker.providers.transport import HttpxPoster, Poster, Reply

LOG: Final = logging.getLogger(__name__)

VERSION: Final = "2021-01-11"
SERVICE: Final = "sms"
CONTENT_TYPE: Final = "application/json"
POOL_SIZE: Final = 8

_ASK_MARGIN_S: Final = 60
"""Kept off the oldest time that can be asked for, so that clocks which differ a little do not make it too old."""


class TencentProvider:
    """One Tencent account; implements `worker.providers.base.Provider`. Threads may share it.

    A process that forks opens its own afterwards: connections must not be shared between processes.
    """

    def __init__(self, account: TencentAccount, *, poster: Poster, clock: Callable[[], float] = time.time) -> None:
        """Make no call yet.

        Args:
            account: Whose calls these are.
            poster: Posts to `account.endpoint`.
            clock: Epoch seconds, read once for each call, when it is signed.
        """
        self._account = account
        self._poster = poster
        self._clock = clock
        self._host = host_of(account.endpoint)
        self._secrets = (account.secret_id, account.secret_key, account.token)
        self._limits = MappingProxyType({**DOCUMENTED, **account.limits})
        self._headers = {"X-TC-Version": VERSION, "X-TC-Region": account.region, "X-TC-Language": "en-US"}
        if account.token:
            self._headers["X-TC-Token"] = account.token

    def __repr__(self) -> str:
        return f"TencentProvider({self._account.name!r})"

    @property
    def limits(self) -> Mapping[str, float]:
        """Calls per second for each action: the account's own where set, else as documented."""
        return self._limits

    @property
    def pull_action(self) -> str:
        """PullSmsSendStatus."""
        return PULL

    @property
    def ask_action(self) -> str:
        """PullSmsSendStatusByPhoneNumber."""
        return ASK

    def batch_rule(self, region: Region) -> BatchRule:  # noqa: ARG002 - both regions share the rule, but not a call
        """200 numbers with the same content, in either region (Tencent SMS API document, lines 3776-3778)."""
        return BatchRule(action=SEND, limit=NUMBERS_PER_CALL)

    def send(self, call: Call) -> Answer:
        """Make one SendSms, signed now, never repeated."""
        body = wire.send_body(call, sdk_app_id=self._account.sdk_app_id)
        reply = self._readable(SEND, body, timeout_s=call.timeout_s)
        if isinstance(reply, Broken):
            return reply
        clean = cleaner((*self._secrets, *call.content.params))
        answer, oddities = wire.read_send(reply, call, clean=clean)
        if oddities:
            LOG.warning("account %s, call %s: left out of the answer: %s", self._account.name, call.context, oddities)
        return answer

    def pull(self, limit: int) -> bytes | Broken:
        """Take up to `limit` (at most 100) receipts off the queue of this SmsSdkAppId.

        Each row is given once: an answer that is lost on the way is lost, and a `Broken` that may have been sent may
        have taken a page with it. An error of the provider comes back as bytes too; `read_page` tells.
        """
        body = wire.pull_body(limit, sdk_app_id=self._account.sdk_app_id)
        return self._readable(PULL, body, timeout_s=self._account.timeout_s)

    def read_page(self, raw: bytes) -> ReceiptPage | Refused | Broken:
        """Decode what `pull` returned."""
        return wire.read_receipts(raw, clean=cleaner(self._secrets))

    def ask(self, number: int, *, since_s: int, until_s: int) -> ReceiptPage | Refused | Broken:
        """Receipts of one number between two epoch times, at most 100, without taking them off the queue.

        The provider keeps 7 days; an earlier `since_s` is moved to there. When nothing of the time asked about is
        left, nothing is asked and the answer is `Broken`, as an empty page would say that there was no receipt.
        """
        since_s = max(since_s, int(self._clock()) - ASK_BACK_S + _ASK_MARGIN_S)
        if since_s >= until_s:
            return Broken(
                maybe_sent=False, code="ask.TooOld", detail="the time asked about is over 7 days ago or empty"
            )
        body = wire.ask_body(number, since_s=since_s, until_s=until_s, sdk_app_id=self._account.sdk_app_id)
        reply = self._readable(ASK, body, timeout_s=self._account.timeout_s)
        return reply if isinstance(reply, Broken) else self.read_page(reply)

    def close(self) -> None:
        """Close kept-alive connections."""
        self._poster.close()

    def _readable(self, action: str, body: bytes, *, timeout_s: float) -> bytes | Broken:
        """Post once and keep the answer's body if it is one to be read."""
        reply = self._poster.post(body, self._signed(action, body), timeout_s=timeout_s)
        return reply if isinstance(reply, Broken) else judge(reply)

    def _signed(self, action: str, body: bytes) -> dict[str, str]:
        signature = sign(
            body,
            secret_id=self._account.secret_id,
            secret_key=self._account.secret_key,
            service=SERVICE,
            host=self._host,
            content_type=CONTENT_TYPE,
            timestamp_s=int(self._clock()),
        )
        return {**self._headers, **signature, "X-TC-Action": action}


def judge(reply: Reply) -> bytes | Broken:
    """The body, if it is the provider's word; else what the status says.

    The provider answers 200 even to refuse a call. Other statuses come from what stands in front of it: a 3xx or a 4xx has
    turned the request away, except 408, which waited for something; a 5xx may have let it through first. A 4xx that holds the
    provider's own error is believed; any other answer of the provider's under such a status is a riddle, so anything may have
    happened.
    """
    if reply.status == 200:
        return reply.body
    code = f"http.{reply.status}"
    if reply.status == 429:
        return Broken(maybe_sent=False, code=code, detail="too many requests, turned away before the provider")
    if 400 <= reply.status < 500 and wire.is_error(reply.body):
        return reply.body
    turned_away = 300 <= reply.status < 500 and reply.status != 408 and not wire.is_answer(reply.body)
    return Broken(
        maybe_sent=not turned_away,
        code=code,
        detail=f"HTTP status {reply.status} without an error of the provider's own",
    )


def open_account(
    account: TencentAccount, *, pool_size: int = POOL_SIZE, clock: Callable[[], float] = time.time
) -> Provider:
    """An account ready for calls.

    Args:
        account: Whose calls these are.
        pool_size: Connections at most; as many as threads that call.
        clock: Epoch seconds.
    """
    return TencentProvider(account, poster=HttpxPoster(account.endpoint, pool_size=pool_size), clock=clock)
