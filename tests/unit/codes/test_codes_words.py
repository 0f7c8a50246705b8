"""`what_smsline_does`: a plain sentence for each verdict and scope, true for the code's answer."""

import pytest

from smsline.codes import explain, lookup, rows, what_smsline_does
from smsline.codes.words import duration
from smsline.verdicts import Verdict


def does(provider: str, namespace: str, code: str, *, read: bool = False) -> str:
    return what_smsline_does(lookup(provider, namespace, code, read=read).row)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("Ok", "Counts the number as accepted"),
        ("ResourceInUse", "tries again after 5 s"),
        ("http.ConnectError", "tries again after growing pauses"),
        ("RequestLimitExceeded", "closes the account's bucket for this action for 1 s"),
        ("LimitExceeded.AppDailyLimit", "closes the account's bucket for this action until the next day"),
        ("LimitExceeded.AppGlobalDailyLimit", "the recipients of this template wait until the next day"),
        ("LimitExceeded.PhoneNumberOneHourLimit", "this number waits for 1 h"),
        ("LimitExceeded.PhoneNumberDailyLimit", "this number waits until 08:00 of the next day"),
        ("UnauthorizedOperation.SdkAppIdIsDisabled", "parks the account; "),
        ("AuthFailure.SignatureFailure", "this machine leaves the account to others"),
        ("FailedOperation.InsufficientBalanceInSmsPackage", "the other side goes on"),
        ("FailedOperation.TemplateUnapprovedOrNotExist", "parks the template on this account"),
        ("UnsupportedOperation.UnsupportedRegion", "next account of the route"),
        ("FailedOperation.PhoneNumberInBlacklist", "this number goes to the dead letter"),
        ("FailedOperation.ContainSensitiveWord", "the recipients of this text go to the dead letter"),
        ("MissingParameter", "parks the template on this account"),
        ("InvalidParameter", "the recipients of this call go to the dead letter"),
        ("InternalError", "Perhaps sent: asks the provider for a receipt"),
    ],
)
def test_a_send(code: str, words: str) -> None:
    """Whether anything went out, and what comes next."""
    sentence = does("tencent", "api", code)

    assert words in sentence
    if code not in {"Ok", "InternalError"}:
        assert sentence.startswith("Nothing was sent: ")


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("DELIVRD", "ends as delivered"),
        ("MI:0001", "Tries the number again after 2 h, within its ttl and as often as receipt_retry"),
        ("MX:0003", "Leaves the number alone for 1 day, then tries it again"),
        ("TX:2000", "a person mends"),
        ("ML:MYWG", "is not tried again"),
        ("TX:3001", "success flag decides"),
        ("TD:18", "through the next account of its order at once"),
    ],
)
def test_a_receipt(code: str, words: str) -> None:
    """The message was sent before: it says how the number ends."""
    assert words in does("tencent", "receipt", code)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("InternalError", "Asks again after growing pauses."),
        ("RequestLimitExceeded", "Closes the bucket of this action for 1 s, then asks again."),
        ("UnsupportedOperation.", "sending finds out for itself"),
        ("InvalidParameterValue.OffsetVerifyFail", "Drops the question"),
    ],
)
def test_a_read(code: str, words: str) -> None:
    """Never a word of sending."""
    assert words in does("tencent", "api", code, read=True)


def test_a_word_that_is_not_final_is_waited_out() -> None:
    """Whatever its verdict."""
    assert does("smspartner", "dlr", "waiting") == "Keeps waiting: this is not the final word."


def test_a_call_that_smsline_does_not_make() -> None:
    """Its codes are there for people."""
    assert "does not make this call" in does("smspartner", "mail", "9")


def test_smslines_own_codes_say_how_the_number_ends() -> None:
    """The verdict's sentence would not fit."""
    assert does("smsline", "local", "job.Expired") == "The number ends as expired; nothing was sent."
    assert "unknown" in does("smsline", "local", "receipt.Deadline")


def test_every_verdict_of_a_send_has_its_own_sentence() -> None:
    """Two verdicts that read the same would be one."""
    sentences: dict[str, set[Verdict]] = {}
    for row in rows("tencent", "api"):
        sentences.setdefault(what_smsline_does(row), set()).add(row.verdict)

    assert all(len(verdicts) == 1 for verdicts in sentences.values())


def test_an_explained_code_can_be_read_out() -> None:
    """Every reading of a code has its sentence."""
    assert all(what_smsline_does(match.row) for match in explain("9"))


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (1, "1 s"),
        (90, "90 s"),
        (60, "1 min"),
        (300, "5 min"),
        (3600, "1 h"),
        (5400, "90 min"),
        (86_400, "1 day"),
        (172_800, "2 days"),
    ],
)
def test_a_time_is_read_in_its_largest_unit(seconds: int, words: str) -> None:
    """The largest that divides it."""
    assert duration(seconds) == words
