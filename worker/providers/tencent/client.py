"""Tencent as the engine sees it."""

import logging
import secrets
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any, Final

import msgspec

from smsline.codes import for_send
from smsline.numbers import is_mainland
from smsline.verdicts import Scope, Verdict
from worker.providers.adapter import Adapter
from worker.providers.base import (
    AGAIN,
    Answer,
    BatchRule,
    Broken,
    Call,
    Item,
    ReceiptPage,
    Refused,
    Region,
    ReplyPage,
    Sent,
    put_off,
)
from worker.providers.cleaning import Clean
from worker.providers.http import HttpRequest, HttpResponse
from worker.providers.reading import Row, held, replies_of, without_a_word
from worker.providers.tencent import facts, push, questions, signing_v1, wire
from worker.providers.tencent.reviews import SIGNATURES, TEMPLATES
from worker.providers.tencent.signing import ALGORITHM, sign

LOG: Final = logging.getLogger(__name__)

VERSION: Final = "2021-01-11"
SERVICE: Final = "sms"
CONTENT_TYPE: Final = "application/json"
LANGUAGE: Final = "en-US"

# Most bytes of a POST signed with TC3-HMAC-SHA256 (Tencent SMS API document, line 353).
BODY_LIMIT: Final = 10 * 1024 * 1024

# What an endpoint may answer to an action that it does not have, besides codes that speak of the
# whole account.
NOT_THERE: Final = frozenset({"UnsupportedOperation", "http.404", "http.405"})

# For how long SendMultiGlobalSms is left alone once it was refused for what concerns all its calls:
# the account itself may have been the trouble, and then the action is there all the same.
EACH_AGAIN_S: Final = 600.0

# Kept off the oldest time that can be asked for, so that clocks which differ a little do not make
# it too old.
_ASK_MARGIN_S: Final = 60


class TencentProvider(Adapter):
    """One Tencent account: a `QueueProvider`, a `ReplyProvider` and an `AnswerProvider`."""

    pull_action: Final = facts.PULL
    replies_action: Final = facts.REPLIES
    pull_limit = replies_limit = facts.ROWS_PER_PAGE
    ask_action = facts.ASK
    questions: Final[Mapping[str, str]] = {
        "conversion": facts.CONVERSION,
        "numbers": facts.NUMBERS,
        "templates": facts.LIST_TEMPLATES,
        "signatures": facts.LIST_SIGNS,
    }

    # When SendMultiGlobalSms may be tried again by this process, after the endpoint has said that
    # it is not to be had.
    _each_again_s = 0.0

    @staticmethod
    def new_nonce() -> int:
        """A positive number that hardly a request of the same second had; of signature v1."""
        return secrets.randbelow(2**62) + 1

    def request(self, action: str, params: Mapping[str, object], timeout_s: float) -> HttpRequest | Broken:
        """A POST, signed as the account says."""
        account, timestamp_s = self.account, int(self.clock())
        key_id, key, token = self._secrets[:3]
        signing = account.signing or ALGORITHM
        if signing == ALGORITHM:
            limit, body = BODY_LIMIT, msgspec.json.encode(params)
            # Signed when the call is made: the gateway refuses a timestamp that is more than 5
            # minutes off (document, line 4912).
            headers = {
                "x-tc-version": VERSION,
                "x-tc-region": account.region,
                "x-tc-language": LANGUAGE,
                "x-tc-action": action,
                **({"x-tc-token": token} if token else {}),
                **sign(
                    body,
                    secret_id=key_id,
                    secret_key=key,
                    service=SERVICE,
                    host=self.host,
                    content_type=CONTENT_TYPE,
                    timestamp_s=timestamp_s,
                ),
            }
        else:
            named = {
                **signing_v1.flattened(params),
                "Action": action,
                "Version": VERSION,
                "Region": account.region,
                "Language": LANGUAGE,
                # Signed with the time, and with a nonce against replays within it (document, line
                # 484).
                "Timestamp": str(timestamp_s),
                "Nonce": str(self.nonce()),
                "SecretId": key_id,
                **({"Token": token} if token else {}),
            }
            # The setting is a text; its type has to be that of the algorithm for mypy, and the
            # settings know no other.
            method = next(one for one in signing_v1.METHODS if one == signing)
            # A form may have a tenth of what a JSON body may (document, line 353); images of a
            # signature can reach that.
            limit, body = (
                signing_v1.BODY_LIMIT,
                signing_v1.signed_form(named, secret_key=key, method=method, host=self.host),
            )
            headers = {"content-type": signing_v1.CONTENT_TYPE, "host": self.host}
        # Found out here, where it is certain that nothing was sent; the provider's refusal would
        # come from a proxy as 413.
        if len(body) > limit:
            detail = f"the request has {len(body)} bytes, {limit} are allowed with {signing}"
            return Broken(maybe_sent=False, code="http.413", detail=detail)
        return HttpRequest(timeout_s, body, headers)

    def judge(self, response: HttpResponse) -> bytes | Broken:
        """The body, if it is the provider's word; else what the status says.

        The provider answers 200 even to refuse a call. A 4xx that holds the provider's own error is
        believed; any other answer of the provider's under another status is a riddle.
        """
        status, body = response.status, response.body
        if status == 200:
            return body
        # 429 with the provider's error in it is still turned away: its own "too many" comes as 200.
        found = without_a_word(status) if status == 429 else wire.answered(body, str)
        if 400 <= status < 500 and isinstance(found, Refused):
            return body
        return without_a_word(status, answered=not isinstance(found, Broken))

    def answered(self, body: bytes, clean: Clean) -> Row | Refused | Broken:
        """See `wire.answered`."""
        return wire.answered(body, clean)

    def batch_rule(self, region: Region) -> BatchRule:
        """200 numbers with the same content (Tencent SMS API document, lines 3776-3778).

        Where SendMultiGlobalSms is switched on, global numbers with params of their own go 200 to
        one of these (tencentcloud-sdk-python-sms 3.1.153, `models.SendMultiGlobalSmsRequest`);
        elsewhere one to a SendSms. That action carries no signature, so an account that has one of
        its own does not use it.
        """
        if region == "mainland" or self.account.sign or not self._has_each():
            return BatchRule(facts.SEND, facts.NUMBERS_PER_CALL)
        own = BatchRule(facts.SEND_EACH, facts.NUMBERS_PER_CALL, params_differ=True)
        return BatchRule(facts.SEND, facts.NUMBERS_PER_CALL, params_differ=True, own=own)

    def send(self, call: Call) -> Answer:
        """Make one SendSms or SendMultiGlobalSms.

        SendMultiGlobalSms carries no signature and no extend code. Numbers with params of their own
        whose content has one go by SendSms, in this call those with the first one's params; the
        others are told to come with the next.
        """
        if not call.own_params:
            return self._send(facts.SEND, wire.send_params(call, sdk_app_id=self.account.sdk_app_id), call)
        # Blocks that were laid out while the action was on may still bring params of their own;
        # none may be left out.
        if not self._has_each() or is_mainland(call.numbers[0]) or call.content.sign or call.content.extend:
            return self._send_alike(call)
        answer = self._send(facts.SEND_EACH, wire.each_params(call, sdk_app_id=self.account.sdk_app_id), call)
        if isinstance(answer, Sent) or (isinstance(answer, Broken) and answer.maybe_sent):
            return answer
        row = for_send("tencent", answer.code).row
        if answer.code not in NOT_THERE and (row.verdict is not Verdict.PARK or row.scope is not Scope.ACCOUNT):
            return answer
        # Nothing was sent. The endpoint may lack the action, or the key may not call it: a SendSms
        # finds out whether the account can be used, and is the only one to park it, because
        # one-time passwords go by SendSms too.
        self._each_again_s = self.clock() + EACH_AGAIN_S
        LOG.warning(
            "account %s: SendMultiGlobalSms is not to be had (%s); such numbers go one to a SendSms. Take SEND_EACH away.",
            self.name,
            answer.code,
        )
        return put_off(call.numbers, because_of=(), code=answer.code)

    def _has_each(self) -> bool:
        return self.account.send_each and self.clock() >= self._each_again_s

    def _send_alike(self, call: Call) -> Answer:
        """One SendSms to the numbers with the first one's params; the others come with the next."""
        # The first number decides and not the most frequent params: each call then ends the wait of
        # the number that has waited longest.
        params = call.own_params[0]
        pairs = list(zip(call.numbers, call.own_params, strict=True))
        numbers = [number for number, own in pairs if own == params]
        # An item for each number: one that is missing would count as in doubt, and these were
        # certainly not sent to.
        waiting = tuple(Item(number, ok=False, code=AGAIN) for number, own in pairs if own != params)
        alike = replace(call, numbers=numbers, content=replace(call.content, params=params), own_params=())
        answer = self.send(alike)
        if not waiting or (isinstance(answer, Broken) and not answer.maybe_sent):
            return answer
        if isinstance(answer, Broken):
            # The numbers of the call have no item, which is what in doubt looks like.
            return Sent(waiting, "")
        if isinstance(answer, Refused):
            items = tuple(Item(each, ok=False, code=answer.code, message=answer.message) for each in numbers)
            return Sent(items + waiting, answer.request_id)
        return replace(answer, items=answer.items + waiting)

    def _send(self, action: str, params: Mapping[str, object], call: Call) -> Answer:
        reply = self.once(action, params, timeout_s=call.timeout_s)
        if not isinstance(reply, bytes):
            return reply
        return self.noted(call, wire.read_send(reply, call, clean=self.clean_of(call)))

    def pull(self) -> bytes | Refused | Broken:
        """Take up to 100 receipts off the queue of this SmsSdkAppId.

        Each row is given once: an answer that is lost on the way is lost, and a `Broken` that may
        have been sent may have taken a page with it. An error of the provider comes back as bytes
        too; `read_page` tells.
        """
        return self.once(facts.PULL, wire.pull_params(sdk_app_id=self.account.sdk_app_id))

    def read_page(self, raw: bytes) -> ReceiptPage | Refused | Broken:
        """Decode what `pull` returned."""
        return wire.read_receipts(raw, clean=self.clean())

    def pull_replies(self) -> bytes | Refused | Broken:
        """Take up to 100 replies off the queue; each is given once."""
        return self.once(facts.REPLIES, wire.pull_params(sdk_app_id=self.account.sdk_app_id))

    def count_replies(self, raw: bytes) -> int | None:
        """How many rows the page has, read or not; None when it is an error."""
        # Counted apart from reading: a page is stored before it is read, and only the count says
        # whether to pull again.
        found = self._replies_in(raw)
        return len(found) if isinstance(found, list) else None

    def read_replies(self, raw: bytes) -> ReplyPage | Refused | Broken:
        """Decode what `pull_replies` returned."""
        found = self._replies_in(raw)
        return replies_of(found, push.pulled_reply_of) if isinstance(found, list) else found

    def _replies_in(self, raw: bytes) -> list[Any] | Refused | Broken:
        response = wire.answered(raw, self.clean())
        return held(response, "PullSmsReplyStatusSet", list) if isinstance(response, dict) else response

    def ask(self, number: int, *, since_s: int, until_s: int) -> ReceiptPage | Refused | Broken:
        """Receipts of one number between two epoch times, at most 100; none leaves the queue.

        The provider keeps 7 days; an earlier `since_s` is moved to there, and an `until_s` that is
        not past yet to now, because an end in the future is refused (EndTimeVerifyFail). When
        nothing of the time asked about is left, nothing is asked and the answer is `Broken`, as an
        empty page would say that there was no receipt.
        """
        now_s = int(self.clock())
        # By this machine's clock, which signs the question too: with a wrong one the question is
        # refused anyway.
        since_s, until_s = max(since_s, now_s - facts.ASK_BACK_S + _ASK_MARGIN_S), min(until_s, now_s)
        if since_s >= until_s:
            detail = "the time asked about is over 7 days ago or empty"
            return Broken(maybe_sent=False, code="ask.TooOld", detail=detail)
        params = wire.span_params(number, since_s=since_s, until_s=until_s, sdk_app_id=self.account.sdk_app_id)
        return self.manage(facts.ASK, params, wire.receipt_page)

    def answer(self, what: str, args: Mapping[str, Any]) -> list[dict[str, Any]] | Refused | Broken:
        """Ask one of `questions`; its token is taken already."""
        found: Any
        if what == "conversion":
            found = questions.report_conversion(self, args["serial"], at_s=args["at_s"])
        elif what == "numbers":
            found = questions.describe_numbers(self, args["phones"])
        else:
            kind = TEMPLATES if what == "templates" else SIGNATURES
            found = kind.listed(self, international=args["international"], offset=args["offset"])
        if isinstance(found, Refused | Broken):
            return found
        return [asdict(each) for each in (found if isinstance(found, tuple) else [found])]


open_provider = TencentProvider
