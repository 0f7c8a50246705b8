"""A line to SMSPartner as a producer meets it: Redis, a worker process, the sandbox as provider."""

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from smsline.job import Recipient
from tests.support.admin import admin_of
from tests.support.one_worker import WorkerLine, one_worker
from tests.support.waiting import wait_until
from worker.sandbox.background import Background
from worker.sandbox.flags import Flags, SandboxAccount

API_KEY = "k3y-0f-the-french-acc0unt"
TEXT = "Bienvenue {1}, votre code est {2}."

DEADLINE_S = 5
SETTINGS = {
    "PROVIDER": "smspartner",
    "SECRET_KEY": API_KEY,
    "SIGN": "ACME",
    "TEXTS__WELCOME": TEXT,
    "TIMEOUT_S": "5",
    "LIMITS__BULK_SEND": "1000",
    "LIMITS__MULTI_STATUS": "1000",
    "LIMITS__BULK_STATUS_BY_TAG": "1000",
}


class Line(WorkerLine):
    """The same, with campaigns of many texts."""

    def campaign(self, numbers: Sequence[int], **spec: Any) -> str:
        """A campaign with a text for each number; returns the job's id."""
        rows = [Recipient(f"+{number}", (f"client {place}", f"{place:06d}")) for place, number in enumerate(numbers)]
        return self.client.campaign(to=rows, template="WELCOME", lane="marketing", **spec)


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Line]:
    """Everything running."""
    log = tmp_path_factory.mktemp("french") / "worker.log"
    flags = Flags(accounts=(SandboxAccount(secret_key=API_KEY),))
    with Background(flags) as sandbox:
        accounts = {f"FRENCH__{name}": value for name, value in {**SETTINGS, "ENDPOINT": sandbox.url}.items()}
        settings = {
            "FIRST_POLL_S": "0.2",
            "UNSURE_PROBES_S": "0.5,1,2,4",
            "UNSURE_HORIZON_S__OTP": "3",
            "RECEIPT_DEADLINE_S": str(DEADLINE_S),
        }
        with one_worker("french", accounts, settings, log=log) as client:
            yield Line(client, sandbox, log)


def test_campaign_with_a_text_for_each_number(line: Line) -> None:
    """A campaign closes with each number in the state of its fate, texted once, 500 to a call."""
    steered = {
        33612340001: ("dead", "9.phoneNumbers"),
        33612340002: ("undelivered", "not delivered"),
        33612340003: ("undelivered", "ko"),
        33612340005: ("delivered", "delivered"),  # code 500, and it was sent: found by the call's tag
        33612340006: ("unknown", "receipt.Deadline"),
        33612340009: ("dead", "52"),
        33612340010: ("dead", "14"),
        33612340013: ("delivered", "delivered"),  # missing in the answer, and it was sent: found by the call's tag
        33612340015: ("unknown", "receipt.Deadline"),
        33612340016: ("delivered", "delivered"),
        33612340017: ("dead", "13"),
    }
    usual = [33612350000 + place for place in range(1000, 2000)]
    numbers = [*steered, *usual]

    counts = line.closed(job := line.campaign(numbers))

    assert {number: line.ended(job)[number] for number in steered} == steered
    assert counts == {"total": 1011, "delivered": 1003, "undelivered": 2, "dead": 4, "unknown": 2}
    out = line.texts(numbers)
    assert set(out.values()) == {1}
    assert len(out) == 1007
    assert 500 in {int(count) for count in line.sandbox.stats(log=False)["numbers_per_call"]}
    assert all(
        row["serial"].endswith(row["phone"][1:]) for row in line.client.results(job) if row["state"] == "delivered"
    )


def test_opted_out_is_never_texted_again(line: Line) -> None:
    """Who is on the provider's STOP list is on ours from then on."""
    line.closed(line.campaign([33612360010]))

    assert line.closed(line.campaign([33612360010])) == {"total": 1, "suppressed": 1}
    assert line.texts([33612360010]) == {}


def test_lost_answer_is_found_by_tag(line: Line) -> None:
    """When an answer is lost, what went out is found by the call's tag; nothing is sent twice."""
    numbers = [33612370000 + place for place in range(1000, 1300)]
    before = line.sandbox.stats(log=False)["calls"]
    line.sandbox.control(faults=[{"kind": "lost", "action": "bulk-send", "times": 1}])

    counts = line.closed(line.campaign(numbers))

    stats = line.sandbox.stats(log=False)
    assert counts == {"total": 300, "delivered": 300}
    assert line.texts(numbers) == dict.fromkeys(numbers, 1)
    assert stats["faults"]["lost"] == 1
    assert stats["calls"]["bulk-send"] == before.get("bulk-send", 0) + 1
    assert stats["calls"]["bulk-status-by-tag"] > before.get("bulk-status-by-tag", 0)


def test_otp_with_a_lost_answer_is_sent_once(line: Line) -> None:
    """A one-time password that the provider lists is not sent again, though its answer was lost."""
    line.sandbox.control(faults=[{"kind": "lost", "action": "bulk-send", "times": 1}])

    job = line.client.send(to="+33612380042", template="welcome", params=["Zoé", "482913"], lane="otp", ttl_s=120)

    assert line.closed(job) == {"total": 1, "delivered": 1}
    assert line.texts([33612380042]) == {33612380042: 1}


def test_call_that_never_was_carried_out(line: Line) -> None:
    """An otp whose call broke before the provider acted is sent once more.

    Its tag is not known there.
    """
    line.sandbox.control(faults=[{"kind": "reset", "action": "bulk-send", "times": 1}])

    job = line.client.send(to="+33612380043", template="welcome", params=["Zoé", "482913"], lane="otp", ttl_s=120)

    assert line.closed(job) == {"total": 1, "delivered": 1}
    assert line.texts([33612380043]) == {33612380043: 1}


def test_credit_is_shown(line: Line) -> None:
    """What is left at the provider is part of the account's health soon after the start."""

    def known() -> object:
        (health,) = admin_of(line.client).accounts()
        return health["credit"]

    assert wait_until(known, what="the account's credit")


def test_nothing_secret_is_logged(line: Line) -> None:
    """After all of this, at the most talkative level, the log holds no secret.

    That is: no key, no text, no code and no full number.
    """
    told = line.log.read_text()

    assert "attempt " in told
    assert not [secret for secret in (API_KEY, "Bienvenue", "482913", "client 1", "3361238004") if secret in told]
