"""Acme as the engine sees it: one number in a call, asked about message by message."""

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

import msgspec

from config.accounts import Account
from smsline.numbers import e164
from tests.unit.providers.acme.facts import FACTS, SEND, STATUS
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
from worker.providers.cleaning import cleaner
from worker.providers.http import HttpPort, HttpRequest, HttpxPort
from worker.providers.reading import Row, opened, unreadable, whole, without_a_word, word
from worker.providers.texts import UNKNOWN, fill


class AcmeProvider:
    """One Acme account: a `QueryProvider`."""

    ask_action = STATUS
    query_rule = QueryRule(STATUS)

    def __init__(self, account: Account, port: HttpPort) -> None:
        self._account, self._port = account, port
        self._key = account.secret_key.get_secret_value()
        self.limits: Mapping[str, float] = {**FACTS.limits(), **account.limits}

    def batch_rule(self, region: Region) -> BatchRule:  # noqa: ARG002 - one rule for all numbers
        """One number in a call."""
        return BatchRule(SEND, 1)

    def send(self, call: Call) -> Answer:
        """Make one call, never repeated."""
        (number,) = call.numbers
        text = fill(self._account.texts.get(call.content.template.lower(), ""), call.content.params)
        if not text:
            return Broken(maybe_sent=False, code=UNKNOWN, detail="no such text, or other places in it")
        body = msgspec.json.encode({"to": e164(number), "text": text, "ref": call.context})
        row = self._row(HttpRequest(call.timeout_s, body, {"authorization": self._key}, f"/{SEND}"))
        if not isinstance(row, dict):
            return row
        code = word(row.get("state"))
        if code != "QUEUED":
            return Refused(code, cleaner([self._key, text])(word(row.get("why"))), "")
        return Sent(
            (Item(number, ok=True, code=code, serial=word(row.get("id")), fee=whole(row.get("parts")), message=""),), ""
        )

    def query(self, asked: Sequence[MessageRef]) -> ReceiptPage | Refused | Broken:
        """The receipt of one message."""
        (one,) = asked
        target = f"/{STATUS}?{urlencode({'id': one.serial})}"
        request = HttpRequest(
            self._account.timeout_s, headers={"authorization": self._key}, target=target, method="GET"
        )
        row = self._row(request)
        if not isinstance(row, dict):
            return row
        code = word(row.get("state"))
        receipt = Receipt(one.number, one.serial, code == "ARRIVED", code, whole(row.get("at")), "")
        return ReceiptPage((receipt,) if code != "QUEUED" else (), 0, 1)

    def ask(self, number: int, *, since_s: int, until_s: int) -> ReceiptPage | Refused | Broken:  # noqa: ARG002
        """Acme cannot be asked by number."""
        return ReceiptPage((), 0, 0)

    def close(self) -> None:
        """Close kept-alive connections."""
        self._port.close()

    def _row(self, request: HttpRequest) -> Row | Broken:
        response = self._port.send(request)
        if isinstance(response, Broken):
            return response
        if response.status != 200:
            return without_a_word(response.status)
        row = opened(response.body)
        return row if isinstance(row, Broken) or word(row.get("state")) else unreadable("no state")


def open_provider(name: str, account: Account, *, pool_size: int) -> AcmeProvider:  # noqa: ARG001 - it logs nothing
    """An account ready for calls."""
    return AcmeProvider(account, HttpxPort(account.endpoint, pool_size=pool_size))
