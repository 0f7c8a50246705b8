"""What the sandbox's Alibaba wire sends, refuses and tells afterwards."""

import json
from typing import Any

import pytest

from smsline.codes import lookup
from smsline.verdicts import Verdict
from tests.unit.providers.alibaba.sandbox import PLAIN, Wire, acs3, number, today
from worker.sandbox.flags import Flags, SandboxTemplate


def test_send_sms() -> None:
    """One BizId for all numbers; each number's row has it to be asked by, and the OutId."""
    wire = Wire()
    answer = wire.send(PLAIN, "+8613711113333", "6591234567")

    assert (answer["Code"], answer["Message"]) == ("OK", "OK")
    assert {
        row["PhoneNum"] for one in (PLAIN, "13711113333", "6591234567") for row in wire.rows(one, BizId=answer["BizId"])
    } == {
        PLAIN,
        "13711113333",
        "6591234567",
    }
    (row,) = wire.rows(PLAIN)
    assert (row["SendStatus"], row["ErrCode"], row["OutId"], row["TemplateCode"]) == (
        3,
        "DELIVERED",
        "b7.1",
        "SMS_1234",
    )
    assert row["Content"] == "【Acme】482913"
    assert row["ReceiveDate"][:4].isdigit()


def test_a_refusal_has_no_biz_id() -> None:
    """As the real one's."""
    answer = Wire().send("12345")

    assert answer.keys() == {"Code", "Message", "RequestId"}
    assert answer["Code"] == "isv.MOBILE_NUMBER_ILLEGAL"


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"PhoneNumbers": ",".join(number("9999", place) for place in range(1001))}, "isv.MOBILE_COUNT_OVER_LIMIT"),
        ({"PhoneNumbers": "137"}, "isv.MOBILE_NUMBER_ILLEGAL"),
        ({"PhoneNumbers": "+6591234567"}, "isv.MOBILE_NUMBER_ILLEGAL"),
        ({"PhoneNumbers": f"{PLAIN},"}, "isv.MOBILE_NUMBER_ILLEGAL"),
        ({"TemplateCode": "1234"}, "isv.SMS_CONTENT_CODE_ILLEGAL"),
        ({"TemplateParam": "482913"}, "isv.INVALID_JSON_PARAM"),
        ({"TemplateParam": '{"code":482913}'}, "isv.INVALID_JSON_PARAM"),
        ({"TemplateParam": '["482913"]'}, "isv.INVALID_JSON_PARAM"),
        ({"TemplateParam": json.dumps({"code": "x" * 201})}, "isv.PARAM_LENGTH_LIMIT"),
        ({"OutId": "x" * 256}, "isv.INVALID_PARAMETERS"),
    ],
)
def test_bad_sends(params: dict[str, str], code: str) -> None:
    """Each is refused as a whole with its code, which our tables know, and nothing goes out."""
    wire = Wire()

    assert wire.send(**{"PhoneNumbers": PLAIN, **params})["Code"] == code
    assert len(wire.sandbox.world.numbers) == 0
    assert lookup("alibaba", "api", code).how in {"exact", "alias"}


def test_a_thousand_numbers() -> None:
    """Are taken in one call."""
    wire = Wire(Flags(steering=False))

    assert wire.send(*[number("9999", place) for place in range(1000)])["Code"] == "OK"
    assert len(wire.sandbox.world.numbers) == 1000


def test_flags_of_the_account() -> None:
    """The account, a signature, a template can be refused on purpose.

    What is approved can be listed.
    """
    assert Wire(Flags(account_codes={"*": "isv.AMOUNT_NOT_ENOUGH"})).send(PLAIN)["Code"] == "isv.AMOUNT_NOT_ENOUGH"
    assert Wire(Flags(account_codes={"sandbox-id": "X"})).globe()["ResponseCode"] == "X"
    assert Wire(Flags(sign_codes={"Acme": "X"})).send(PLAIN)["Code"] == "X"
    assert Wire(Flags(template_codes={"SMS_1234": "X"})).send(PLAIN)["Code"] == "X"
    assert Wire(Flags(signs=("Other",))).send(PLAIN)["Code"] == "isv.SMS_SIGN_NAME_ILLEGAL"
    assert Wire(Flags(templates={"SMS_9": SandboxTemplate()})).send(PLAIN)["Code"] == "isv.SMS_CONTENT_CODE_ILLEGAL"
    listed = {"SMS_1234": SandboxTemplate(params=2)}
    assert Wire(Flags(templates=listed)).send(PLAIN)["Code"] == "isv.TEMPLATE_MISSING_PARAMETERS"


def batch(**changes: Any) -> dict[str, str]:
    """The form of a SendBatchSms to two numbers, some fields replaced (None: left out)."""
    form = {
        "PhoneNumberJson": [PLAIN, "13711113333"],
        "SignNameJson": ["Acme", "Other"],
        "TemplateParamJson": [{"code": "1"}, {"code": "2"}],
        **changes,
    }
    return {name: json.dumps(value) for name, value in form.items() if value is not None}


def test_send_batch_sms() -> None:
    """Each number has its own signature and values, and all have one BizId."""
    wire = Wire()
    answer = wire.ask("SendBatchSms", {"TemplateCode": "SMS_1", "OutId": "b7.1"}, batch())

    texts = [wire.rows(one, BizId=answer["BizId"])[0]["Content"] for one in (PLAIN, "13711113333")]
    assert texts == ["【Acme】1", "【Other】2"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"TemplateParamJson": None}, "OK"),
        ({"PhoneNumberJson": [number("9999", place) for place in range(101)]}, "isv.MOBILE_COUNT_OVER_LIMIT"),
        ({"PhoneNumberJson": "x"}, "isv.INVALID_JSON_PARAM"),
        ({"PhoneNumberJson": []}, "isv.INVALID_JSON_PARAM"),
        ({"SignNameJson": ["Acme"]}, "isv.INVALID_PARAMETERS"),
        ({"TemplateParamJson": [{"code": "1"}]}, "isv.INVALID_PARAMETERS"),
        ({"TemplateParamJson": [{"code": "1"}, {"code": 2}]}, "isv.INVALID_JSON_PARAM"),
        ({"TemplateParamJson": {"code": "1"}}, "isv.INVALID_JSON_PARAM"),
    ],
)
def test_batches(changes: dict[str, Any], code: str) -> None:
    """The arrays must be JSON, of one length, and no longer than 100."""
    assert Wire().ask("SendBatchSms", {"TemplateCode": "SMS_1"}, batch(**changes))["Code"] == code


FATES = [
    ("0001", "isv.MOBILE_NUMBER_ILLEGAL", "MOBILE_NUMBER_ILLEGAL", False, Verdict.DEAD),
    ("0005", "isp.SYSTEM_ERROR", "SYSTEM_ERROR", True, Verdict.UNSURE),
    ("0009", "isv.SMS_CONTENT_ILLEGAL", "SMS_CONTENT_ILLEGAL", False, Verdict.DEAD),
    ("0011", "isv.BUSINESS_LIMIT_CONTROL", "FREQUENCY_LIMIT_DAY", False, Verdict.THROTTLE),
    ("0012", "isp.SYSTEM_ERROR", "SYSTEM_ERROR", False, Verdict.UNSURE),
    ("0017", "isv.NOT_SUPPORTED_COUNTRY", "NOT_SUPPORTED_COUNTRY", False, Verdict.REROUTE),
    ("0018", "isv.NOT_IN_ANY_TABLE", "NOT_IN_ANY_TABLE", False, Verdict.UNSURE),
]


@pytest.mark.parametrize(("suffix", "mainland", "abroad", "sent", "verdict"), FATES)
def test_refusing_fates(suffix: str, mainland: str, abroad: str, sent: bool, verdict: Verdict) -> None:
    """The last four digits decide.

    Each site words it in its way, and the tables judge both alike.
    """
    wire = Wire()

    assert wire.send(PLAIN, number(suffix))["Code"] == mainland
    assert len(wire.sandbox.world.numbers) == (2 if sent else 0)
    assert wire.globe(f"659123{suffix}")["ResponseCode"] == abroad
    assert {lookup("alibaba", "api", code).row.verdict for code in (mainland, abroad)} == {verdict}


def test_a_cap_that_ends() -> None:
    """Refused at the first try with the window in the text, taken at the second."""
    wire = Wire()

    first, second = wire.send(number("0004")), wire.send(number("0004"))

    assert (first["Code"], first["Message"]) == ("isv.BUSINESS_LIMIT_CONTROL", "触发分钟级流控Permits:1")
    assert second["Code"] == "OK"


@pytest.mark.parametrize(
    ("suffix", "status", "code"),
    [
        ("0002", 2, "INVALID_NUM"),
        ("0003", 2, "PHONE_NOT_AVAILABLE"),
        ("0006", 1, None),
        ("0010", 2, "RECEIVER_BLACKLIST"),
        ("0014", 2, "IN_SMS_CONTENT"),
        ("0015", 2, "ZZ_9999"),
        ("0016", 3, "ZZ_0000"),
        ("9999", 3, "DELIVERED"),
    ],
)
def test_receipts(suffix: str, status: int, code: str | None) -> None:
    """Each site tells the same fate with its own number: 1, 2, 3 here are 3, 2, 1 there."""
    wire = Wire()
    wire.send(number(suffix))
    (row,) = wire.rows(number(suffix))
    told = wire.message(wire.globe(f"659123{suffix}")["MessageId"])

    assert (row["SendStatus"], row.get("ErrCode")) == (status, code)
    assert (told["Status"], told.get("ErrorCode")) == ({1: "3", 2: "2", 3: "1"}[status], code)


def test_a_receipt_takes_its_time() -> None:
    """Until it is there the message is waiting, or sending."""
    wire = Wire(Flags(receipt_delay_ms=60_000))
    wire.send(PLAIN)

    assert wire.rows(PLAIN)[0]["SendStatus"] == 1
    assert wire.message(wire.globe()["MessageId"])["Status"] == "3"


def test_details_are_of_one_day_key_and_send() -> None:
    """Another day, another key or another BizId sees nothing.

    The newest comes first, page by page.
    """
    wire = Wire(Flags(any_credentials=True))
    sends = [wire.send(PLAIN, OutId=f"b{place}")["BizId"] for place in range(3)]

    assert [row["OutId"] for row in wire.rows(PLAIN)] == ["b2", "b1", "b0"]
    assert [row["OutId"] for row in wire.rows(PLAIN, BizId=sends[1])] == ["b1"]
    assert [row["OutId"] for row in wire.rows(PLAIN, PageSize="2", CurrentPage="2")] == ["b0"]
    assert wire.details(PLAIN)["TotalCount"] == "3"
    assert wire.rows(PLAIN, SendDate=today(1)) == []
    assert wire.rows(PLAIN, BizId="other") == []
    asked = {"PhoneNumber": PLAIN, "SendDate": today(), "PageSize": "10", "CurrentPage": "1"}
    other = json.loads(wire.reply(acs3("QuerySendDetails", asked, key="other")).body)
    assert other["TotalCount"] == "0"


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"SendDate": today(30)}, "OK"),
        ({"SendDate": today(32)}, "isv.QUERY_DATE_ILLEGAL"),
        ({"SendDate": today(-2)}, "isv.QUERY_DATE_ILLEGAL"),
        ({"SendDate": "2026-01-01"}, "isv.QUERY_DATE_ILLEGAL"),
        ({"SendDate": "202601"}, "isv.QUERY_DATE_ILLEGAL"),
        ({"PageSize": "51"}, "isv.INVALID_PARAMETERS"),
        ({"PageSize": "0"}, "isv.INVALID_PARAMETERS"),
        ({"CurrentPage": "x"}, "isv.INVALID_PARAMETERS"),
        ({"PhoneNumber": "137"}, "isv.MOBILE_NUMBER_ILLEGAL"),
    ],
)
def test_bad_queries(params: dict[str, str], code: str) -> None:
    """30 days back, 50 rows a page."""
    assert Wire().details(PLAIN, **params)["Code"] == code


def test_message_to_globe() -> None:
    """A MessageId, and how many parts it takes."""
    answer = Wire().globe(Message="x" * 71)

    assert answer["ResponseCode"] == "OK"
    assert (answer["To"], answer["From"], answer["Segments"]) == ("6591234567", "ACME", "2")
    assert answer["NumberDetail"]["Country"] == "SG"
    assert answer["MessageId"].isdigit()


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"to": "8613711112222"}, "COUNTRY_RESTRICTED"),
        ({"to": "+6591234567"}, "MOBILE_NUMBER_ILLEGAL"),
        ({"to": "91234"}, "MOBILE_NUMBER_ILLEGAL"),
        ({"From": "ACMEACMEACME"}, "INVALID_SENDERID"),
        ({"From": "1" * 16}, "INVALID_SENDERID"),
        ({"From": "1" * 15}, "OK"),
        ({"From": ""}, "OK"),
        ({"TaskId": "x" * 256}, "INVALID_PARAMETERS"),
        ({"Type": "SPAM"}, "INVALID_PARAMETERS"),
        ({"Type": "OTP", "ValidityPeriod": "600"}, "OK"),
        ({"ValidityPeriod": "soon"}, "INVALID_PARAMETERS"),
    ],
)
def test_globe_rules(params: dict[str, str], code: str) -> None:
    """Digits with a country code that is not China's, a short sender, a known type."""
    assert Wire().globe(**params)["ResponseCode"] == code


def test_batch_to_globe() -> None:
    """Ids and failures are two JSON texts that do not say which id is whose."""
    wire = Wire()
    to = json.dumps(["6591234567", "8613711112222", "85251234567"])
    answer = wire.ask("BatchSendMessageToGlobe", {"To": to, "Message": '["a","b","c"]', "From": "ACME"})

    assert (answer["SuccessCount"], json.loads(answer["FailedList"])) == ("2", ["8613711112222"])
    found = [wire.message(message_id)["To"] for message_id in json.loads(answer["MessageIdList"])]
    assert found == ["6591234567", "85251234567"]


@pytest.mark.parametrize(
    ("to", "texts", "code"),
    [
        (["6591234567"], ["a", "b"], "QUANTITY_INCONSISTENT"),
        (["6591234567"] * 1001, ["a"] * 1001, "MOBILE_COUNT_OVER_LIMIT"),
        ("6591234567", ["a"], "INVALID_JSON_PARAM"),
        (["6591234567"], "a", "INVALID_JSON_PARAM"),
    ],
)
def test_bad_batches_to_globe(to: object, texts: object, code: str) -> None:
    """Two JSON arrays of one length, 1,000 at most."""
    answer = Wire().ask("BatchSendMessageToGlobe", {"To": json.dumps(to), "Message": json.dumps(texts)})

    assert answer["ResponseCode"] == code


def test_template_to_the_mainland_from_abroad() -> None:
    """With country code and signature; other countries are not served that way."""
    wire = Wire()
    ordinary = {"To": "8613711112222", "From": "Acme", "TemplateCode": "SMS_1", "TemplateParam": '{"code":"1"}'}

    assert wire.message(wire.ask("SendMessageWithTemplate", ordinary)["MessageId"])["To"] == "8613711112222"
    for changes, code in [
        ({"To": "6591234567"}, "MOBILE_NUMBER_ILLEGAL"),
        ({"TemplateCode": "x"}, "SMS_CONTENT_CODE_ILLEGAL"),
        ({"TemplateParam": "x"}, "INVALID_JSON_PARAM"),
    ]:
        assert wire.ask("SendMessageWithTemplate", {**ordinary, **changes})["ResponseCode"] == code


def test_nobody_elses_messages() -> None:
    """An id that is not there, or another key's, does not exist (yet)."""
    wire = Wire(Flags(any_credentials=True))
    message_id = wire.globe()["MessageId"]

    assert wire.message("1")["ResponseCode"] == "DATA_NOT_EXIST"
    other = wire.reply(acs3("QueryMessage", {"MessageId": message_id}, key="other"))
    assert json.loads(other.body)["ResponseCode"] == "DATA_NOT_EXIST"


def test_a_reset_forgets() -> None:
    """Messages go with the world they were in."""
    wire = Wire()
    message_id = wire.globe()["MessageId"]

    wire.sandbox.reset()

    assert wire.message(message_id)["ResponseCode"] == "DATA_NOT_EXIST"
    assert wire.rows(PLAIN) == []


def test_statistics() -> None:
    """Messages, numbers per call and codes are counted as for every wire."""
    wire = Wire()
    wire.send(PLAIN, "13711113333")
    wire.send(number("0001"))
    wire.globe()
    found: dict[str, Any] = wire.sandbox.snapshot()

    assert found["messages"] == 3
    assert found["numbers_per_call"] == {2: 1, 1: 2}
    assert found["item_codes"] == {"OK": 3, "isv.MOBILE_NUMBER_ILLEGAL": 1}
