"""What the codes of receipts mean.

Which condemn a number, which another account may deliver, which say nothing for ever.
"""

import pytest

from smsline.codes import lookup, rows
from smsline.verdicts import Scope, Verdict
from tests.unit.codes.conftest import everything


def test_what_is_not_final_is_unsure() -> None:
    """A status that another one follows decides nothing."""
    pending = {f"{row.namespace}/{row.code}" for row in everything() if row.pending}

    assert {row.verdict for row in everything() if row.pending} == {Verdict.UNSURE}
    assert pending == {
        "smpp/ACCEPTD",
        "dlr/waiting",
        "sms_status/PENDING",
        "sms_status/ACCEPTD",
        "sms_status/ENROUTE",
        "hlr_status/3",
        "hlr_status/7",
        "hlr_status/26",
    }


def test_receipts_condemn_a_number_only_where_the_carrier_is_sure() -> None:
    """Of 1,975 rows, those for block lists, opt-outs and no such number; none of the mixed ones."""
    condemned = [row for row in rows("tencent", "receipt") if row.permanent and row.scope is Scope.RECIPIENT]

    assert {row.reason for row in condemned} == {
        "optout_list",
        "blocklist_or_not_exist",
        "carrier_blocklist",
        "not_mainland",
        "no_sms_capability",
        "not_exist",
        "invalid_number",
        "not_subscribed",
    }
    assert not any("out of service" in row.meaning or "is off" in row.meaning for row in condemned)


@pytest.mark.parametrize(
    ("code", "reason", "verdict", "delay_s"),
    [
        ("TUIDING", "optout_list", "dead", None),  # 退订, to unsubscribe
        ("VALVE:M", "freq_limit_minute", "throttle", 60),
        ("VALVE:H", "freq_limit_hour", "throttle", 3600),
        ("VALVE:D", "freq_limit_number", "throttle", 86_400),
        ("MAXFREQ", "channel_flow", "retry", 60),
        ("MA:0038", "channel_flow", "retry", 60),
        ("SGIP:83", "channel_flow", "retry", 60),
        ("U:75", "channel_flow", "retry", 60),
        ("U:-75", "channel_flow", "retry", 60),
        ("U2:75", "channel_flow", "retry", 60),
        ("MB:1070", "channel_flow", "retry", 60),
        ("MB:1041", "channel_flow", "retry", 60),
        ("SMGP624", "channel_flow", "retry", 60),
        ("NO_ROUT", "route_identification", "reroute", None),
        ("ROUTERR", "route_identification", "reroute", None),
        ("XREJECT", "blocked_unspecified", "reroute", None),
        ("MUSTNOT", "blocked_unspecified", "reroute", None),
        ("EXPIREO", "expired", "retry", 3600),
        ("EXPIREDS640S", "expired", "retry", 3600),
        ("DELIVER", "mixed_dead_or_off", "retry", 7200),
        ("FAIL_IN", "mixed_dead_or_off", "retry", 7200),
        ("PARAMS_", "carrier_gateway", "retry", 300),
        ("SP_UNKN", "unknown", "unsure", None),
        ("MK:4711", "handset_fault", "retry", 3600),
        ("KEYWORD", "content_keyword", "dead", None),
        ("AUDIT:F", "content_review", "dead", None),
        ("ML:SHLJ", "content_review", "dead", None),  # 审核拦截, stopped by review
        ("QM_FAIL", "signature_refused", "dead", None),  # 签名, signature
        ("SIGNATU", "signature_refused", "dead", None),
        ("BADSIGN", "signature_refused", "dead", None),
    ],
)
def test_a_receipts_own_word_counts_where_the_document_contradicts_it(
    code: str, reason: str, verdict: str, delay_s: int | None
) -> None:
    """A word that is cut off, or stands for something else, condemns no number for ever.

    Nor is it walked round.
    """
    row = lookup("tencent", "receipt", code).row

    assert (row.reason, row.verdict, row.delay_s) == (reason, verdict, delay_s)
    assert not row.permanent or row.reason in {"optout_list", "content_keyword", "content_review"}
    assert row.verdict is not Verdict.DEAD or not row.reroute_ok


def test_a_country_on_one_accounts_list_may_be_another_accounts() -> None:
    """The list is one application's setting.

    A fallback that serves the country was configured by the same people.
    """
    for space, code in (("api", "LimitExceeded.AppCountryOrRegionInBlacklist"), ("legacy", "1051")):
        row = lookup("tencent", space, code).row
        assert (row.verdict, row.scope, row.reroute_ok) == (Verdict.REROUTE, Scope.RECIPIENT, True)


@pytest.mark.parametrize("code", ["4100", "EC_MESSAGE_CANCELED", "4104", "EC_DESTINATION_TXT_FLOODING"])
def test_a_cancelled_or_repeated_text_says_nothing_for_ever(code: str) -> None:
    """The next message may arrive."""
    row = lookup("smspartner", "hlr_error", code).row

    assert (row.verdict, row.permanent) == (Verdict.DEAD, False)
