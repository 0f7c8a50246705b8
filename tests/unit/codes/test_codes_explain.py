"""`explain`: whatever a person types or pastes, every reading of it, best first."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smsline.codes import close_codes, explain, lookup, providers, rows
from smsline.codes.spellings import plain

NINES = (
    "send",
    "cancel",
    "status",
    "subaccount_create",
    "subaccount_credit",
    "location",
    "mail",
    "hlr_status",
    "hlr_error",
)
"""SMSPartner's endpoints that have a 9."""


def readings(code: str, provider: str | None = None) -> list[str]:
    """Every reading as `namespace/code`, with the provider where it is not Tencent."""
    shown = []
    for match in explain(code, provider):
        row = match.row
        shown.append(f"{'' if row.provider == 'tencent' else row.provider + '/'}{row.namespace}/{row.code}")
    return shown


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("InternalError.Timeout", ["api/InternalError.Timeout", "legacy/1008", "legacy/60008"]),
        ("60008", ["legacy/60008", "api/InternalError.SendAndRecvFail", "api/InternalError.Timeout"]),
        ("1008", ["legacy/1008", "api/InternalError.Timeout"]),
        ("1014", ["legacy/1014", "api/FailedOperation.TemplateIncorrectOrUnapproved"]),
        ("InternalServerError", ["api/InternalServerError", "api/InternalError"]),
        (
            "UnsupportedOperation.",
            [
                "api/UnsupportedOperation.",
                "api/UnsupportedOperation",
                "alibaba/gateway/UnsupportedOperation",
                "legacy/1030",
            ],
        ),
        (
            "SdkAppIdIsDisabled",
            [
                "api/UnauthorizedOperation.SdkAppIdIsDisabled",
                "api/UnauthorizedOperation.SdkAppIdsDisabled",
            ],
        ),
        ("notfound", ["alibaba/gateway/InvalidAction.NotFound", "alibaba/gateway/InvalidAccessKeyId.NotFound"]),
        ("PHONENUMBERINBLACKLIST", ["api/FailedOperation.PhoneNumberInBlacklist", "legacy/1015"]),
        ("isv.MOBILE_NUMBER_ILLEGAL", ["alibaba/api/MOBILE_NUMBER_ILLEGAL"]),
        ("isp.MOBILE_NUMBER_ILLEGAL", ["alibaba/api/MOBILE_NUMBER_ILLEGAL"]),
        (' "isv.mobile_number_illegal." ', ["alibaba/api/MOBILE_NUMBER_ILLEGAL"]),
        ("Invalid_SenderId", ["alibaba/api/INVALID_SENDERID", "alibaba/receipt/INVALID_SENDERID"]),
        (
            "expired",
            ["alibaba/receipt/expired", "receipt/EXPIRED", "alibaba/smpp/EXPIRED", "smspartner/sms_status/EXPIRED"],
        ),
        ("0.089583", ["receipt/0.089583"]),
        ("2:9", ["receipt/0.089583"]),
        ("0.0895833333", ["receipt/0.089583"]),
        ("0.209722", ["receipt/0.209722", "receipt/2:182"]),
        ("0.0902778", ["receipt/2:10"]),
        ("43497", ["receipt/43497"]),
        ("2-1", ["receipt/43497"]),
        ("24504", ["receipt/2-67", "receipt/43497"]),
        ("MI:4711", ["receipt/MI:XXXX"]),
        ("13-19", ["receipt/13-19"]),
        ("113", ["receipt/112-116"]),
        ("DB:0140", ["receipt/DB:0140", "receipt/DB:0140"]),
        ("508/509", ["smspartner/hlr_error/508", "smspartner/hlr_error/509"]),
        ("508 | 509", ["smspartner/hlr_error/508", "smspartner/hlr_error/509"]),
        ("2053", ["smspartner/hlr_error/2053", "smspartner/hlr_error/2053"]),
        ("EC_SOURCE_ADDRESS_BLACKLISTED", ["smspartner/hlr_error/2053"]),
        ("not delivered", ["smspartner/dlr/not delivered"]),
        ("httpx.ReadTimeout", ["smsline/local/http.ReadTimeout"]),
        ("ConnectError", ["smsline/local/http.ConnectError"]),
        ("HTTP 429", ["smspartner/any/HTTP 429", "smsline/local/http.429"]),
        ("http 503", ["smspartner/any/HTTP 5xx / timeout", "smsline/local/http.5xx"]),
        ("LimitExceeded.Brandnew", ["api/LimitExceeded.*"]),
        ("LimitExceeded.PhoneNumberBrandnew", ["api/LimitExceeded.PhoneNumber*"]),
        ("no such thing", []),
        ("", []),
        ("   ", []),
        ("x" * 10_000, []),
    ],
)
def test_a_code_is_recognised_in_any_spelling(typed: str, expected: list[str]) -> None:
    """Nothing more and nothing less, the likeliest first."""
    assert readings(typed) == expected


SPELT = [
    ("\u3000mk\uff1a\uff10\uff10\uff10\uff11\u200b", "receipt/MK:0001"),
    ("MK 0001", "receipt/MK:0001"),
    ("mk-0001", "receipt/MK:0001"),
    ("mk0001", "receipt/MK:0001"),
    ("MK:001", "receipt/MK:0001"),
    ("ID : 0012", "receipt/ID:0012"),
    ("MI:0052.", "receipt/MI:0052"),
    ("mi 4711", "receipt/MI:XXXX"),
    ("\u2212106", "receipt/-106"),
    ("-9,990", "receipt/-9990"),
    ("ERR 13", "receipt/ERR:13"),
    ("BWLIST-006", "receipt/BWLIST_006"),
    ("bst\u2013209", "receipt/BST-209"),
    ("202", "receipt/00202"),
    ("1016.0", "legacy/1016"),
    ("1,016", "legacy/1016"),
    ("01016", "legacy/1016"),
    ("+1016", "legacy/1016"),
    ("#1016", "legacy/1016"),
    ("Error 1016", "legacy/1016"),
    ("error1016", "legacy/1016"),
    ("code: 1016.", "legacy/1016"),
    ("错误码\uff1a1016", "legacy/1016"),
    ("【InvalidAction】", "api/InvalidAction"),
    ("failed operation / contain sensitive word", "api/FailedOperation.ContainSensitiveWord"),
    ("FailedOperation。ContainSensitiveWord", "api/FailedOperation.ContainSensitiveWord"),
    ("contain_sensitive_word", "api/FailedOperation.ContainSensitiveWord"),
    (
        '{"Response":{"Error":{"Code":"FailedOperation.ContainSensitiveWord","Message":"x"}}}',
        "api/FailedOperation.ContainSensitiveWord",
    ),
    ("code:LimitExceeded.Brandnew message:x", "api/LimitExceeded.*"),
    ("ISV.OUT-OF-SERVICE", "alibaba/api/OUT_OF_SERVICE"),
    ("isv:out of service", "alibaba/api/OUT_OF_SERVICE"),
    ("isp system_error", "alibaba/api/SYSTEM_ERROR"),
    ('"Code": "isv.OUT_OF_SERVICE",', "alibaba/api/OUT_OF_SERVICE"),
    ("ErrorCode=out_of_service", "alibaba/api/OUT_OF_SERVICE"),
    ("Not-Delivered", "smspartner/dlr/not delivered"),
    ("code: 2053", "smspartner/hlr_error/2053"),
    ("(404)", "smsline/local/http.4xx"),
]
"""As people paste codes: out of logs, answers, spreadsheets and chats."""


@pytest.mark.parametrize(("typed", "meant"), SPELT)
def test_a_code_is_found_however_it_was_pasted(typed: str, meant: str) -> None:
    """Signs of other keyboards, separators, labels, brackets and zeros do not hide it."""
    assert meant in readings(typed)


@pytest.mark.parametrize(("typed", "meant"), SPELT)
def test_the_engine_is_not_as_patient(typed: str, meant: str) -> None:
    """A provider writes its codes to the letter: another spelling on the wire is another code."""
    *provider, namespace, code = meant.split("/")

    assert (
        lookup("".join(provider) or "tencent", namespace, typed).how not in {"exact", "alias"} or plain(typed) == code
    )


@pytest.mark.parametrize(
    ("typed", "first"),
    [("MB1013", "MB:1013"), ("MK:8", "MK:8"), ("DB:00141", "DB00141"), ("MI:52", "MI:XXXX"), ("24", "24")],
)
def test_what_is_written_goes_before_what_may_be_meant(typed: str, first: str) -> None:
    """A row of just this spelling, or a wildcard that covers it, is what the engine takes."""
    assert explain(typed, "tencent")[0].row.code == first


def test_a_number_that_means_something_else_at_each_endpoint_is_shown_for_each() -> None:
    """SMSPartner's 9, and the carriers' 9 before it."""
    assert readings("9") == [
        "receipt/9",
        *(f"smspartner/{endpoint}/9" for endpoint in NINES),
    ]


@pytest.mark.parametrize(
    ("number", "codes"),
    [
        ("21", {"SYSTEM_ERROR"}),
        ("25", {"FORBIDDEN_ACTION", "INVALID_SENDERID"}),
        ("26", {"FORBIDDEN_ACTION", "NOT_SUPPORTED_COUNTRY"}),
        ("46", {"SYSTEM_ERROR", "DATA_NOT_EXIST"}),
        ("83", {"FREQUENCY_LIMIT_DAY"}),
        ("203", {"INVALID_SENDERID"}),
    ],
)
def test_a_number_that_alibaba_gave_twice_shows_both_codes(number: str, codes: set[str]) -> None:
    """The numbers moved from edition to edition, so they are shown and never taken for a key."""
    assert {match.row.code for match in explain(number, "alibaba")} == codes


def test_ones_own_range_and_another_carriers_code_are_both_shown() -> None:
    """A receipt does not say which carrier it came from."""
    assert readings("13", "tencent") == ["receipt/13", "receipt/13-19"]


def test_the_row_that_does_not_condemn_comes_first() -> None:
    """As `lookup` chooses."""
    assert [match.row.verdict for match in explain("DB:0140")] == ["retry", "dead"]


def test_a_provider_narrows_the_readings() -> None:
    """To its own and smsline's."""
    assert readings("InternalError", "alibaba") == ["alibaba/gateway/InternalError"]
    assert readings("http.ReadTimeout", "alibaba") == ["smsline/local/http.ReadTimeout"]
    assert readings("InternalError", "nobody") == []


def test_how_it_was_found_is_told() -> None:
    """Exact, alias, range, wildcard, family."""
    typed = ["InternalError", "isv.OUT_OF_SERVICE", "113", "MI:4711", "LimitExceeded.Brandnew"]

    assert [explain(code)[0].how for code in typed] == ["exact", "alias", "range", "wildcard", "family"]


def test_every_listed_code_is_its_own_first_reading() -> None:
    """Within its provider; where several rows have the same spelling, one of them."""
    for row in rows():
        first = explain(row.code, row.provider)[0]
        assert (first.how, first.row.code) == ("exact", row.code)


@settings(max_examples=40, deadline=None)
@given(
    st.one_of(st.text(max_size=60), st.floats(0, 1).map(str), st.integers(0, 10**6).map(str)),
    st.sampled_from([None, *providers()]),
)
def test_any_text_is_explained_without_repeats(code: str, provider: str | None) -> None:
    """Nothing raises, and no row is shown twice."""
    found = [id(match.row) for match in explain(code, provider)]

    assert len(found) == len(set(found))


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("FailedOperation.SignatureIncorectOrUnaproved", "FailedOperation.SignatureIncorrectOrUnapproved"),
        ("failedoperation.phonenumberinblaklist", "FailedOperation.PhoneNumberInBlacklist"),
        ("AMOUNT_NOT_ENOGH", "AMOUNT_NOT_ENOUGH"),
    ],
)
def test_a_misspelt_code_has_neighbours(typed: str, meant: str) -> None:
    """For a "did you mean"."""
    assert close_codes(typed)[0] == meant


def test_a_code_like_no_other_has_no_neighbours() -> None:
    """A suggestion that does not help is not made."""
    assert close_codes("zzzzzzzz") == []
