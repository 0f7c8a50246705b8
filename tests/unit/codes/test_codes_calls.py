"""Rules of finding a code's meaning by what kind of answer held it, provider by provider."""

import pytest

from smsline.codes import for_read, for_receipt, for_send, for_taken
from smsline.verdicts import Verdict


@pytest.mark.parametrize(("provider", "code"), [("tencent", "Ok"), ("alibaba", "OK"), ("smspartner", "200")])
def test_taken(provider: str, code: str) -> None:
    """Each provider has its own word for what went well, in the namespace of its sends."""
    assert for_taken(provider).row.verdict is Verdict.OK
    assert for_send(provider, code).row.verdict is Verdict.OK


def test_same_number_of_three_endpoints() -> None:
    """SMSPartner's 4 is nonsense from a send, and "not known yet" from a status call."""
    assert for_send("smspartner", "4").row.verdict is Verdict.DEAD
    assert for_read("smspartner", "4").row.verdict is Verdict.RETRY


def test_reads_without_codes_of_their_own() -> None:
    """Where reads share the codes of sends, what a send must doubt can be asked again."""
    assert for_send("tencent", "InternalError").row.verdict is Verdict.UNSURE
    assert for_read("tencent", "InternalError").row.verdict is Verdict.RETRY


def test_receipts() -> None:
    """A receipt's code is looked for among those of receipts."""
    assert for_receipt("tencent", "MK:0001").row.reason
    assert for_receipt("smspartner", "not delivered").row.verdict is Verdict.RETRY


def test_unknown_provider() -> None:
    """A provider without tables gets doubt for every code, an error for what only a table says."""
    assert for_send("nobody", "7").row.verdict is Verdict.UNSURE
    with pytest.raises(LookupError, match="nobody has no row"):
        for_taken("nobody")
