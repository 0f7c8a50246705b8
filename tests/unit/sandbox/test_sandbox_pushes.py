"""What the sandbox pushes besides Tencent's form: workers read it as the providers' own pages."""

import json

from tests.unit.providers.alibaba.sandbox import KEY, SECRET, Wire
from worker.providers.alibaba.push import PUSH as ALIBABA
from worker.providers.smspartner.push import PUSH as SMSPARTNER
from worker.sandbox.alibaba.push import PREFIX, AlibabaPushes
from worker.sandbox.book import PersonReply
from worker.sandbox.flags import Flags
from worker.sandbox.push import PushForm
from worker.sandbox.sandbox import Sandbox
from worker.sandbox.smspartner.gateway import SmsPartnerWire
from worker.sandbox.smspartner.push import SmsPartnerPushes
from worker.sandbox.smspartner.send import APP
from worker.sandbox.state import push_queue
from worker.sandbox.tencent.replies import add_reply
from worker.sandbox.wire import WireCall

MAINLAND, GLOBE, FRENCH = 8613711112222, 6591234567, 33612345678


def test_a_send_may_name_where_to_call_back() -> None:
    """Its receipts, and later replies to the account, are pushed there, whatever the flags say.

    A reset forgets it.
    """
    sandbox = Sandbox(Flags(callbacks={APP: "http://127.0.0.1/c"}))
    wire = SmsPartnerWire(sandbox)
    urls = {"urlDlr": "http://127.0.0.1/own/status", "urlResponse": "http://127.0.0.1/own/reply"}
    rows = [{"phoneNumber": f"+{FRENCH}", "message": "Bonjour"}]
    wire.carry_out(WireCall("bulk-send", SECRET, {"apiKey": SECRET, "SMSList": rows, **urls}, None))
    sandbox.control({"latency_ms": 1})
    add_reply(sandbox, b'{"phone": "+33612345678", "text": "STOP", "app": "smspartner"}')
    named = sandbox.pushed_app(APP)
    assert named
    assert tuple(sandbox.world.pushing[named]) == tuple(urls.values())
    assert [each.number for each in sandbox.world.take(push_queue(named), 9)] == [FRENCH]
    assert [reply.text for reply in sandbox.book.to_push[named]] == ["STOP"]
    assert not sandbox.world.take(push_queue(APP), 9)
    sandbox.reset()
    assert sandbox.pushed_app(APP) == APP


def bodies(form: PushForm, sandbox: Sandbox, app: str) -> list[bytes]:
    """What is pushed of the app's receipts."""
    return [json.dumps(body).encode() for body in form.receipts(sandbox.world.take(push_queue(app), 100))]


def test_alibabas_two_sites_push_in_two_forms() -> None:
    """SmsReport with the BizId of the answer, the international form with the MessageId.

    Failures say why. SmsUp has the signature.
    """
    line = Wire(Flags(callbacks={PREFIX + KEY: "http://127.0.0.1/c"}))
    form = AlibabaPushes(line.wire)
    biz_id = line.send("13711112222", "13711110002")["BizId"]
    message_id = line.globe()["MessageId"]
    pages = [ALIBABA.read_receipts(body).receipts for body in bodies(form, line.sandbox, PREFIX + KEY)]
    assert [(each.number, each.serial, each.ok, each.code) for page in pages for each in page] == [
        (MAINLAND, f"{biz_id}/{MAINLAND}", True, "DELIVERED"),
        (8613711110002, f"{biz_id}/8613711110002", False, "INVALID_NUM"),
        (GLOBE, message_id, True, "DELIVERED"),
    ]
    assert all(each.message and each.context == "b7.1" and each.received_at_s for page in pages for each in page)
    up = ALIBABA.read_replies(json.dumps(form.reply(PersonReply(MAINLAND, "TD", "Acme", "12", 1_790_000_000))).encode())
    assert [tuple(each)[:5] for each in up.replies] == [(MAINLAND, "TD", 1_790_000_000, "Acme", "12")]
    assert form.taken(json.loads(ALIBABA.taken))
    assert not form.taken({"code": "0"})


def test_smspartner_pushes_receipts_and_stops() -> None:
    """A final status each, none for a message that waits for ever.

    A STOP by its type, and the number is on the provider's list.
    """
    sandbox = Sandbox(Flags(callbacks={APP: "http://127.0.0.1/c"}))
    wire = SmsPartnerWire(sandbox)
    form = SmsPartnerPushes(wire)
    rows = [{"phoneNumber": f"+{number}", "message": "Bonjour"} for number in (FRENCH, 33612340002, 33612340006)]
    answer = json.loads(wire.carry_out(WireCall("bulk-send", SECRET, {"apiKey": SECRET, "SMSList": rows}, None)).body)
    told = [SMSPARTNER.read_receipts(body).receipts for body in bodies(form, sandbox, APP)]
    assert [(each.number, each.serial, each.ok) for page in told for each in page] == [
        (FRENCH, f"{answer['message_id']}/{FRENCH}", True),
        (33612340002, f"{answer['message_id']}/33612340002", False),
    ]
    for text, stops in (("merci", False), ("Stop", True)):
        body = form.reply(PersonReply(FRENCH, text, "", "", 1_790_000_000))
        (reply,) = SMSPARTNER.read_replies(json.dumps(body).encode()).replies
        assert (reply.number, reply.text, reply.stops) == (FRENCH, text, stops)
    assert wire.store.stopped == {FRENCH: 1_790_000_000_000}
