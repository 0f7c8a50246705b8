"""What producers and people ask of a provider.

It is left in the ledger, asked by a worker with Tencent's adapter, answered there.
"""

from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from smsline import Admin, BadInput, Client, NotFound, SmslineError
from smsline.job import new_job_id
from smsline.ledger import accounts, due
from smsline.ledger.link import Ledger
from tests.support.scene import Scene, make_settings
from tests.support.world import FIRST
from worker.engine import Engine
from worker.providers.tencent.client import TencentProvider, open_provider
from worker.providers.tencent.reviews import TEMPLATES, Draft, Kind
from worker.receipts import questions
from worker.sandbox.background import Background
from worker.sandbox.flags import Flags


@pytest.fixture(scope="module")
def served() -> Iterator[Background]:
    """One sandbox for all."""
    with Background(Flags(steering=False, reviews="approved")) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(served: Background) -> Background:
    """It, with nothing in it."""
    served.reset()
    return served


@pytest.fixture
def scene(ledger: Ledger, sandbox: Background, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    """A line with a real adapter; a thread that waits for an answer lets the worker work."""
    account = {"secret_id": "sandbox-id", "secret_key": "sandbox-key", "sdk_app_id": "1400000000", "sign": "Acme"}
    settings = make_settings(accounts={"main": {**account, "endpoint": sandbox.url}}, linger_ms=0)
    provider = open_provider("main", settings.accounts["main"])
    made = Scene(ledger, Engine(settings, ledger, {"main": provider}))
    monkeypatch.setattr("smsline.ledger.talk.time", SimpleNamespace(sleep=lambda _: work(made)))
    yield made
    provider.close()
    ledger.redis.delete(ledger.keys.accounts)


def work(scene: Scene) -> None:
    """Answer what is due."""
    for member in due.due_now(scene.ledger, scene.ledger.keys.questions_due, most=10):
        questions.answer(scene.engine, member)


def test_a_conversion_is_told_once_by_job_or_by_serial(scene: Scene, sandbox: Background) -> None:
    """For each message that was taken; told again before it was reported, it is one report."""
    client = Client(namespace=scene.engine.settings.namespace, ledger=scene.ledger)
    job = scene.submit([FIRST, FIRST + 1])
    scene.run()
    serial = scene.results(job)[0]["serial"]
    assert client.converted(job) == 2
    assert client.converted(serial, at=1_790_000_000) == 1
    assert len(due.due_now(scene.ledger, scene.ledger.keys.questions_due, most=10)) == 2
    work(scene)
    assert sandbox.stats()["conversions"] == 2
    with pytest.raises(NotFound):
        client.converted(scene.submit([FIRST], start_s=client.now_s() + 86_400))
    with pytest.raises(NotFound, match="no job"):
        client.converted(new_job_id())
    with pytest.raises(BadInput, match="epoch"):
        client.converted(serial, at=-1)


def test_a_code_s_serial_leads_to_one_of_several_accounts(scene: Scene) -> None:
    """Serials of codes are indexed where there are several to tell apart.

    One that nothing is known of needs the account to be named.
    """
    can = {"main": ["conversion"], "other": ["conversion"], "third": ["numbers"]}
    accounts.register(scene.ledger, dict.fromkeys(can, "tencent"), questions=can)
    client = Client(ledger=scene.ledger)
    serials = []
    for lane in ("otp", "marketing"):
        job = scene.submit([FIRST], lane=lane)
        scene.run()
        serials.append(scene.results(job)[0]["serial"])
    assert client.converted(serials[0]) == 1
    (member,) = due.due_now(scene.ledger, scene.ledger.keys.questions_due, most=10)
    assert member.startswith("main ")
    with pytest.raises(BadInput, match="give its job, or the account: main, other"):
        client.converted(serials[1])
    with pytest.raises(BadInput, match="cannot be asked; these can: main, other"):
        client.converted(serials[1], account="third")
    assert client.converted(serials[1], account="main") == 1
    work(scene)


def test_a_conversion_waits_while_the_provider_is_away(scene: Scene, sandbox: Background) -> None:
    """Until it is told."""
    sandbox.control(faults=[{"kind": "status", "times": 1, "action": "ReportConversion"}])
    assert Client(ledger=scene.ledger).converted("5000:123") == 1
    work(scene)
    assert sandbox.stats()["conversions"] == 0
    (member,) = scene.ledger.redis.zrange(scene.ledger.keys.questions_due, 0, -1)
    scene.ledger.redis.zadd(scene.ledger.keys.questions_due, {member: 0})
    scene.ledger.redis.delete(scene.ledger.keys.bucket("main", "ReportConversion"))
    work(scene)
    assert sandbox.stats()["conversions"] == 1


def test_number_info_is_the_providers(scene: Scene) -> None:
    """Read ones with their country, unread ones as they were; what cannot be asked is refused."""
    client = Client(ledger=scene.ledger)
    found = {row["phone"]: row for row in client.number_info(["+86018845720123", "+6591234567", "12345"])}
    assert (found["+8618845720123"]["country"], found["+8618845720123"]["subscriber"]) == ("CN", "18845720123")
    assert not found["12345"]["ok"]
    with pytest.raises(BadInput, match="200"):
        client.number_info([])
    with pytest.raises(BadInput, match="cannot be asked"):
        client.number_info(["+6591234567"], account="other")


def test_templates_and_signatures_are_listed_page_by_page(scene: Scene, sandbox: Background) -> None:
    """With what their review came to; a refusal of the provider is told with its code."""
    admin = Admin(ledger=scene.ledger)
    assert admin.templates() == []
    provider = scene.engine.providers["main"]
    assert isinstance(provider, TencentProvider)
    sandbox.control(limits={"*": 0})
    for nth in range(101):
        TEMPLATES.add(provider, Draft(f"t{nth}", "Your code is {1}.", Kind.OTP, international=False, remark="codes"))
    listed = admin.templates()
    assert [row["name"] for row in listed] == [f"t{nth}" for nth in range(101)]
    assert listed[0]["review"] == "approved"
    assert str(listed[0]["created_at"]).startswith("20")
    assert admin.signatures(international=True) == []
    code = "UnauthorizedOperation.SmsSdkAppIdVerifyFail"
    sandbox.control(faults=[{"kind": "error", "code": code, "action": "DescribeSmsSignList"}])
    with pytest.raises(SmslineError, match=code):
        admin.signatures()
