"""How the codes are judged: the rules of docs/codes/review.md, held against every row."""

import re
from pathlib import Path

import pytest

from smsline.codes import lookup, rows
from smsline.verdicts import Scope, Verdict
from tests.unit.codes.conftest import everything

ROOT = Path(__file__).parents[3]
SENDS = [row for row in rows() if row.kind == "send"]
GATEWAY_FAULTS = ["Timeout", "SendAndRecv", "OtherError", "UnknownError", "InternalServerError"]


@pytest.mark.parametrize("word", GATEWAY_FAULTS)
def test_a_fault_inside_the_provider_is_never_a_promise(word: str) -> None:
    """Nothing says that the message stayed behind, so nothing sends it again."""
    found = [row for row in SENDS if word in row.code and row.provider != "smsline" and "/" not in row.code]

    assert found
    assert {row.verdict for row in found} == {Verdict.UNSURE}


def test_only_certain_refusals_are_retried() -> None:
    """The whole list: each is a request that never left, or a refusal that names its ground."""
    assert {row.code for row in SENDS if row.verdict is Verdict.RETRY} == {
        "ResourceInUse",
        "ResourceInsufficient",
        "ResourceUnavailable",
        "ServiceUnavailable",
        "http.ConnectError",
        "http.ConnectTimeout",
        "http.PoolTimeout",
        "http.ProxyError",
        "http.CutOff",
        "http.Tls",
        "http.Closed",
        "http.NoTime",
        "worker.Late",
        # A timeout beside which neither a serial nor a fee stands, and a charge that
        # comes before the message.
        "InternalError.Timeout/untaken",
        "ONLINE_BILLING_FAILED",
    }


def test_httpx_draws_the_line_between_never_left_and_perhaps_there() -> None:
    """Connecting may be repeated, and what lacks its last byte; once all has gone it may not."""
    never_left = ["ConnectError", "ConnectTimeout", "PoolTimeout", "ProxyError", "CutOff"]
    perhaps = ["ReadTimeout", "WriteTimeout", "ReadError", "WriteError", "CloseError", "RemoteProtocolError"]

    assert {lookup("smsline", "local", f"http.{name}").row.verdict for name in never_left} == {Verdict.RETRY}
    assert {lookup("smsline", "local", f"http.{name}").row.verdict for name in perhaps} == {Verdict.UNSURE}


def test_every_code_that_our_own_parts_give_has_a_row() -> None:
    """Else what never left would be in doubt, and a person would read that no table knows it."""
    given = re.compile(r"""["']((?:account|ask|http|job|number|receipt|retries|unsure|worker)\.[A-Z][A-Za-z]+)["']""")
    parts = [path for folder in ("smsline", "worker", "tasks") for path in (ROOT / folder).rglob("*.py")]
    found = {code for path in parts for code in given.findall(path.read_text(encoding="utf-8"))}

    assert {"http.NotJson", "worker.Died"} <= found
    assert {code for code in found if lookup("smsline", "local", code).how != "exact"} == set()


@pytest.mark.parametrize("status", [500, 501, 502, 503, 504, 529, 599])
def test_a_5xx_may_have_been_carried_out(status: int) -> None:
    """Unsure for a send; a read asks again."""
    assert lookup("smsline", "local", f"http.{status}").row.verdict is Verdict.UNSURE
    assert lookup("smsline", "local", f"http.{status}", read=True).row.verdict is Verdict.RETRY


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        (400, "dead"),
        (401, "park"),
        (403, "park"),
        (404, "park"),
        (408, "unsure"),
        (413, "dead"),
        (422, "dead"),
        (429, "throttle"),
        (451, "park"),
    ],
)
def test_a_4xx_without_a_word_of_the_provider(status: int, verdict: str) -> None:
    """This request's own fault kills it; what meets all calls parks; a late request is in doubt."""
    assert lookup("smsline", "local", f"http.{status}").row.verdict == verdict


PER_NUMBER = [
    ("tencent", "api", "LimitExceeded.PhoneNumberThirtySecondLimit"),
    ("tencent", "api", "LimitExceeded.PhoneNumberOneHourLimit"),
    ("tencent", "api", "LimitExceeded.PhoneNumberDailyLimit"),
    ("tencent", "api", "LimitExceeded.DeliveryFrequencyLimit"),
    ("tencent", "api", "LimitExceeded.PhoneNumberNeverSeen"),
    ("tencent", "api", "LimitExceeded.AppCountryOrRegionDailyLimit"),
    ("tencent", "legacy", "1013"),
    ("tencent", "legacy", "1023"),
    ("tencent", "legacy", "1024"),
    ("tencent", "legacy", "1025"),
    ("alibaba", "api", "isv.BUSINESS_LIMIT_CONTROL"),
    ("alibaba", "api", "FREQUENCY_LIMIT_DAY"),
    ("alibaba", "api", "BUSINESS_LIMIT_MINUTE"),
    ("alibaba", "api", "COUNTRY_TRAFFIC_LIMIT"),
]


@pytest.mark.parametrize(("provider", "namespace", "code"), PER_NUMBER, ids=lambda value: value)
def test_a_cap_for_one_number_closes_no_bucket(provider: str, namespace: str, code: str) -> None:
    """Its scope is the recipient, it uses up no try, and no other provider is tried for it."""
    row = lookup(provider, namespace, code).row

    assert (row.verdict, row.scope, row.reroute_ok) == (Verdict.THROTTLE, Scope.RECIPIENT, False)


def test_a_cap_for_one_side_of_the_border_leaves_the_other_open() -> None:
    """A template belongs to one side, so the template waits."""
    for code in ("AppMainlandChinaDailyLimit", "AppGlobalDailyLimit", "DailyLimit"):
        assert lookup("tencent", "api", f"LimitExceeded.{code}").row.scope is Scope.TEMPLATE
    assert lookup("tencent", "api", "LimitExceeded.AppDailyLimit").row.scope is Scope.ACCOUNT


@pytest.mark.parametrize(
    "code",
    [
        "UnauthorizedOperation.ServiceSuspendDueToArrears",
        "UnauthorizedOperation.SdkAppIdIsDisabled",
        "InvalidParameterValue.SdkAppIdNotExist",
        "InvalidAction",
        "UnsupportedRegion",
    ],
)
def test_what_an_operator_mends_for_the_account_parks_the_account(code: str) -> None:
    """No recipient is burnt while the arrears, the application or the endpoint is put right."""
    row = lookup("tencent", "api", code).row

    assert (row.verdict, row.scope) == (Verdict.PARK, Scope.ACCOUNT)


@pytest.mark.parametrize(
    "code",
    [
        "FailedOperation.SignatureIncorrectOrUnapproved",
        "FailedOperation.TemplateIncorrectOrUnapproved",
        "FailedOperation.TemplateUnapprovedOrNotExist",
        "UnauthorizedOperation.IndividualUserMarketingSmsPermissionDeny",
    ],
)
def test_what_an_operator_mends_for_a_template_parks_the_template(code: str) -> None:
    """The account's other templates go on."""
    row = lookup("tencent", "api", code).row

    assert (row.verdict, row.scope) == (Verdict.PARK, Scope.TEMPLATE)


def test_refused_template_management_does_not_hold_sending() -> None:
    """A personal account may not manage templates, and sends all the same."""
    for name in ("NotEnterpriseCertification", "ForbidAddMarketingTemplates", "TemplateNumberLimit", "SignNumberLimit"):
        assert lookup("tencent", "api", f"FailedOperation.{name}").row.verdict is Verdict.DEAD


@pytest.mark.parametrize(
    ("provider", "namespace", "code"),
    [
        ("tencent", "api", "FailedOperation.PhoneNumberInBlacklist"),
        ("tencent", "api", "FailedOperation.ContainSensitiveWord"),
        ("tencent", "api", "FailedOperation.MarketingSendTimeConstraint"),
        ("tencent", "receipt", "DB:0139"),
        ("alibaba", "api", "SMS_SECURITY_INTERCEPTED"),
        ("smspartner", "send", "14"),
        ("smspartner", "send", "22"),
    ],
)
def test_no_other_provider_goes_round_a_control(provider: str, namespace: str, code: str) -> None:
    """Opt-outs, content refusals, quiet hours and country lists hold everywhere."""
    assert not lookup(provider, namespace, code).row.reroute_ok


def test_dead_content_and_dead_numbers_are_not_rerouted() -> None:
    """What is dead for its content or number is so for every provider, unless its table differs."""
    final = [
        row for row in everything() if row.verdict is Verdict.DEAD and row.scope in {Scope.CONTENT, Scope.RECIPIENT}
    ]

    assert {row.code for row in final if row.reroute_ok} <= {"71", "retries.UsedUp"}


def test_only_the_dead_are_permanent() -> None:
    """Everything else may be otherwise tomorrow."""
    assert {row.verdict for row in everything() if row.permanent} == {Verdict.DEAD}


def test_throttles_say_how_long() -> None:
    """A closed bucket with no time to open would stay closed."""
    assert all(row.delay_s is not None or row.until_window for row in everything() if row.verdict is Verdict.THROTTLE)


@pytest.mark.parametrize(
    ("code", "verdict", "scope"),
    [
        ("isv.SMS_SIGNATURE_ILLEGAL", "park", "template"),
        ("isv.SMS_TEMPLATE_ILLEGAL", "park", "template"),
        ("isv.SMS_SIGN_ILLEGAL", "park", "template"),
        ("SIGN_NAME_ILLEGAL", "park", "template"),
        ("SIGN_STATE_ILLEGAL", "park", "template"),
        ("SMS_SIGNATURE_SCENE_ILLEGAL", "park", "template"),
        ("isv.PRODUCT_UNSUBSCRIBE", "park", "account"),
        ("isv.DENY_IP_RANGE", "park", "process"),
        ("isv.CUSTOMER_REFUSED", "dead", "recipient"),
        ("TEMPLATE_PARAMS_ILLEGAL", "dead", "content"),
        ("PARAM_NOT_SUPPORT_URL", "dead", "content"),
        ("IncompleteSignature", "park", "process"),
        ("Forbidden", "park", "account"),
        ("Forbidden.AccessKeyDisabled", "park", "account"),
        ("InvalidAccessKeyId.Inactive", "park", "process"),
        ("SignatureDoesNotMatch", "park", "process"),
        ("SignatureNonceUsed", "unsure", "request"),
        ("Throttling.Hour", "throttle", "account"),
        ("MissingTemplateCode", "park", "template"),
        ("MissingAccessKeyId", "park", "process"),
        ("InvalidPhoneNumbers", "dead", "recipient"),
        ("InvalidTimeStamp.Format", "park", "process"),
        ("InvalidAction.Unsupported", "park", "account"),
        ("InvalidSignatureMethod", "park", "account"),
        ("BUSINESS_LIMIT_CONTROL", "throttle", "recipient"),
        ("DAY_LIMIT_CONTROL", "throttle", "account"),
        ("MONTH_LIMIT_CONTROL", "throttle", "account"),
    ],
)
def test_what_alibabas_mainland_api_says_is_known(code: str, verdict: str, scope: str) -> None:
    """Faults that an operator mends are parks; only the job's own faults are deaths.

    A used nonce may be a sent message.
    """
    row = lookup("alibaba", "api", code).row

    assert (row.verdict, row.scope) == (verdict, scope)


def test_risk_control_is_not_gone_round() -> None:
    """Nor an unsubscription."""
    codes = ("Forbidden.RiskControl", "isv.CUSTOMER_REFUSED")
    assert not any(lookup("alibaba", "api", code).row.reroute_ok for code in codes)


@pytest.mark.parametrize(
    ("provider", "namespace", "code"),
    [
        ("tencent", "api", "AuthFailure.SignatureExpire"),
        ("tencent", "api", "InternalError.RequestTimeException"),
        ("tencent", "api", "AuthFailure.SecretIdNotFound"),
        ("tencent", "api", "AuthFailure.SignatureFailure"),
        ("tencent", "api", "AuthFailure.TokenFailure"),
        ("tencent", "api", "UnauthorizedOperation.RequestIpNotInWhitelist"),
        ("tencent", "api", "IpNotInWhitelist"),
        ("tencent", "legacy", "1009"),
        ("tencent", "legacy", "1021"),
        ("tencent", "api", "http.404"),
        ("alibaba", "api", "InvalidTimeStamp.Expired"),
        ("alibaba", "api", "DENY_IP_RANGE"),
        ("smspartner", "send", "10"),
        ("smspartner", "send", "96"),
        ("smspartner", "status", "96"),
    ],
    ids=lambda value: value,
)
def test_a_clock_an_address_and_a_key_are_one_machines(provider: str, namespace: str, code: str) -> None:
    """Another machine may have the right clock, an allowed address, or this morning's key."""
    row = lookup(provider, namespace, code).row

    assert (row.verdict, row.scope) == (Verdict.PARK, Scope.PROCESS)


@pytest.mark.parametrize("code", ["FailedOperation.InsufficientBalanceInSmsPackage", "1031"])
def test_an_empty_package_parks_its_side_of_the_border(code: str) -> None:
    """Packages for mainland and for global numbers are bought apart."""
    row = lookup("tencent", "legacy" if code == "1031" else "api", code).row

    assert (row.verdict, row.scope) == (Verdict.PARK, Scope.REGION)


@pytest.mark.parametrize(
    ("provider", "namespace", "code"),
    [
        ("tencent", "api", "FailedOperation.FailResolvePacket"),
        ("tencent", "api", "FailedOperation.JsonParseFail"),
        ("tencent", "api", "InternalError.JsonParseFail"),
        ("tencent", "api", "InvalidRequest"),
        ("tencent", "api", "MissingParameter"),
        ("tencent", "api", "MissingParameter.NeverSeen"),
        ("tencent", "api", "UnknownParameter"),
        ("tencent", "legacy", "1004"),
        ("alibaba", "api", "INVALID_JSON_PARAM"),
        ("alibaba", "gateway", "MissingParameter"),
        ("smspartner", "send", "2"),
        ("smspartner", "send", "9"),
    ],
    ids=lambda value: value,
)
def test_a_fault_that_meets_every_call_alike_holds_the_template(provider: str, namespace: str, code: str) -> None:
    """A campaign is not burnt batch by batch; a question that meets it is dropped."""
    row = lookup(provider, namespace, code).row

    assert (row.verdict, row.scope) == (Verdict.PARK, Scope.TEMPLATE)
    if namespace != "legacy":
        assert lookup(provider, namespace, code, read=True).row.verdict is Verdict.DEAD
