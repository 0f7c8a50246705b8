"""Acme as the engine sees it: one number in a call, asked about message by message."""

from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import urlencode

import msgspec

from smsline.numbers import e164
from tests.unit.providers.acme.facts import SEND, STATUS
from worker.providers.adapter import Adapter
from worker.providers.base import (
    Answer,
    BatchRule,
    Broken,
    Call,
    Item,
    MessageRef,
    QueryRule,
    Receipt,
    ReceiptPage,
    Refused,
    Region,
    Sent,
)
from worker.providers.cleaning import Clean
from worker.providers.http import HttpRequest, HttpResponse
from worker.providers.reading import Row, opened, unreadable, whole, without_a_word, word
from worker.providers.texts import filled


class AcmeProvider(Adapter):
    """One Acme account: a `QueryProvider`."""

    query_rule: Final = QueryRule(STATUS)

    def request(self, action: str, params: Mapping[str, object], timeout_s: float) -> HttpRequest:
        """A POST of JSON, or a GET, under the key."""
        key = {"authorization": self.account.secret_key.get_secret_value()}
        if action == SEND:
            return HttpRequest(timeout_s, msgspec.json.encode(params), key, f"/{action}")
        return HttpRequest(timeout_s, headers=key, target=f"/{action}?{urlencode(params)}", method="GET")

    def judge(self, response: HttpResponse) -> bytes | Refused | Broken:
        """Acme answers 200 to whatever it has understood."""
        return response.body if response.status == 200 else without_a_word(response.status)

    def answered(self, body: bytes, clean: Clean) -> Row | Refused | Broken:
        """A send that is not queued has a `why`."""
        row = opened(body)
        if isinstance(row, Broken):
            return row
        if why := word(row.get("why")):
            return Refused(word(row.get("state")), clean(why), "")
        return row if word(row.get("state")) else unreadable("no state")

    def batch_rule(self, region: Region) -> BatchRule:  # noqa: ARG002 - one rule for all numbers
        """One number in a call."""
        return BatchRule(SEND, 1)

    def send(self, call: Call) -> Answer:
        """Make one call, never repeated."""
        (number,) = call.numbers
        text = filled(call.content.template, call.content.params, self.account.texts)
        if isinstance(text, Broken):
            return text
        params = {"to": e164(number), "text": text, "ref": call.context}
        row = self.row(SEND, params, timeout_s=call.timeout_s, clean=self.clean_of(call, text))
        if not isinstance(row, dict):
            return row
        serial, fee = word(row.get("id")), whole(row.get("parts"))
        return Sent((Item(number, ok=True, code=word(row.get("state")), serial=serial, fee=fee),), "")

    def query(self, asked: Sequence[MessageRef]) -> ReceiptPage | Refused | Broken:
        """The receipt of one message."""
        (one,) = asked
        row = self.row(STATUS, {"id": one.serial})
        if not isinstance(row, dict):
            return row
        code = word(row.get("state"))
        receipt = Receipt(one.number, one.serial, code == "ARRIVED", code, whole(row.get("at")), "")
        return ReceiptPage((receipt,) if code != "QUEUED" else (), 0, 1)


open_provider = AcmeProvider
