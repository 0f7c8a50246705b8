"""The sandbox's SMSPartner.

What it refuses, what each number meets, and how each call spells its answer.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from worker.sandbox.background import Background
from worker.sandbox.flags import Flags, SandboxAccount
from worker.sandbox.smspartner.send import parts_of

KEY = "sandbox-key"
NUMBER = "+33612345678"
USUAL: dict[str, Any] = {"apiKey": KEY, "SMSList": [{"phoneNumber": NUMBER, "message": "Bonjour"}]}


@pytest.fixture(scope="module")
def served() -> Iterator[Background]:
    """A sandbox for all tests of this file."""
    with Background(Flags()) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(served: Background) -> Background:
    """The same, empty."""
    served.reset()
    return served


def post(sandbox: Background, action: str, body: object, *, raw: bytes | None = None) -> httpx.Response:
    """A POST of JSON."""
    url = f"{sandbox.url}/v1/{action}"
    return httpx.post(url, content=raw, trust_env=False) if raw else httpx.post(url, json=body, trust_env=False)


def get(sandbox: Background, action: str, **params: object) -> Any:
    """The answer to a GET with the key."""
    url, query = f"{sandbox.url}/v1/{action}", {"apiKey": KEY, **{name: str(value) for name, value in params.items()}}
    return httpx.get(url, params=query, trust_env=False).json()


def send(sandbox: Background, *numbers: str, **fields: object) -> Any:
    """The answer to a bulk-send to these numbers."""
    texts = [{"phoneNumber": number, "message": "Bonjour"} for number in numbers or (NUMBER,)]
    return post(sandbox, "bulk-send", {"apiKey": KEY, "SMSList": texts, **fields}).json()


def at(delay: timedelta) -> dict[str, object]:
    """The fields of a schedule, on a step of five minutes, in UTC's date and hour.

    At most two hours before French time.
    """
    moment = datetime.now(UTC) + delay
    return {"scheduledDeliveryDate": moment.strftime("%d/%m/%Y"), "time": moment.hour, "minute": moment.minute // 5 * 5}


REFUSED: dict[str, tuple[dict[str, Any], int, str]] = {
    "no key": ({"apiKey": None}, 1, ""),
    "wrong key": ({"apiKey": "other"}, 10, ""),
    "no list": ({"SMSList": None}, 2, ""),
    "empty list": ({"SMSList": []}, 55, ""),
    "501 numbers": (
        {"SMSList": [{"phoneNumber": f"+3361234{n:04}", "message": "x"} for n in range(1000, 1501)]},
        50,
        "",
    ),
    "no message": ({"SMSList": [{"phoneNumber": NUMBER}]}, 9, "message"),
    "no number": ({"SMSList": [{"message": "x"}]}, 9, "phoneNumber"),
    "bad number": ({"SMSList": [{"phoneNumber": "922264", "message": "x"}]}, 9, "phoneNumber"),
    "steered bad number": ({"SMSList": [{"phoneNumber": "+33612340001", "message": "x"}]}, 9, "phoneNumber"),
    "short sender": ({"sender": "AB"}, 9, "sender"),
    "long sender": ({"sender": "TwelveLetter"}, 9, "sender"),
    "odd sender": ({"sender": "Été+"}, 44, ""),
    "long tag": ({"tag": "a" * 21}, 9, "tag"),
    "upper-case tag": ({"tag": "Tag"}, 9, "tag"),
    "tag with a blank": ({"tag": "a b"}, 9, "tag"),
    "range": ({"range": 1}, 9, "range"),
    "gamme 3": ({"gamme": 3}, 9, "gamme"),
    "stop 2": ({"isStopSms": 2}, 9, "isStopSms"),
    "long low-cost text": ({"gamme": 2, "SMSList": [{"phoneNumber": NUMBER, "message": "x" * 161}]}, 42, ""),
    "eleven parts": ({"SMSList": [{"phoneNumber": NUMBER, "message": "x" * (153 * 10 + 1)}]}, 52, ""),
    "past date": ({"scheduledDeliveryDate": "21/10/2014", "time": 9, "minute": 0}, 49, ""),
    "bad date": ({"scheduledDeliveryDate": "2014-10-21", "time": 9, "minute": 0}, 49, ""),
    "no hour": ({"scheduledDeliveryDate": "21/10/2044", "minute": 0}, 46, ""),
    "no minute": ({"scheduledDeliveryDate": "21/10/2044", "time": 9}, 47, ""),
    "odd minute": ({"scheduledDeliveryDate": "21/10/2044", "time": 9, "minute": 7}, 48, ""),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_send(sandbox: Background, name: str) -> None:
    """What the documents forbid is refused as a whole with HTTP 400 and the code.

    9 names the field. Nothing goes out.
    """
    fields, code, element = REFUSED[name]
    given = {key: value for key, value in (USUAL | fields).items() if value is not None}

    response = post(sandbox, "bulk-send", given)

    body = response.json()
    assert (response.status_code, body["success"], body["code"]) == (400, False, code)
    assert [each["elementId"] for each in body.get("error", [])] == ([f"children[{element}].data"] if element else [])
    assert sandbox.stats()["messages"] == 0


def test_not_json(sandbox: Background) -> None:
    """Broken JSON is code 90; another method or path is no call at all."""
    assert post(sandbox, "bulk-send", None, raw=b'{"a": "').json()["code"] == 90
    assert httpx.get(f"{sandbox.url}/v1/bulk-send", trust_env=False).status_code == 404
    assert post(sandbox, "nonsense", USUAL).status_code == 404


def test_accepted(sandbox: Background) -> None:
    """An accepted call has an id, a price, and a row for each number with its own code."""
    body = send(sandbox, NUMBER, "0612340002", "33612340010", NUMBER)

    rows = {(row["phoneNumber"], row["code"]) for row in body["SMSResponse_List"]}
    assert (body["success"], body["code"], body["nbSMS"], body["currency"]) == (True, 200, 2, "EUR")
    assert isinstance(body["message_id"], int)
    assert rows == {(NUMBER, 200), ("+33612340002", 200), ("+33612340010", 14), (NUMBER, 15)}
    assert sandbox.stats()["numbers"] == {NUMBER: 1, "+33612340002": 1}


@pytest.mark.parametrize(
    ("suffix", "codes", "status"),
    [
        ("0002", [200], "Not delivered"),
        ("0003", [200], "KO"),
        ("0005", [500], "Delivered"),
        ("0006", [200], "Waiting"),
        ("0009", [52], None),
        ("0010", [14], None),
        ("0012", [500], None),
        ("0013", [], "Delivered"),
        ("0015", [200], "Lost in space"),
        ("0016", [200], "delivered"),
        ("0017", [13], None),
        ("0018", [777], None),
        ("0020", [], None),
        ("1234", [200], "Delivered"),
    ],
)
def test_steering(sandbox: Background, suffix: str, codes: list[int], status: str | None) -> None:
    """The last four digits decide the answer, whether the message goes out, and its receipt."""
    number = f"+3361234{suffix}"

    body = send(sandbox, number, tag="mytag")

    assert [row["code"] for row in body["SMSResponse_List"]] == codes
    assert sandbox.stats()["messages"] == (status is not None)
    found = get(sandbox, "bulk-status-by-tag", tag="mytag")["StatutResponse_List"]
    assert [(row["phoneNumber"], row["status"]) for row in found] == ([(number, status)] if status else [])


def test_status_spellings(sandbox: Background) -> None:
    """Each status call spells the same facts its own way, as the documents' samples do."""
    message_id = send(sandbox, tag="t1")["message_id"]

    one = get(sandbox, "message-status", messageId=message_id, phoneNumber=NUMBER)
    assert (one["statut"], one["number"], one["messageId"]) == ("Delivered", NUMBER, str(message_id))
    datetime.strptime(one["date"], "%Y-%m-%d %H:%M:%S").astimezone(UTC)
    asked = [{"phoneNumber": NUMBER, "messageId": message_id}, {"phoneNumber": NUMBER, "messageId": 1}]
    known, unknown = sorted(
        post(sandbox, "multi-status", {"apiKey": KEY, "SMSStatut_List": asked}).json()["StatutResponse_List"],
        key=lambda row: -int(row["success"]),
    )
    assert (known["status"], known["messageId"], known["stopSms"]) == ("Delivered", message_id, "0")
    assert known["date"].isdigit()
    assert (unknown["code"], unknown["status"]) == (4, "Numéro introuvable")
    bulk = get(sandbox, "bulk-status", messageId=message_id)
    assert (bulk["message_id"], bulk["StatutResponse_List"][0]["stopSMS"]) == (str(message_id), False)
    tagged = get(sandbox, "bulk-status-by-tag", tag="t1")
    assert (tagged["currentPage"], tagged["total"], "message_id" in tagged) == (1, 1, False)


@pytest.mark.parametrize(
    ("action", "params", "code"),
    [
        ("message-status", {"messageId": 1, "phoneNumber": NUMBER}, 4),
        ("message-status", {"phoneNumber": NUMBER}, 3),
        ("message-status", {"messageId": 1}, 2),
        ("bulk-status", {}, 3),
        ("bulk-status", {"messageId": 1}, 4),
        ("bulk-status-by-tag", {}, 3),
        ("bulk-status-by-tag", {"tag": "none"}, 4),
        ("message-cancel", {}, 3),
        ("message-cancel", {"messageId": 1}, 4),
        ("me", {"apiKey": "other"}, 10),
    ],
)
def test_refused_question(sandbox: Background, action: str, params: dict[str, object], code: int) -> None:
    """A question about what is missing or not known is refused with the code of its table."""
    assert get(sandbox, action, **params)["code"] == code


@pytest.mark.parametrize(
    ("listed", "code"),
    [
        (None, 6),
        ([], 5),
        ([{"phoneNumber": NUMBER, "messageId": 1}] * 501, 50),
        ([{"phoneNumber": NUMBER}], 3),
        ([{"phoneNumber": "0612345678", "messageId": 1}], 2),
    ],
)
def test_refused_multi_status(sandbox: Background, listed: object, code: int) -> None:
    """So is a multi-status, which wants international numbers."""
    assert post(sandbox, "multi-status", {"apiKey": KEY, "SMSStatut_List": listed}).json()["code"] == code


def test_pages_of_a_tag(sandbox: Background) -> None:
    """A tag with many messages is told by the page."""
    send(sandbox, *[f"+3361234{number}" for number in range(1000, 1150)], tag="many")

    first, second = (get(sandbox, "bulk-status-by-tag", tag="many", page=page) for page in (1, 2))

    assert [len(page["StatutResponse_List"]) for page in (first, second)] == [100, 50]
    assert (second["currentPage"], second["total"]) == (2, 150)


def test_reports_take_their_time(sandbox: Background) -> None:
    """Until its report is due a message is waiting."""
    sandbox.control(receipt_delay_ms=60_000)

    message_id = send(sandbox)["message_id"]

    assert get(sandbox, "bulk-status", messageId=message_id)["StatutResponse_List"][0]["status"] == "Waiting"


def test_cancelling(sandbox: Background) -> None:
    """A scheduled call can be taken back, once, until five minutes before its time."""
    later = send(sandbox, **at(timedelta(days=2)))["message_id"]

    assert get(sandbox, "me")["credits"]["toSend"] == 1
    assert get(sandbox, "message-cancel", messageId=later)["success"]
    assert get(sandbox, "message-cancel", messageId=later)["code"] == 5
    assert get(sandbox, "message-cancel", messageId=send(sandbox)["message_id"])["code"] == 7
    assert get(sandbox, "me")["credits"]["toSend"] == 0


def test_provider_sandbox_mode(sandbox: Background) -> None:
    """SMSPartner's own sandbox parameter is answered, and nothing goes out."""
    assert post(sandbox, "bulk-send", USUAL | {"sandbox": 1}).json()["success"]
    assert sandbox.stats()["messages"] == 0


def test_account_and_checks(sandbox: Background) -> None:
    """Credit goes down with what is sent; STOP list and number checks have their own shapes."""
    before = float(get(sandbox, "me")["credits"]["balance"])
    send(sandbox, NUMBER, "+33612340010")

    assert float(get(sandbox, "me")["credits"]["balance"]) < before
    (stopped,) = get(sandbox, "stop-sms/list")["data"]
    assert stopped["phoneNumber"] == "+33612340010"
    looked = post(sandbox, "lookup", {"apiKey": KEY, "phoneNumbers": f"{NUMBER},12"}).json()["lookup"]
    assert [each["success"] for each in looked] == [True, False]
    checked = post(
        sandbox, "hlr/notify", {"apiKey": KEY, "phoneNumbers": NUMBER, "notifyUrl": "https://x.example"}
    ).json()
    assert checked["campaign_id"].startswith("HLR")
    assert post(sandbox, "lookup", {"apiKey": KEY, "phoneNumbers": f"{NUMBER};{NUMBER}"}).json()["code"] == 19


def test_rate(sandbox: Background) -> None:
    """More calls in a second than the limit allows are answered with HTTP 429."""
    sandbox.control(limits={"me": 1})
    query = {"apiKey": KEY}

    answers = [httpx.get(f"{sandbox.url}/v1/me", params=query, trust_env=False).status_code for _ in range(3)]

    assert 429 in answers


@pytest.mark.parametrize(
    ("flags", "code"),
    [({"account_codes": {"smspartner": "11"}}, 11), ({"sign_codes": {"ACME": "992"}}, 992)],
)
def test_told_to_refuse(sandbox: Background, flags: dict[str, object], code: int) -> None:
    """The account, or one sender, can be refused on purpose."""
    sandbox.control(**flags)

    assert send(sandbox, sender="ACME")["code"] == code
    assert sandbox.stats()["messages"] == 0


def test_faults(sandbox: Background) -> None:
    """The faults of the sandbox strike here too."""
    sandbox.control(faults=[{"kind": "lost", "action": "bulk-send", "times": 1}])

    with pytest.raises(httpx.RemoteProtocolError):
        send(sandbox, tag="lost")
    assert get(sandbox, "bulk-status-by-tag", tag="lost")["total"] == 1
    sandbox.control(faults=[{"kind": "error", "code": "500", "times": 1}])
    assert send(sandbox)["code"] == 500


def test_a_reset_forgets(sandbox: Background) -> None:
    """After a reset no call is known any more."""
    send(sandbox, tag="gone")

    sandbox.reset()

    assert get(sandbox, "bulk-status-by-tag", tag="gone")["code"] == 4


def test_other_accounts() -> None:
    """The API key is an account's secret key; with any_credentials every key is one."""
    with (
        Background(Flags(accounts=(SandboxAccount(secret_key="mine"),))) as strict,
        Background(Flags(any_credentials=True)) as any_,
    ):
        assert get(strict, "me")["code"] == 10
        assert get(strict, "me", apiKey="mine")["success"]
        assert get(any_, "me", apiKey="whatever")["success"]


@pytest.mark.parametrize(
    ("message", "unicode", "parts"),
    [
        ("x" * 160, False, 1),
        ("x" * 161, False, 2),
        ("x" * 306, False, 2),
        ("x" * 307, False, 3),
        (":br:" * 80, False, 1),
        ("x" * 70, True, 1),
        ("x" * 71, True, 2),
    ],
)
def test_parts(message: str, unicode: bool, parts: int) -> None:
    """160 characters in one part and 153 in each of several, 70 with Unicode.

    A line break counts two.
    """
    assert parts_of(message, unicode=unicode) == parts
