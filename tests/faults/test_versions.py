"""Producers and workers of other versions on one ledger: served, or refused in words.

No version leaves anything half written, or is in another's way.
"""

import json
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

from smsline.errors import OtherVersion
from smsline.job import JobSpec, new_job_id
from smsline.ledger import accounts, inbox, jobs, losses, poison, steering, version
from smsline.ledger.link import Ledger
from smsline.ledger.migrate import migrate
from smsline.ledger.number_index import NUMBER_SHARDS
from smsline.numbers import pack
from tests.faults.support.hands import ACCOUNT, Hands, engine_of
from tests.faults.support.provider import CountingProvider
from tests.support.world import FIRST
from worker.commands.check_ledger import judge_layout, look_at_ledger
from worker.intake import accept
from worker.maintenance.witness import Witness
from worker.sending import send

PREVIOUS: Final = Path(__file__).parent / "support" / "previous" / "submit.lua"
SPEC: Final = (
    '{"template":"5678","sign":"","sender":"","extend":"","lane":"otp","account":"","ttl_s":300.0,"key":"k1","pace":0.0,'
    '"start_s":0.0,"stream":false}'
)
"""What a producer of the version before writes; recorded from it."""


def submit_as_before(ledger: Ledger, job: str, numbers: list[int], spec: str = SPEC) -> list[bytes]:
    """Hand a job over as the version before did: its script, its keys, its arguments."""
    keys = ledger.keys
    key_list = [keys.job(job), keys.part(job, 0), keys.got(job), keys.jobs, keys.inbox("otp"), keys.expire]
    key_list += [keys.idempotency("k1"), keys.closing]
    args: list[Any] = [job, "k1", 0, len(numbers), pack(numbers), "", 1, spec, "otp", "", 300_000, 0.0, 0]
    args += ["", "5678", "[]", 0]
    return ledger.redis.eval(PREVIOUS.read_text(), len(key_list), *key_list, *args)  # type: ignore[no-any-return]


@pytest.fixture
def hands(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> Hands:
    """A worker of today."""
    return Hands(engine_of(ledger, CountingProvider()), monkeypatch, ledger)


def closed(ledger: Ledger, job: str) -> bool:
    """Whether a job is over."""
    status = jobs.read_status(ledger, job)
    return status is not None and status["state"] == "closed"


def test_a_job_of_the_previous_version_is_served(hands: Hands) -> None:
    """Its producers go on while workers are of today.

    Each number gets its message, the job closes and is listed.
    """
    ledger, job = hands.engine.ledger, new_job_id()
    ledger.check_layout()
    assert submit_as_before(ledger, job, [FIRST, FIRST + 1]) == [b"ok", b"1"]
    hands.work(lambda: closed(ledger, job))
    assert [row["state"] for row in jobs.results(ledger, job)] == ["delivered", "delivered"]
    assert not ledger.redis.zcard(ledger.keys.open)


def test_a_field_of_a_newer_producer_is_passed_over(hands: Hands) -> None:
    """What this version does not know, it does not need."""
    ledger, job = hands.engine.ledger, new_job_id()
    submit_as_before(ledger, job, [FIRST], json.dumps(json.loads(SPEC) | {"colour": "red"}))
    hands.work(lambda: closed(ledger, job))


def test_the_number_index_of_older_workers_stands_beside_ours(hands: Hands) -> None:
    """They keep strings where we have lists, on one day: neither stops the other's jobs."""
    ledger, job = hands.engine.ledger, new_job_id()
    day = int(time.time() // 86_400)
    ledger.redis.mset({f"{ledger.keys.prefix}numbers:{day}:{shard}": b"7bytes." for shard in range(NUMBER_SHARDS)})
    submit_as_before(ledger, job, [FIRST])
    hands.work(lambda: closed(ledger, job))


def test_losses_are_kept_as_older_workers_read_them(hands: Hands) -> None:
    """They take these three fields and no other; a newer one is passed over here.

    The same loss, found again, keeps its beginning.
    """
    ledger = hands.engine.ledger
    losses.keep(ledger, losses.Loss(1, 2, 40_000, certain=False))
    kept = losses.keep(ledger, losses.Loss(1, 2, 50_000))
    assert losses.keep(ledger, losses.Loss(9, 2, 51_000)) == kept
    (text,) = ledger.redis.lrange(ledger.keys.losses, 0, -1)
    assert json.loads(text) == {"from_ms": 1, "to_ms": 2, "found_ms": 50_000}
    ledger.redis.lset(ledger.keys.losses, 0, json.dumps(json.loads(text) | {"newer": 1}))
    assert [loss.certain for loss in losses.losses(ledger)] == [True, False]


@pytest.mark.parametrize(
    "changed", [{"lane": "fax"}, {"ttl_s": "soon"}, {"template": None}, {"window": {"a": 1}}, None]
)
def test_a_job_that_cannot_be_read_blocks_no_other(
    hands: Hands, caplog: pytest.LogCaptureFixture, changed: dict[str, Any] | None
) -> None:
    """It alone is set aside, told and kept; its deadline ends it.

    Its text may be cut, or mean by a field what no version yet does.
    """
    ledger, job = hands.engine.ledger, new_job_id()
    submit_as_before(ledger, job, [FIRST], json.dumps(json.loads(SPEC) | changed) if changed else '{"template":')
    spec = JobSpec.checked({"template": "5678", "lane": "otp"})
    other = inbox.submit_part(ledger, new_job_id(), spec, inbox.Part([FIRST + 1]), part_no=0, parts=1).job
    with caplog.at_level(logging.ERROR):
        hands.work(lambda: closed(ledger, other))
    (kept,) = poison.poisoned(ledger)
    assert job in kept["member"]
    assert "was set aside" in caplog.text
    ledger.redis.hset(ledger.keys.job(job), "deadline_ms", 1)
    ledger.redis.zadd(ledger.keys.expire, {job: 0})
    hands.work(lambda: closed(ledger, job))


DUE: Final = ("later", "lease", "drain", "probe", "unsure", "credit", "send:otp", "inbox:otp", "expire", "close")


def test_an_unreadable_member_of_any_due_set_stops_nothing(hands: Hands) -> None:
    """Each is taken out with its reason, and `check` shows it; a job goes its way meanwhile."""
    ledger = hands.engine.ledger
    for kind in DUE:
        ledger.redis.zadd(ledger.keys.due(kind), {b"\xff bad|member": 0, "not a thing": 0})
    spec = JobSpec.checked({"template": "5678", "lane": "otp"})
    job = inbox.submit_part(ledger, new_job_id(), spec, inbox.Part([FIRST]), part_no=0, parts=1).job
    hands.work(lambda: closed(ledger, job) and len(poison.poisoned(ledger)) == 2 * len(DUE))
    assert any(subject == "ledger poison" for subject, *_ in look_at_ledger(ledger))


def test_a_newer_ledger_is_left_alone(hands: Hands) -> None:
    """A producer is refused before any write, a worker does nothing; both say who must change."""
    ledger, job = hands.engine.ledger, new_job_id()
    ledger.redis.set(ledger.keys.version, "4")
    before = set(ledger.redis.keys("*"))
    spec = JobSpec.checked({"template": "5678", "lane": "otp"})
    with pytest.raises(OtherVersion, match=r"layout 4, newer than this smsline's 3: upgrade this process"):
        inbox.submit_part(ledger, job, spec, inbox.Part([FIRST]), part_no=0, parts=1)
    with pytest.raises(OtherVersion):
        Witness(hands.engine).look()
    with pytest.raises(OtherVersion):
        ledger.run("claim", [ledger.keys.lease], [1, 1000])
    by_hand = Ledger(ledger.redis, ledger.keys.prefix.strip(":{}"))
    acts: list[Callable[[], object]] = [
        lambda: steering.control(by_hand, job, "cancelled"),
        lambda: accounts.unpark(by_hand, "main"),
        lambda: by_hand.run_many([("claim", [ledger.keys.lease], [1, 1000])]),
    ]
    for act in acts:
        with pytest.raises(OtherVersion):
            act()
    assert set(ledger.redis.keys("*")) == before
    assert judge_layout("4", old_workers=False)[1] == "fail"
    ledger.redis.set(ledger.keys.version, version.LAYOUT)
    Witness(hands.engine).look()
    ledger.run("claim", [ledger.keys.lease], [1, 1000])


def test_an_older_ledger_is_migrated(hands: Hands) -> None:
    """What old workers left is refused until they are stopped and it is migrated.

    Then every recipient goes out, once.
    """
    ledger = hands.engine.ledger
    spec = JobSpec.checked({"template": "5678", "lane": "otp"})
    job = inbox.submit_part(ledger, new_job_id(), spec, inbox.Part([FIRST, FIRST + 1]), part_no=0, parts=1).job
    accept.accept_job(hands.engine, job)
    as_written_before(ledger)
    with pytest.raises(OtherVersion, match="stop the old workers, then run `python -m worker migrate`"):
        Witness(hands.engine).look()
    with pytest.raises(OtherVersion):
        inbox.submit_part(ledger, new_job_id(), spec, inbox.Part([FIRST]), part_no=0, parts=1)
    migrate(ledger)
    assert not migrate(ledger)["batch queues"]
    hands.engine = engine_of(ledger, provider := CountingProvider())
    Witness(hands.engine).look()
    hands.work(lambda: closed(ledger, job))
    assert provider.sent == {FIRST: 1, FIRST + 1: 1}


def test_receipts_of_calls_that_layout_2_made_find_their_recipients(hands: Hands) -> None:
    """Its serials are indexed and its contexts name no block; `migrate` opens both roads."""
    ledger, spec = hands.engine.ledger, JobSpec.checked({"template": "5678", "lane": "otp"})
    provider = CountingProvider()
    hands.engine = engine_of(ledger, provider)
    jobs_of_both = []
    for nth, able in enumerate((frozenset[str](), frozenset({ACCOUNT}))):
        hands.engine.contexts._able = able
        job = inbox.submit_part(ledger, new_job_id(), spec, inbox.Part([FIRST + nth]), part_no=0, parts=1).job
        accept.accept_job(hands.engine, job)
        # A call that a busy machine makes too late for its token is taken back, and made again.
        while len(provider.calls) == nth:
            send.send_slice(hands.engine, "otp")
        jobs_of_both.append(job)
        if not able:
            ledger.redis.set(ledger.keys.version, "2")
            migrate(ledger)
    assert [call.context.count(":") for call in provider.calls] == [2, 3]
    hands.work(lambda: all(closed(ledger, job) for job in jobs_of_both))


def as_written_before(ledger: Ledger) -> None:
    """Turn what today's worker wrote into what the version before would have."""
    client, keys = ledger.redis, ledger.keys
    for name in client.keys(keys.queue("*")):
        client.rename(name, name.replace(b":queue:", b":line:"))
    for name in client.keys(keys.block("*")):
        client.hset(name, "line", client.hget(name, "queue"))
        client.hdel(name, "queue")
    client.delete(keys.version, keys.open)
    client.hset(keys.ids, mapping={"block": 64, "attempt": 64})
