"""Global numbers with params of their own through Tencent's adapter.

What shares a call, and that every recipient gets their own text.
"""

from collections.abc import Iterator

import pytest

from smsline.ledger.link import Ledger
from tests.support.scene import Scene, make_settings
from worker.engine import Engine
from worker.providers.tencent.client import open_provider
from worker.sandbox.background import Background
from worker.sandbox.flags import Flags
from worker.sandbox.tencent import params

FIRST = 6591242000
MAINLAND = 8613711112222


@pytest.fixture(scope="module")
def served() -> Iterator[Background]:
    """One sandbox for all."""
    with Background(Flags(steering=False)) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(served: Background) -> Background:
    """It, with nothing in it."""
    served.reset()
    return served


@pytest.fixture
def abroad(ledger: Ledger, sandbox: Background, request: pytest.FixtureRequest) -> Iterator[Scene]:
    """A line with a real adapter; its account has no signature of its own unless one is given."""
    account = {
        "secret_id": "sandbox-id",
        "secret_key": "sandbox-key",
        "sdk_app_id": "1400000000",
        "endpoint": sandbox.url,
        "sign": getattr(request, "param", ""),
        "send_each": True,
    }
    settings = make_settings(accounts={"main": account})
    provider = open_provider("main", settings.accounts["main"])
    yield Scene(ledger, Engine(settings, ledger, {"main": provider}))
    provider.close()


def sends(sandbox: Background) -> list[tuple[str, int]]:
    """Each send: its action, and how many numbers it named."""
    return [
        (entry["action"], entry["numbers"]) for entry in sandbox.stats()["log"] if entry["action"].startswith("Send")
    ]


def test_a_campaign_with_params_of_their_own(abroad: Scene, sandbox: Background) -> None:
    """450 global numbers with params of their own are three calls, and all are delivered."""
    numbers = range(FIRST, FIRST + 450)

    job = abroad.submit(numbers, own_params=[[f"n{number}"] for number in numbers])
    abroad.send_all()
    abroad.until(lambda: abroad.status(job)["closed_at"], within_s=60)

    assert sorted(sends(sandbox)) == [
        ("SendMultiGlobalSms", 50),
        ("SendMultiGlobalSms", 200),
        ("SendMultiGlobalSms", 200),
    ]
    assert abroad.counts(job) == {"total": 450, "delivered": 450}


def test_jobs_of_one_number_share_a_call(abroad: Scene, sandbox: Background) -> None:
    """Single numbers of several jobs, each with its own code, go out together.

    Mainland ones each in a call of their own.
    """
    jobs = [abroad.submit([FIRST + place], lane="notify", params=[f"{place}"]) for place in range(3)]
    home = [abroad.submit([MAINLAND + place], lane="notify", params=[f"{place}"], sign="Acme") for place in range(2)]
    abroad.send_all()

    assert sorted(sends(sandbox)) == [("SendMultiGlobalSms", 3), ("SendSms", 1), ("SendSms", 1)]
    assert all(abroad.counts(job) == {"total": 1, "accepted": 1} for job in jobs + home)


def test_a_signature_keeps_its_place(abroad: Scene, sandbox: Background) -> None:
    """Messages cannot carry a signature: then numbers go by SendSms, one text a call, each once."""
    numbers = [FIRST, FIRST + 1, FIRST + 2]

    job = abroad.submit(numbers, sign="Acme", own_params=[["a"], ["b"], ["a"]])
    abroad.until(lambda: abroad.counts(job).get("waiting", 0) == 0, within_s=60)

    assert sends(sandbox) == [("SendSms", 2), ("SendSms", 1)]
    assert sandbox.stats()["messages"] == 3


@pytest.mark.parametrize("abroad", ["Acme"], indirect=True)
def test_an_account_that_signs(abroad: Scene, sandbox: Background) -> None:
    """Its numbers with params of their own go one to a SendSms, all at once and signed."""
    job = abroad.submit([FIRST, FIRST + 1, FIRST + 2], own_params=[["a"], ["b"], ["c"]])
    abroad.send_all()

    assert sends(sandbox) == [("SendSms", 1)] * 3
    assert abroad.counts(job) == {"total": 3, "accepted": 3}


def test_a_lost_answer_is_found(abroad: Scene, sandbox: Background) -> None:
    """Each message carries the attempt, so receipts settle a call whose answer was lost.

    No recipient is texted twice.
    """
    sandbox.control(faults=[{"kind": "lost", "times": 1, "action": "SendMultiGlobalSms"}])

    job = abroad.submit([FIRST, FIRST + 1], own_params=[["a"], ["b"]])
    abroad.send_all()
    abroad.until(lambda: abroad.status(job)["closed_at"], within_s=60)

    assert abroad.counts(job) == {"total": 2, "delivered": 2}
    assert sandbox.stats()["messages"] == 2


def test_an_endpoint_that_lacks_the_action(abroad: Scene, sandbox: Background, monkeypatch: pytest.MonkeyPatch) -> None:
    """Plain SendSms goes on: every number is sent its own text once, no account is parked."""
    monkeypatch.delitem(params.ACTIONS, "SendMultiGlobalSms")
    job = abroad.submit([FIRST, FIRST + 1, FIRST + 2], own_params=[["a"], ["b"], ["c"]])

    abroad.until(lambda: abroad.counts(job).get("waiting", 0) == 0, within_s=60)

    assert sandbox.stats()["messages"] == 3
    assert sends(sandbox)[-3:] == [("SendSms", 1)] * 3
    assert abroad.counts(job) == {"total": 3, "accepted": 3}
    assert abroad.ask.accounts()[0]["parked"] == []
