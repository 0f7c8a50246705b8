"""SMSPartner as the engine sees it."""

from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import urlencode

import msgspec

from worker.providers import texts
from worker.providers.adapter import Adapter
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
    put_off,
)
from worker.providers.cleaning import Clean
from worker.providers.http import HttpRequest, HttpResponse
from worker.providers.reading import Row, first, held, opened, whole, without_a_word, word
from worker.providers.smspartner import facts, status, wire
from worker.providers.smspartner.manage import amount
from worker.providers.smspartner.status import StatusPage

# Pages of one tag that are asked for; a call has 500 numbers, which are that many pages of 25.
PAGES_MOST: Final = 20

# What a status call answers about a message or a tag that it does not know, or not yet.
NOT_KNOWN: Final = "4"

_POSTED: Final = frozenset({facts.SEND, facts.QUERY, facts.LOOKUP, facts.HLR})
_JSON: Final = {"content-type": "application/json"}


class SmsPartnerProvider(Adapter):
    """One SMSPartner account: a `QueryProvider`, `FindProvider` and `BalanceProvider`."""

    find_action: Final = facts.FIND
    find_limit: Final = facts.NUMBERS_PER_CALL
    balance_action: Final = facts.CREDITS
    query_rule: Final = QueryRule(facts.QUERY, facts.NUMBERS_PER_CALL)

    def request(self, action: str, params: Mapping[str, object], timeout_s: float) -> HttpRequest:
        """A POST of JSON or a GET, with the key among the parameters."""
        asked = {"apiKey": self.account.secret_key.get_secret_value(), **params}
        if action in _POSTED:
            return HttpRequest(timeout_s, msgspec.json.encode(asked), _JSON, f"/v1/{action}")
        # The key is in the URL of a GET; the port logs no URL, and no error quotes one.
        return HttpRequest(timeout_s, target=f"/v1/{action}?{urlencode(asked)}", method="GET")

    def judge(self, response: HttpResponse) -> bytes | Refused | Broken:
        """The body, if it is the provider's word; else what the status says.

        The provider refuses with a 4xx whose body has the code; what the body says counts more than
        the status.
        """
        # Of the calls that answer 429 none has a body of the provider's own; the code table has the
        # minute's wait.
        if response.status == 429:
            return Refused(code="http.429", message="too many requests in a minute", request_id="")
        if 200 <= response.status < 300:
            return response.body
        row = opened(response.body) if 400 <= response.status < 500 else {}
        # A 4xx without flag or code is an error page of what stands in front of the provider.
        own = isinstance(row, dict) and wire.succeeded(row) is not None
        return response.body if own else without_a_word(response.status)

    def answered(self, body: bytes, clean: Clean) -> Row | Refused | Broken:
        """The object in the body, unless it says that it failed; rows have flags of their own."""
        row = opened(body)
        return row if isinstance(row, Broken) or wire.statuses_in(row) else wire.refusal(row, clean) or row

    def batch_rule(self, region: Region) -> BatchRule:  # noqa: ARG002 - one rule for all numbers
        """500 numbers, each with a text of its own (SMSPartner error codes, line 50)."""
        return BatchRule(facts.SEND, facts.NUMBERS_PER_CALL, params_differ=True)

    def send(self, call: Call) -> Answer:
        """Make one bulk-send.

        When the params of some numbers do not fit the text, nothing is sent: these are refused
        here, and the others go with the next call, so that whatever a call's end is, it holds for
        all its numbers.
        """
        text = texts.text_for(call.content.template, self.account.texts)
        if isinstance(text, Broken):
            return text
        # One bulk-send takes a text for each number, so params of their own cost no call more.
        params = call.own_params or [call.content.params] * len(call.numbers)
        filled = {number: texts.fill(text, own) for number, own in zip(call.numbers, params, strict=True)}
        messages = {number: message for number, message in filled.items() if message is not None}
        # One unfit text would be refused by the provider with the whole call, so it does not get
        # there.
        if unfit := filled.keys() - messages.keys():
            return put_off(call.numbers, because_of=unfit, code=texts.UNFIT)
        # SMSPartner has one name for both: what a job calls sender comes before its signature.
        sender, tag = call.content.sender or call.content.sign, wire.tag_of(call.context)
        callback = self.account.callback(self.name)
        asked = wire.send_params(self.account, messages, sender=sender, tag=tag, callback=callback)
        reply = self.once(facts.SEND, asked, timeout_s=call.timeout_s)
        if not isinstance(reply, bytes):
            return reply
        # The provider may quote the text in its complaint, and the text holds the params.
        clean = self.clean(*messages.values())
        return self.noted(call, wire.read_send(reply, call.numbers, tag=tag, clean=clean))

    def query(self, asked: Sequence[MessageRef]) -> ReceiptPage | Refused | Broken:
        """Receipts by one multi-status, and a bulk-status-by-tag for each call without an id."""
        pages: list[ReceiptPage] = []
        # What was found by its tag has no numeric message_id, and multi-status takes no other:
        # these are asked about by tag.
        parts: dict[str, list[MessageRef]] = {}
        for each in asked:
            message_id = status.message_id_of(each.serial)
            parts.setdefault("" if message_id.isdigit() else message_id, []).append(each)
        for tag, part in parts.items():
            numbers = [each.number for each in part]
            page = (
                self.statuses_of_tag(tag, numbers)
                if tag
                else self._statuses(facts.QUERY, status.query_params(part), numbers)
            )
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

        The answer names no message_id, so the tag stands for it in the serials, and later queries
        ask by the tag again.
        """
        tag = wire.tag_of(context)
        page = self.statuses_of_tag(tag, numbers)
        if not isinstance(page, StatusPage):
            return () if _nothing_known(page) else page
        wanted, found = frozenset(numbers), []
        # A row for a number that this call did not have would settle another message.
        for each in (one for one in page.statuses if one.number in wanted):
            serial = wire.serial_of(each.message_id or tag, each.number)
            found.append(FoundMessage(each.number, serial, status.receipt_when_final(each, serial, context)))
        return tuple(found)

    def statuses_of(self, message_id: str, number: int | None = None) -> StatusPage | Refused | Broken:
        """What became of a call, or of its message to a number: bulk-status, message-status."""
        if number is None:
            return self._statuses(facts.STATUS_OF_CALL, {"messageId": message_id})
        return self._statuses(facts.STATUS, {"messageId": message_id, "phoneNumber": f"+{number}"}, [number])

    def statuses_of_tag(self, tag: str, numbers: Sequence[int] = ()) -> StatusPage | Refused | Broken:
        """What became of every message of the calls with this tag, all pages: bulk-status-by-tag.

        How to ask for the second page is not documented. `page` is tried; an answer that is the
        first page again ends it.
        """
        pages: list[StatusPage] = []
        while True:
            page = self._statuses(facts.FIND, {"tag": tag, "page": str(len(pages) + 1) if pages else ""}, numbers)
            if not isinstance(page, StatusPage):
                return page
            # An unknown parameter is ignored there: the same page again means that there is no way
            # to the next.
            if pages and page.page != len(pages) + 1:
                break
            pages.append(page)
            seen = sum(len(each.statuses) + each.bad_rows for each in pages)
            if seen >= page.total or len(pages) == PAGES_MOST:
                break
        statuses = tuple(each for page in pages for each in page.statuses)
        return StatusPage(statuses, bad_rows=sum(page.bad_rows for page in pages))

    def balance(self) -> Balance | Refused | Broken:
        """What is left, and how many messages of the account's range it buys."""

        def read(row: Row) -> Balance | Broken:
            """The balance, and the messages of the account's own range."""
            credits_left = held(row, "credits", dict)
            if isinstance(credits_left, Broken):
                return credits_left
            # The low-cost range has messages of its own; it and the balance have two names each.
            low_cost = self.account.gamme == facts.LOW_COST
            names = ("creditSmsECO", "creditSmsLowCost") if low_cost else ("creditSms",)
            left = amount(first(credits_left, "balance", "solde"))
            return Balance(left, word(credits_left.get("currency")), whole(first(credits_left, *names)))

        return self.manage(facts.CREDITS, {}, read)

    def _statuses(
        self, action: str, params: Mapping[str, object], numbers: Sequence[int] = ()
    ) -> StatusPage | Refused | Broken:
        return self.manage(action, params, lambda row: status.page_in(row, frozenset(numbers)))


def _nothing_known(answer: Refused | Broken) -> bool:
    return isinstance(answer, Refused) and answer.code == NOT_KNOWN


open_provider = SmsPartnerProvider
