"""Webhooks on a ledger: what happened is told, signed, and no receiver waits for another.

It is told once to each receiver that applies by id.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing

import pytest

from config.web import WebhookSettings
from smsline.errors import BadInput, Conflict, NotFound
from smsline.ledger import accounts, replies, statistics, suppression, webhooks, webhooks_queue
from smsline.ledger.link import Ledger, Value
from smsline.ledger.replies import NewReply
from smsline.ledger.suppression import Suppression
from smsline.ledger.webhooks_outbox import told
from tests.support.receiver import DIE, Receiver
from tests.support.scene import Scene, make_scene
from tests.support.world import some_numbers
from worker.webhooks import deliver
from worker.webhooks.deliver import OUTBOX, Deliveries

DAY_S = 86_400


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver on this machine."""
    with Receiver() as found:
        yield found


@pytest.fixture
def line(ledger: Ledger, receiver: Receiver) -> Iterator[Scene]:
    """A line with the endpoint `shop`, which wants everything."""
    scene = make_scene(ledger, webhooks=WebhookSettings(allow_private=True))
    receiver.secret = webhooks.add(ledger, "shop", receiver.url, webhooks.EVENT_TYPES)
    yield scene
    for each in webhooks.endpoints(ledger):
        webhooks.remove(ledger, each.name)
    ledger.redis.zrem(ledger.keys.webhooks_due, OUTBOX)
    ledger.redis.delete(ledger.keys.outbox)


def deliver_all(scene: Scene, deliveries: Deliveries | None = None) -> None:
    """Let the outbox come due, and do all deliveries that are due."""
    scene.advance(0.6)
    with closing(deliveries or Deliveries(scene.engine)) as working:
        for _ in range(50):
            members = scene.due(scene.ledger.keys.webhooks_due)
            if not members:
                return
            for member in members:
                working.work(member)
    raise AssertionError("still busy")


def test_a_receiver_that_applies_once_by_id_has_the_ledgers_results(line: Scene, receiver: Receiver) -> None:
    """It dies after applying, answers 500, and gets everything again.

    Its rows are the ledger's, without a gap in seq.
    """
    job = line.submit(some_numbers(420))
    receiver.plan = [DIE, 500, 200, 503, DIE]
    line.close_all(job)
    ended = {row["phone"]: told(row) for row in line.results(job)}
    deliver_all(line)
    for _ in range(8):
        line.advance(3_000)
        deliver_all(line)
    rows = receiver.rows(job)
    assert {row["phone"]: row for row in rows} == ended
    assert len(rows) == 420
    assert [data["counts"] for data in receiver.of("job.closed")] == [line.status(job)["counts"]]
    assert max(Counter(receiver.seen).values()) > 1, "nothing was tried twice"
    assert webhooks.failures(line.ledger) == []
    outcomes = dict(statistics.by_labels(statistics.totals(line.ledger), "w"))
    assert outcomes["shop", "failed"] == 4
    assert outcomes["shop", "ok"] == len(receiver.applied)


def test_everything_that_ends_is_told_wherever_it_ends(line: Scene, receiver: Receiver) -> None:
    """Suppressed at the call, cancelled in the inbox, cancelled in a batch queue.

    Each row is told once, each job's end once.
    """
    first, *others = some_numbers(5)
    line.ask.suppress([f"+{first}"])
    suppressed = line.submit([first, *others])
    line.close_all(suppressed)
    in_inbox = line.submit(some_numbers(3, 8613900000000), start_s=line.engine.now_ms() / 1000 + 3600)
    line.ask.cancel(in_inbox)
    line.run()
    waiting = line.submit(some_numbers(2, 8613800000000))
    line.ask.pause(waiting)
    line.run()
    line.ask.cancel(waiting)
    line.run()
    deliver_all(line)
    for job in (suppressed, in_inbox, waiting):
        got = Counter(row["state"] for row in receiver.rows(job))
        assert got == Counter(row["state"] for row in line.results(job))
    assert sorted(data["job"] for data in receiver.of("job.closed")) == sorted([suppressed, in_inbox, waiting])


def test_parks_and_other_events_are_told(line: Scene, receiver: Receiver) -> None:
    """An account's park and its end, and what code tells of itself."""
    accounts.park(line.ledger, "main", "", "FailedOperation.X", probe_ms=1000, message="no\tcredit")
    accounts.park(line.ledger, "main", "", "FailedOperation.X", probe_ms=1000)
    accounts.unpark(line.ledger, "main")
    replies.keep(
        line.ledger,
        NewReply("main", 8613711112224, "TD", 0, "", "", "stop", "marketing", "TD"),
        retention_ms=DAY_S * 1000,
    )
    suppression.add(
        line.ledger,
        [
            Suppression(8613711112222, "marketing", "code main FailedOperation.PhoneNumberInBlacklist", "said no"),
            Suppression(8613711112223, "all", "person"),
        ],
    )
    deliver_all(line)
    (parked,) = receiver.of("account.parked")
    assert (parked["account"], parked["code"], parked["message"]) == ("main", "FailedOperation.X", "no credit")
    assert receiver.of("account.resumed") == [{"account": "main", "template": ""}]
    by_reply, by_code = receiver.of("number.opted_out")
    assert (by_code["phone"], by_code["scope"], by_code["reason"]) == ("+8613711112222", "marketing", "said no")
    assert (by_reply["phone"], by_reply["source"]) == ("+8613711112224", "reply main")
    (reply,) = receiver.of("reply.received")
    assert (reply["phone"], reply["text"], reply["does"]) == ("+8613711112224", "TD", "stop")


def test_without_an_endpoint_nothing_is_written(scene: Scene) -> None:
    """An outbox without a reader would grow for ever."""
    scene.close_all(scene.submit(some_numbers(3)))
    assert not scene.ledger.redis.exists(scene.ledger.keys.outbox, scene.ledger.keys.webhooks_due)


def test_an_endpoint_that_fails_for_five_days_alone_is_suspended_and_replay_tells_it_all(
    line: Scene, receiver: Receiver
) -> None:
    """Nothing is lost meanwhile; another endpoint gets its events all the time."""
    with Receiver() as other:
        other.secret = webhooks.add(line.ledger, "crm", other.url, ["job.closed"])
        job = line.submit(some_numbers(3))
        line.close_all(job)
        receiver.plan = [500] * 1000
        for _ in range(11):
            deliver_all(line)
            line.advance(DAY_S / 2)
        crm, shop = webhooks.listed(line.ledger)
        assert (shop["state"], shop["failed"], shop["answer"]) == ("suspended", 2, "HTTP 500")
        assert (crm["state"], crm["waiting"], len(other.applied)) == ("active", 0, 1)
        tried = len(receiver.seen)
        deliver_all(line)
        assert len(receiver.seen) == tried
        failures = webhooks.failures(line.ledger, name="shop")
        assert {failure["type"] for failure in failures} == {"recipients.final", "job.closed"}
        assert {failure["job"] for failure in failures} == {job}
        receiver.plan = []
        assert webhooks.replay(line.ledger, "shop", since_ms=0) == 2
        deliver_all(line)
        assert len(receiver.rows(job)) == 3
        assert webhooks.listed(line.ledger)[1]["state"] == "active"
        assert set(receiver.seen) == set(receiver.applied)


def test_a_removed_endpoint_and_one_that_says_it_is_gone_get_nothing_more(line: Scene, receiver: Receiver) -> None:
    """410 removes, and the audit trail says so."""
    line.close_all(line.submit(some_numbers(1)))
    receiver.plan = [410]
    deliver_all(line)
    assert len(receiver.seen) == 1
    assert webhooks.listed(line.ledger) == []
    assert [act["act"] for act in line.ask.audit()] == ["webhook.remove"]
    with pytest.raises(NotFound):
        webhooks.remove(line.ledger, "shop")
    line.close_all(line.submit(some_numbers(1)))
    assert not line.ledger.redis.xlen(line.ledger.keys.outbox)


def test_an_answer_that_asks_to_slow_down_is_obeyed(line: Scene, receiver: Receiver) -> None:
    """`Retry-After` holds for the endpoint, not only for the one event."""
    receiver.plan, receiver.headers = [429], {"retry-after": "120"}
    line.close_all(line.submit(some_numbers(1)))
    deliver_all(line)
    line.advance(110)
    deliver_all(line)
    assert len(receiver.seen) == 1
    line.advance(12)
    deliver_all(line)
    assert len(receiver.applied) == 2


def test_private_addresses_are_refused_when_it_is_connected(line: Scene, receiver: Receiver) -> None:
    """Whatever the name said before: the address is looked at where the connection is made."""
    strict = Deliveries(make_scene(line.ledger).engine)
    line.close_all(line.submit(some_numbers(1)))
    deliver_all(line, strict)
    assert receiver.seen == []
    (first, *_) = webhooks.failures(line.ledger)
    assert "SMSLINE_WEBHOOKS__ALLOW_PRIVATE" in first["answer"]


def test_an_outbox_that_another_process_moves_is_moved_once(
    line: Scene, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two that read the same entries write one set of events.

    Cut again from the same entries, an event has the same id.
    """
    line.close_all(line.submit(some_numbers(2)))
    run, stolen = line.ledger.run, list[object]()

    def rival(name: str, keys: Sequence[str], args: Sequence[Value] = ()) -> object:
        if name == "webhook_fan" and not stolen:
            stolen.append(run(name, keys, args))
        return run(name, keys, args)

    monkeypatch.setattr(line.ledger, "run", rival)
    deliver_all(line)
    assert stolen == [1]
    assert len(receiver.seen) == 2 == len(receiver.applied)


def test_what_a_crashed_process_had_taken_is_sent_by_another(line: Scene, receiver: Receiver) -> None:
    """The request's lease ends, and the event goes out under the id it had."""
    line.close_all(line.submit(some_numbers(1)))
    line.advance(0.6)
    deliver.fan_out(line.engine)
    endpoint = webhooks.find(line.ledger, "shop")
    taken = webhooks_queue.take(line.ledger, endpoint, lease_ms=deliver.LEASE_MS)
    assert taken is not None
    deliver_all(line)
    assert taken.id not in receiver.seen
    line.advance(26)
    deliver_all(line)
    assert receiver.seen.count(taken.id) == 1


def under_way(ledger: Ledger, endpoint: webhooks.Endpoint) -> list[webhooks_queue.EventLease]:
    """As many requests as may be made at once."""
    return list(iter(lambda: webhooks_queue.take(ledger, endpoint, lease_ms=60_000), None))


def test_an_endpoint_that_is_well_gets_ever_more_at_once_and_one_that_fails_fewer(line: Scene) -> None:
    """Two at first, one more for each that goes well, thirty-two at most.

    After a failure one at a time, then half as many.
    """
    ledger, endpoint = line.ledger, webhooks.find(line.ledger, "shop")
    ok = webhooks_queue.TryResult("ok", "HTTP 200")
    for _ in range(100):
        webhooks.send_test(ledger, "shop")
    line.advance(1)
    sizes = []
    for _ in range(5):
        taken = under_way(ledger, endpoint)
        sizes.append(len(taken))
        for each in taken:
            webhooks_queue.note(ledger, endpoint, each.id, ok, patience_ms=1e9)
    assert sizes == [2, 4, 8, 16, 32]
    first, *others = under_way(ledger, endpoint)
    assert len(others) == 31
    webhooks_queue.note(ledger, endpoint, first.id, webhooks_queue.TryResult("failed", "", 1e9, 1_000), patience_ms=1e9)
    for each in others[:-2]:
        webhooks_queue.note(
            ledger, endpoint, each.id, webhooks_queue.TryResult("failed", "", 1e9, 1_000), patience_ms=1e9
        )
    line.advance(2)
    assert under_way(ledger, endpoint) == [], "others are still under way"
    webhooks_queue.note(ledger, endpoint, others[-2].id, ok, patience_ms=1e9)
    assert len(under_way(ledger, endpoint)) == 1, "two in all, one of them from before"


def test_what_is_kept_no_more_leaves_nothing_behind(line: Scene) -> None:
    """Neither at an endpoint that is suspended for ever, nor in an outbox that no worker moves."""
    ledger, endpoint = line.ledger, webhooks.find(line.ledger, "shop")
    line.close_all(line.submit(some_numbers(3)))
    line.advance(0.6)
    deliver.fan_out(line.engine)
    ledger.redis.hset(ledger.keys.webhook("state", endpoint.id), "suspended_ms", ledger.now_ms())
    sets = [ledger.keys.webhook(part, endpoint.id) for part in ("queue", "kept")]
    assert [ledger.redis.zcard(key) for key in sets] == [2, 2]
    line.advance(8 * DAY_S)
    ledger.redis.delete(ledger.keys.outbox)
    ledger.redis.xadd(ledger.keys.outbox, {"job.closed": "gone"}, id="1-0")
    line.close_all(line.submit(some_numbers(3)))
    assert ledger.redis.xrange(ledger.keys.outbox, count=1)[0][0] != b"1-0"
    line.advance(0.6)
    deliver.fan_out(line.engine)
    assert [ledger.redis.zcard(key) for key in sets] == [2, 2]


def test_a_trial_event_says_what_became_of_it(line: Scene, receiver: Receiver) -> None:
    """It goes through the workers, as all events."""
    event = webhooks.send_test(line.ledger, "shop")
    assert webhooks.delivery(line.ledger, event)["delivered"] is None
    deliver_all(line)
    assert webhooks.delivery(line.ledger, event) == {"event": event, "delivered": True, "answer": "HTTP 200"}
    assert receiver.of("webhook.test") == [{"endpoint": "shop"}]


@pytest.mark.parametrize(
    ("name", "url", "events"),
    [
        ("Shop", "https://shop.example/", ["job.closed"]),
        ("shop2", "ftp://shop.example/", ["job.closed"]),
        ("shop2", "https://anna:secret@shop.example/", ["job.closed"]),
        ("shop2", "https://shop.example:x/", ["job.closed"]),
        ("shop2", "https:///", ["job.closed"]),
        ("shop2", "https://shop.example/", []),
        ("shop2", "https://shop.example/", ["job.opened"]),
    ],
)
def test_an_endpoint_that_cannot_be_is_refused(name: str, url: str, events: list[str]) -> None:
    """With the field, the rule, and no password in the message."""
    import fakeredis  # noqa: PLC0415 - refused before any Redis matters

    with pytest.raises(BadInput) as refused:
        webhooks.add(Ledger(fakeredis.FakeRedis(), "t"), name, url, events)
    assert "secret" not in str(refused.value)


def test_a_name_is_there_once(line: Scene) -> None:
    """Two endpoints of one name could not be told apart."""
    with pytest.raises(Conflict):
        webhooks.add(line.ledger, "shop", "https://shop.example/", ["job.closed"])
