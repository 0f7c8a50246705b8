"""Every call of SMSPartner's that is used here: arguments in, one request out, the answer read into a value."""

from collections.abc import Mapping, Sequence
from typing import Final

from worker.providers.base import Asked, Broken, Refused, Sent
from worker.providers.cleaning import cleaner
from worker.providers.smspartner import checks, limits, manage, status, wire
from worker.providers.smspartner.account import SmsPartnerAccount
from worker.providers.smspartner.checks import HlrCampaign, Looked
from worker.providers.smspartner.manage import Credits, Stopped
from worker.providers.smspartner.reading import opened
from worker.providers.smspartner.status import StatusPage
from worker.providers.smspartner.transport import Asker, Question
from worker.providers.smspartner.wire import Oddities
from worker.providers.transport import Reply

PAGES_MOST: Final = 20
"""Pages of one tag that are asked for; a call has 500 numbers, which are that many pages of 25."""


class Calls:
    """One account's calls. Nothing is repeated, nothing raised; threads may share it."""

    def __init__(self, account: SmsPartnerAccount, asker: Asker) -> None:
        self._account = account
        self._asker = asker
        self._clean = cleaner([account.api_key])

    def bulk_send(
        self, messages: Mapping[int, str], *, sender: str, tag: str, timeout_s: float
    ) -> tuple[Sent | Refused | Broken, Oddities]:
        """POST /bulk-send: at most 500 numbers, each with its text."""
        body = wire.send_body(self._account, messages, sender=sender, tag=tag)
        reply = self._readable(Question(limits.SEND, body=body), timeout_s)
        if not isinstance(reply, bytes):
            return reply, Oddities()
        clean = cleaner([self._account.api_key, *messages.values()])
        return wire.read_send(reply, list(messages), tag=tag, clean=clean)

    def multi_status(self, asked: Sequence[Asked]) -> StatusPage | Refused | Broken:
        """POST /multi-status: at most 500 messages whose calls' message_ids are known."""
        body = status.query_body(self._account.api_key, asked)
        return self._statuses(Question(limits.QUERY, body=body), [each.number for each in asked])

    def message_status(self, message_id: str, number: int) -> StatusPage | Refused | Broken:
        """GET /message-status: one message."""
        query = {"messageId": message_id, "phoneNumber": f"+{number}"}
        return self._statuses(self._get(limits.STATUS, query), [number])

    def bulk_status(self, message_id: str) -> StatusPage | Refused | Broken:
        """GET /bulk-status: every message of a call."""
        return self._statuses(self._get(limits.STATUS_OF_CALL, {"messageId": message_id}))

    def bulk_status_by_tag(self, tag: str, numbers: Sequence[int] = ()) -> StatusPage | Refused | Broken:
        """GET /bulk-status-by-tag: every message of the calls with this tag, all pages.

        How to ask for the second page is not documented. `page` is tried; an answer that is the first page again ends it.
        """
        pages: list[StatusPage] = []
        while True:
            query = {"tag": tag} | ({"page": str(len(pages) + 1)} if pages else {})
            page = self._statuses(self._get(limits.FIND, query), numbers)
            if not isinstance(page, StatusPage):
                return page
            if pages and page.page != len(pages) + 1:
                break
            pages.append(page)
            held = sum(len(each.statuses) + each.bad_rows for each in pages)
            if held >= page.total or len(pages) == PAGES_MOST:
                break
        return status.joined(pages)

    def cancel(self, message_id: str) -> Refused | Broken | None:
        """GET /message-cancel: take back a scheduled call, until 5 minutes before its time; None when that is done."""
        reply = self._readable(self._get(limits.CANCEL, {"messageId": message_id}))
        return manage.read_cancelled(reply, clean=self._clean) if isinstance(reply, bytes) else reply

    def credits(self) -> Credits | Refused | Broken:
        """GET /me: what is left on the account."""
        reply = self._readable(self._get(limits.CREDITS))
        return manage.read_credits(reply, clean=self._clean) if isinstance(reply, bytes) else reply

    def stop_list(self) -> tuple[Stopped, ...] | Refused | Broken:
        """GET /stop-sms/list: numbers whose owners answered STOP."""
        reply = self._readable(self._get(limits.STOP_LIST))
        return manage.read_stop_list(reply, clean=self._clean) if isinstance(reply, bytes) else reply

    def lookup(self, numbers: Sequence[int]) -> tuple[Looked, ...] | Refused | Broken:
        """POST /lookup: whether these, at most 500, are spelt like numbers; costs nothing."""
        body = checks.numbers_body(self._account.api_key, numbers)
        reply = self._readable(Question(limits.LOOKUP, body=body))
        return checks.read_lookup(reply, clean=self._clean) if isinstance(reply, bytes) else reply

    def hlr(self, numbers: Sequence[int], *, notify_url: str, tag: str = "") -> HlrCampaign | Refused | Broken:
        """POST /hlr/notify: ask the carriers about these, at most 500; costs money, and each answer is posted to the URL.

        `checks.read_hlr` reads what is posted.
        """
        body = checks.numbers_body(self._account.api_key, numbers, notify_url=notify_url, tag=tag)
        reply = self._readable(Question(limits.HLR, body=body))
        return checks.read_hlr_campaign(reply, clean=self._clean) if isinstance(reply, bytes) else reply

    def close(self) -> None:
        """Close kept-alive connections."""
        self._asker.close()

    def _get(self, action: str, query: Mapping[str, str] | None = None) -> Question:
        return Question(action, query={"apiKey": self._account.api_key, **(query or {})})

    def _statuses(self, question: Question, numbers: Sequence[int] = ()) -> StatusPage | Refused | Broken:
        reply = self._readable(question)
        if not isinstance(reply, bytes):
            return reply
        return status.read_statuses(reply, clean=self._clean, numbers=frozenset(numbers))

    def _readable(self, question: Question, timeout_s: float | None = None) -> bytes | Refused | Broken:
        """Ask once and keep the answer's body if it is one to be read."""
        reply = self._asker.ask(question, timeout_s=self._account.timeout_s if timeout_s is None else timeout_s)
        return reply if isinstance(reply, Broken) else judge(reply)


def judge(reply: Reply) -> bytes | Refused | Broken:
    """The body, if it is the provider's word; else what the status says.

    The provider refuses with a 4xx whose body has the code; what the body says counts more than the status. Without such a
    body a 3xx or a 4xx comes from what stands in front of it and has turned the request away, except 408, which waited for
    something; a 5xx may have let it through first.
    """
    code = f"http.{reply.status}"
    if reply.status == 429:
        return Refused(code=code, message="too many requests in a minute", request_id="")
    if 200 <= reply.status < 300 or (400 <= reply.status < 500 and _is_word(reply.body)):
        return reply.body
    turned_away = 300 <= reply.status < 500 and reply.status != 408
    detail = f"HTTP status {reply.status} without an error of the provider's own"
    return Broken(maybe_sent=not turned_away, code=code, detail=detail)


def _is_word(body: bytes) -> bool:
    row = opened(body)
    return not isinstance(row, Broken) and wire.succeeded(row) is not None
