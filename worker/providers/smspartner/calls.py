"""Every call of SMSPartner's that is used here, made once and read into a value."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeVar
from urllib.parse import urlencode

from config.accounts import Account
from worker.providers.base import Balance, Broken, MessageRef, Refused, Sent
from worker.providers.cleaning import cleaner
from worker.providers.http import HttpPort, HttpRequest, HttpResponse
from worker.providers.reading import Oddities, Row, opened, patient, without_a_word
from worker.providers.smspartner import facts, manage, status, wire
from worker.providers.smspartner.manage import HlrCampaign, NumberLookup, StopEntry
from worker.providers.smspartner.status import StatusPage

T = TypeVar("T")

PAGES_MOST: Final = 20
"""Pages of one tag that are asked for; a call has 500 numbers, which are that many pages of 25."""

_JSON: Final = {"content-type": "application/json"}


class SmsPartnerCalls:
    """One account's calls. Nothing is repeated, nothing raised; threads may share it."""

    def __init__(self, account: Account, port: HttpPort) -> None:
        self._account = account
        self._key = account.secret_key.get_secret_value()
        self._port = port
        # A refusal may quote any field back at us, the secret in the path of a callback among them.
        self._secrets = [self._key, *(secret.get_secret_value() for secret in account.callback_secret)]
        self._clean = cleaner(self._secrets)

    def bulk_send(
        self, messages: Mapping[int, str], *, sender: str, tag: str, timeout_s: float, callback: str = ""
    ) -> tuple[Sent | Refused | Broken, Oddities]:
        """POST /bulk-send: at most 500 numbers, each with its text; `callback` is where it may call back."""
        body = wire.send_body(self._account, messages, sender=sender, tag=tag, callback=callback)
        reply = self._post(facts.SEND, body, timeout_s)
        if not isinstance(reply, bytes):
            return reply, Oddities()
        # The provider may quote the text in its complaint, and the text holds the params.
        clean = cleaner([*self._secrets, *messages.values()])
        return wire.read_send(reply, list(messages), tag=tag, clean=clean)

    def multi_status(self, asked: Sequence[MessageRef]) -> StatusPage | Refused | Broken:
        """POST /multi-status: at most 500 messages whose calls' message_ids are known."""
        body = status.query_body(self._key, asked)
        return self._statuses(self._post(facts.QUERY, body), [each.number for each in asked])

    def message_status(self, message_id: str, number: int) -> StatusPage | Refused | Broken:
        """GET /message-status: one message."""
        query = {"messageId": message_id, "phoneNumber": f"+{number}"}
        return self._statuses(self._get(facts.STATUS, query), [number])

    def bulk_status(self, message_id: str) -> StatusPage | Refused | Broken:
        """GET /bulk-status: every message of a call."""
        return self._statuses(self._get(facts.STATUS_OF_CALL, {"messageId": message_id}))

    def bulk_status_by_tag(self, tag: str, numbers: Sequence[int] = ()) -> StatusPage | Refused | Broken:
        """GET /bulk-status-by-tag: every message of the calls with this tag, all pages.

        How to ask for the second page is not documented. `page` is tried; an answer that is the first page again ends it.
        """
        pages: list[StatusPage] = []
        while True:
            query = {"tag": tag} | ({"page": str(len(pages) + 1)} if pages else {})
            page = self._statuses(self._get(facts.FIND, query), numbers)
            if not isinstance(page, StatusPage):
                return page
            # An unknown parameter is ignored there: the same page again means that there is no way
            # to the next.
            if pages and page.page != len(pages) + 1:
                break
            pages.append(page)
            held = sum(len(each.statuses) + each.bad_rows for each in pages)
            if held >= page.total or len(pages) == PAGES_MOST:
                break
        return status.joined(pages)

    def cancel(self, message_id: str) -> Refused | Broken | None:
        """GET /message-cancel: take back a scheduled call, until 5 minutes before its time; None when that is done."""
        return self._read(self._get(facts.CANCEL, {"messageId": message_id}), manage.read_cancelled)

    def balance(self) -> Balance | Refused | Broken:
        """GET /me: what is left, and how many messages of the account's range it buys."""
        low_cost = self._account.gamme == facts.LOW_COST
        return self._read(self._get(facts.CREDITS), lambda row: manage.read_balance(row, low_cost=low_cost))

    def stop_list(self) -> tuple[StopEntry, ...] | Refused | Broken:
        """GET /stop-sms/list: numbers whose owners answered STOP."""
        return self._read(self._get(facts.STOP_LIST), manage.read_stop_list)

    def lookup(self, numbers: Sequence[int]) -> tuple[NumberLookup, ...] | Refused | Broken:
        """POST /lookup: whether these, at most 500, are spelt like numbers; costs nothing."""
        reply = self._post(facts.LOOKUP, manage.numbers_body(self._key, numbers))
        return self._read(reply, lambda row: manage.read_lookup(row, self._clean))

    def hlr(self, numbers: Sequence[int], *, notify_url: str, tag: str = "") -> HlrCampaign | Refused | Broken:
        """POST /hlr/notify: ask the carriers about these, at most 500; costs money, and each answer is posted to the URL."""
        body = manage.numbers_body(self._key, numbers, notify_url=notify_url, tag=tag)
        return self._read(self._post(facts.HLR, body), manage.read_hlr_campaign)

    def close(self) -> None:
        """Close kept-alive connections."""
        self._port.close()

    def _get(self, action: str, query: Mapping[str, str] | None = None) -> bytes | Refused | Broken:
        # The key is in the URL of a GET; the port logs no URL, and no error quotes one.
        asked = urlencode({"apiKey": self._key, **(query or {})})
        return self._once(HttpRequest(self._account.timeout_s, target=f"/v1/{action}?{asked}", method="GET"))

    def _post(self, action: str, body: bytes, timeout_s: float | None = None) -> bytes | Refused | Broken:
        allowed_s = self._account.timeout_s if timeout_s is None else timeout_s
        return self._once(HttpRequest(allowed_s, body, _JSON, f"/v1/{action}"))

    def _read(self, reply: bytes | Refused | Broken, read: Callable[[Row], T | Broken]) -> T | Refused | Broken:
        """An answer that does not say it failed, read."""
        row = wire.answered(reply, self._clean) if isinstance(reply, bytes) else reply
        return read(row) if isinstance(row, dict) else row

    def _statuses(self, reply: bytes | Refused | Broken, numbers: Sequence[int] = ()) -> StatusPage | Refused | Broken:
        if not isinstance(reply, bytes):
            return reply
        return status.read_statuses(reply, clean=self._clean, numbers=frozenset(numbers))

    def _once(self, request: HttpRequest) -> bytes | Refused | Broken:
        response = self._port.send(request)
        return response if isinstance(response, Broken) else judge(response)


@patient
def judge(response: HttpResponse) -> bytes | Refused | Broken:
    """The body, if it is the provider's word; else what the status says.

    The provider refuses with a 4xx whose body has the code; what the body says counts more than the status.
    """
    # Of the calls that answer 429 none has a body of the provider's own; the code table has the
    # minute's wait.
    if response.status == 429:
        return Refused(code="http.429", message="too many requests in a minute", request_id="")
    if 200 <= response.status < 300:
        return response.body
    row = opened(response.body) if 400 <= response.status < 500 else {}
    # A 4xx without flag or code is an error page of what stands in front of the provider.
    return (
        response.body if isinstance(row, dict) and wire.succeeded(row) is not None else without_a_word(response.status)
    )
