"""Receipts as they really come: early, twice, in any order, for strangers, in pages that fail."""

import pytest

from smsline.ledger import accounts, buckets, receipt_pages
from smsline.ledger.link import Ledger
from tests.support.provider import FakeProvider, refuse
from tests.support.scene import Scene, make_scene
from tests.support.world import FIRST, some_numbers
from worker.gate import wait_for_token
from worker.providers.base import Answer, Broken, Call, Item, Receipt, Sent


def test_every_recipient_gets_the_word_of_its_own_receipt(scene: Scene) -> None:
    """Success flag first; the code explains; the job closes with the last one."""
    job = scene.submit(some_numbers(3))
    scene.send_all()
    good, bad, late = scene.provider.out
    scene.provider.deliver([bad], ok=False, code="MK:0001")
    scene.provider.deliver([good])
    scene.later(6)
    assert scene.counts(job) == {"total": 3, "accepted": 1, "delivered": 1, "undelivered": 1}
    scene.provider.deliver([late])
    scene.later(2)
    assert scene.status(job)["closed_at"]
    rows = {row["phone"]: row for row in scene.results(job)}
    assert (rows[f"+{bad.number}"]["state"], rows[f"+{bad.number}"]["code"]) == ("undelivered", "MK:0001")
    assert (rows[f"+{good.number}"]["state"], rows[f"+{good.number}"]["code"]) == ("delivered", "DELIVRD")
    assert {row["serial"] for row in rows.values()} == {message.serial for message in scene.provider.out}
    assert all(row["final_at"] and row["accepted_at"] for row in rows.values())


def test_receipts_that_come_before_the_send_is_written_down_are_kept(scene: Scene) -> None:
    """The carrier was faster than the answer; the receipt is applied when the send is recorded."""
    job = scene.submit(some_numbers(3))
    scene.otp(FIRST + 50)
    scene.run()

    def deliver_first(provider: FakeProvider, call: Call) -> Answer:
        sent = [provider.send_out(number, call) for number in call.numbers]
        rows = [provider.receipt(message) for message in sent]
        receipt_pages.store_page(scene.ledger, "main", receipt_pages.new_page(b"[]"))
        scene.apply([*rows, *rows])
        return Sent(tuple(Item(m.number, True, "Ok", m.serial, 1, "") for m in sent), "r")

    scene.provider.script.append(deliver_first)
    scene.later(1)
    assert scene.counts(job) == {"total": 3, "delivered": 3}
    health = accounts.health(scene.ledger, "main", "tencent")
    assert (health["receipts"], health["outstanding"]) == (3, 1)


def test_a_receipt_that_comes_twice_is_counted_late_the_second_time(scene: Scene) -> None:
    """In one page, in another page, and after the job has closed."""
    job = scene.submit(some_numbers(2))
    scene.send_all()
    first, second = scene.provider.deliver()
    scene.provider.queue = [first, first, second]
    scene.later(6)
    scene.apply([first, second._replace(ok=False, code="UNDELIV")])
    assert scene.counts(job) == {"total": 2, "delivered": 2}
    health = accounts.health(scene.ledger, "main", "tencent")
    assert (health["receipts"], health["late"], health["outstanding"]) == (2, 3, 0)


def test_a_receipt_is_found_by_its_call_or_else_by_its_number(scene: Scene) -> None:
    """No serial is indexed where the call names its blocks.

    Where receipts do not name it, they are from then on.
    """
    job = scene.submit(some_numbers(3))
    shared = scene.submit([FIRST + 7])
    scene.send_all()
    assert not list(scene.ledger.redis.scan_iter("*index:*"))
    assert len(scene.provider.calls) == 1
    first, second, third, other = sorted(scene.provider.out, key=lambda message: message.number)
    scene.provider.deliver([other])
    scene.provider.deliver([first])
    scene.provider.deliver([second, third], context=False)
    scene.later(6)
    assert scene.counts(job) == {"total": 3, "delivered": 3}
    assert scene.counts(shared) == {"total": 1, "delivered": 1}
    scene.apply([scene.provider.receipt(first, ok=False, context=False), scene.provider.receipt(second, ok=False)])
    assert scene.counts(job) == {"total": 3, "delivered": 3}
    assert accounts.health(scene.ledger, "main", "tencent")["late"] == 2
    for indexed in (True, False):
        # The second job's receipt brings its context, so that the third one's
        # serial needs no index again.
        scene.ledger.redis.delete(*list(scene.ledger.redis.scan_iter("*index:*")), "none")
        scene.submit([FIRST + 9])
        scene.send_all()
        assert bool(list(scene.ledger.redis.scan_iter("*index:*"))) is indexed
        assert scene.provider.out[-1].context.count(":") == 3 - indexed
        scene.provider.deliver(scene.provider.out[-1:])
        scene.later(6)
        assert accounts.outstanding(scene.ledger, "main") == 0


def test_a_forged_context_settles_no_recipient(scene: Scene) -> None:
    """Nor does it end another one.

    Its serial must be one that the named call has brought, for this number, through this account.
    """
    jobs_of = []
    for nth in range(2):
        jobs_of.append(scene.submit([FIRST + nth]))
        scene.send_all()
    mine, other = (scene.provider.receipt(message) for message in scene.provider.out)
    block, attempt = other.context.split(":")[3], other.context.split(":")[2]
    scene.apply(
        [
            mine._replace(context=other.context),
            mine._replace(serial=other.serial, context=other.context),
            mine._replace(context=mine.context.rpartition(":")[0] + f":{block}"),
            mine._replace(context=f"sl:000000:{attempt}:{block}", serial=other.serial),
            mine._replace(context=other.context + "9" * 40),
        ]
    )
    note = scene.ledger.redis.hget(scene.ledger.keys.block(int(block)), f"z{attempt}")
    scene.ledger.redis.hset(scene.ledger.keys.block(int(block)), f"z{attempt}", note.replace(b"main", b"elsewhere"))
    scene.apply([other])
    assert [scene.counts(job) for job in jobs_of] == [{"total": 1, "accepted": 1}] * 2
    scene.ledger.redis.hset(scene.ledger.keys.block(int(block)), f"z{attempt}", note)
    scene.apply([mine, other])
    assert [scene.counts(job) for job in jobs_of] == [{"total": 1, "delivered": 1}] * 2


def test_receipts_in_any_order_over_many_pages(scene: Scene) -> None:
    """Pages that are full by the provider's own size are followed by the next at once.

    Nothing is left on the queue.
    """
    scene.provider.pull_limit = 60
    job = scene.submit(some_numbers(450))
    scene.send_all()
    scene.provider.deliver(list(reversed(scene.provider.out)))
    scene.later(6)
    assert scene.counts(job) == {"total": 450, "delivered": 450}
    assert not scene.provider.queue
    assert scene.status(job)["closed_at"]


def test_receipts_of_strangers_are_kept_apart_and_counted(scene: Scene) -> None:
    """A serial that is not ours changes nothing.

    Nor does a context of another ledger, nor a serial of ours with another number.
    """
    job = scene.submit([FIRST])
    scene.send_all()
    (mine,) = scene.provider.deliver()
    scene.provider.queue = [
        Receipt(FIRST, "stranger", True, "DELIVRD", 0, ""),
        Receipt(FIRST, "stranger2", True, "DELIVRD", 0, "sl:abcdef:1"),
        mine._replace(number=FIRST + 1),
    ]
    scene.later(6)
    assert scene.counts(job) == {"total": 1, "accepted": 1}
    assert accounts.health(scene.ledger, "main", "tencent")["orphans"] == 2
    scene.apply([mine])
    assert scene.counts(job) == {"total": 1, "delivered": 1}


def test_receipts_without_a_serial_are_told_apart(scene: Scene) -> None:
    """Two strangers' receipts that share an empty serial are both kept."""
    scene.apply([Receipt(FIRST + n, "", True, "DELIVRD", 0, f"other:{n}") for n in range(2)])
    assert accounts.health(scene.ledger, "main", "tencent")["orphans"] == 2


def test_a_receipt_without_a_time_is_final_at_the_present(scene: Scene) -> None:
    """Not at the beginning of 1970."""
    job = scene.submit([FIRST])
    scene.send_all()
    scene.apply([scene.provider.receipt(scene.provider.out[0])._replace(received_at_s=0)])
    (row,) = scene.results(job)
    assert str(row["final_at"]) > "2020"


def test_what_the_provider_said_stands_beside_each_code(scene: Scene) -> None:
    """Of the answer, then of the receipt, without long numbers.

    A code with more than 16 texts keeps those that came first.
    """
    texts = {FIRST + nth: f"no {nth}" for nth in range(20)}
    job = scene.submit([*texts, FIRST + 20])

    def say(provider: FakeProvider, call: Call) -> Answer:
        refused = [Item(number, False, "FailedOperation.X", "", 0, texts[number]) for number in call.numbers[:-1]]
        return Sent(
            (*refused, Item(FIRST + 20, True, "Ok", provider.send_out(FIRST + 20, call).serial, 1, "sent")), "r"
        )

    scene.provider.script.append(say)
    scene.send_all()
    (message,) = scene.provider.out
    scene.apply([scene.provider.receipt(message, ok=False)._replace(message=f"off:  {FIRST + 20}")])
    rows = scene.results(job)
    assert {row["code"] for row in rows} == {"FailedOperation.X", "UNDELIV"}
    assert [row["message"] for row in rows[:16]] == [texts[number] for number in list(texts)[:16]]
    assert [row["message"] for row in rows[16:20]] == [""] * 4
    assert rows[20]["message"] == "off: …"


def test_a_page_that_was_stored_is_applied_by_the_next_drain(scene: Scene) -> None:
    """A worker that died between the store and the reading loses nothing."""
    job = scene.submit(some_numbers(3))
    scene.send_all()
    scene.provider.deliver()
    page = scene.provider.pull()
    assert isinstance(page, bytes)
    receipt_pages.store_page(scene.ledger, "main", receipt_pages.new_page(page))
    scene.later(6)
    assert scene.counts(job) == {"total": 3, "delivered": 3}


def test_pulls_that_fail_are_made_again(scene: Scene) -> None:
    """A lost answer and an error of the provider put the next pull off by seconds.

    Both are shown with the account.
    """
    job = scene.submit([FIRST])
    scene.send_all()
    scene.provider.pull_script += [
        Broken(maybe_sent=True, code="http.ReadTimeout", detail=""),
        b"refused InternalError",
    ]
    scene.later(5)
    assert "http.ReadTimeout" in accounts.health(scene.ledger, "main", "tencent")["last_error"]
    scene.provider.deliver()
    scene.until(lambda: scene.counts(job) == {"total": 1, "delivered": 1}, within_s=30)
    assert "InternalError" in accounts.health(scene.ledger, "main", "tencent")["last_error"]


def test_rows_that_cannot_be_read_are_told_and_the_others_applied(scene: Scene) -> None:
    """One bad row costs itself."""
    job = scene.submit([FIRST])
    scene.send_all()
    scene.provider.deliver()
    page = scene.provider.pull()
    assert isinstance(page, bytes)
    scene.provider.pull_script.append(page.replace(b"[", b"[null,"))
    scene.later(6)
    assert scene.counts(job) == {"total": 1, "delivered": 1}
    assert "1 receipts could not be read" in accounts.health(scene.ledger, "main", "tencent")["last_error"]


def test_nothing_is_pulled_while_nothing_is_awaited(scene: Scene) -> None:
    """The first poll comes when the lane says, and the last receipt ends it.

    In between, empty pages back off to half a minute.
    """
    scene.later(600)
    assert scene.provider.pulls == 0
    job = scene.otp(FIRST)
    scene.run()
    assert scene.provider.pulls == 0
    scene.later(2)
    assert scene.provider.pulls == 1
    for _ in range(40):
        scene.later(3)
    assert 6 <= scene.provider.pulls <= 9
    scene.provider.deliver()
    scene.until(lambda: scene.status(job)["closed_at"], within_s=31)
    pulls = scene.provider.pulls
    scene.later(600)
    assert scene.provider.pulls == pulls


def test_a_new_send_is_polled_for_soon_although_the_queue_was_long_empty(scene: Scene) -> None:
    """Another job's missing receipts do not hold up those of a one-time password."""
    scene.submit([FIRST])
    for _ in range(20):
        scene.later(15)
    code = scene.otp(FIRST + 1)
    scene.run()
    scene.later(3)
    scene.provider.deliver([scene.provider.out[-1]])
    scene.until(lambda: scene.status(code)["closed_at"], within_s=3)


def test_a_refused_send_awaits_nothing(scene: Scene) -> None:
    """What was not accepted is not drained for."""
    scene.submit([FIRST])
    scene.provider.script.append(refuse("FailedOperation.ContainSensitiveWord"))
    scene.send_all()
    scene.later(60)
    assert scene.provider.pulls == 0


def test_accounts_have_their_own_receipts(ledger: Ledger) -> None:
    """A job over two accounts is drained at both."""
    accounts_of = {"cn": {"prefixes": ["86"]}, "fr": {"prefixes": ["33"]}}
    scene = make_scene(ledger, {name: FakeProvider() for name in accounts_of}, accounts=accounts_of)
    job = scene.submit([FIRST, 33612345678])
    scene.send_all()
    for name in accounts_of:
        scene.provider_of(name).deliver()
    scene.later(6)
    assert scene.counts(job) == {"total": 2, "delivered": 2}
    scene.later(3600)


def test_a_question_waits_for_its_turn_only_so_long(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many want the few tokens of an action.

    A caller that always comes too late gives up, and the thread is free.
    """
    monkeypatch.setattr(buckets, "take_token", lambda *_args, **_kwargs: 20.0)
    assert wait_for_token(scene.engine, "main", "PullSmsSendStatus", 100.0) == 20.0
    scene.engine.stopping.set()
    assert wait_for_token(scene.engine, "main", "PullSmsSendStatus", 1e9) == 20.0
