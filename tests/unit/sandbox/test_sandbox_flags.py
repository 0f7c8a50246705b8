"""Flags, faults, statistics and the page that describes them."""

import re
from pathlib import Path

import pytest

from tests.unit.sandbox.harness import APP, PLAIN, Line, number
from worker.sandbox.faults import Faults
from worker.sandbox.flags import (
    CARRIED_OUT,
    FlagFault,
    Flags,
    SandboxAccount,
    SandboxTemplate,
    parse_account,
    parse_fault,
    parse_limits,
    parse_pair,
)
from worker.sandbox.stats import Stats
from worker.sandbox.steering import FATES, SUFFIXES
from worker.sandbox.wire import Subject

README = Path(__file__).parents[3] / "worker" / "sandbox" / "README.md"


def test_flags_change_by_name_and_the_rest_stays() -> None:
    """A patch replaces what it names, tables whole."""
    flags = Flags(latency_ms=5, limits={"SendSms": 1})

    changed = flags.changed({"limits": {"*": 0}, "templates": {"1": {"params": 2}}})

    assert changed.limits == {"*": 0}
    assert changed.templates == {"1": SandboxTemplate(params=2)}
    assert changed.latency_ms == 5
    assert flags.limits == {"SendSms": 1}


@pytest.mark.parametrize(
    ("patch", "words"),
    [
        ({"latency": 5}, "did you mean 'latency_ms'"),
        ({"latency_ms": -1}, "latency_ms"),
        ({"latency_ms": "5"}, "latency_ms"),
        ({"faults": [{"kind": "lost", "p": 2}]}, "faults"),
        ({"faults": [{"kind": "gone"}]}, "faults"),
        ({"faults": [{"kind": "lost", "chance": 1}]}, "chance"),
        ({"accounts": [{"id": "x"}]}, "accounts"),
    ],
)
def test_flags_refuse_what_they_do_not_know(patch: dict[str, object], words: str) -> None:
    """A misspelt name or a value out of bounds is refused by its place, and nothing changes."""
    line = Line()

    with pytest.raises(ValueError, match=re.escape(words)):
        line.sandbox.control(patch)

    assert line.sandbox.flags == Flags()


def test_shown_flags_hold_no_secret_key() -> None:
    """Secret keys are masked where flags are shown."""
    assert "hush" not in repr(Flags(accounts=(SandboxAccount("id", "hush"),)).public())


def test_options_of_the_command_line() -> None:
    """Accounts, faults and pairs are written in one argument each."""
    assert parse_account("id:key:1400000001,1400000002") == SandboxAccount("id", "key", ("1400000001", "1400000002"))
    assert parse_fault("lost,p=0.25,action=SendSms,executed=false") == FlagFault(
        "lost", "SendSms", p=0.25, executed=False
    )
    assert parse_fault("error,code=A.B,times=3") == FlagFault("error", code="A.B", times=3)
    assert parse_pair("1234=A.B=C") == ("1234", "A.B=C")
    assert parse_limits(["SendSms=5", "*=0"]) == {"SendSms": 5, "*": 0}


@pytest.mark.parametrize("text", ["SendSms", "SendSms=", "=5", "SendSms=-1", "SendSms=many"])
def test_limits_that_cannot_be_read(text: str) -> None:
    """A limit is a whole number of calls from 0 up."""
    with pytest.raises(ValueError, match=r"."):
        parse_limits([text])


@pytest.mark.parametrize("text", ["", "id", "id:key", "id:key:", "a:b:c:d"])
def test_accounts_that_cannot_be_read(text: str) -> None:
    """The form is named."""
    with pytest.raises(ValueError, match="secret-id:secret-key:sdk-app-id"):
        parse_account(text)


@pytest.mark.parametrize("text", ["", "gone", "lost,p", "lost,p=2", "lost,chance=1", "error,times=-1"])
def test_faults_that_cannot_be_read(text: str) -> None:
    """Unknown kinds, names and values out of bounds are refused."""
    with pytest.raises(ValueError, match=r"."):
        parse_fault(text)


def test_a_fault_strikes_as_often_as_told() -> None:
    """`times` ends a fault, `action` narrows it, and the first in the list wins."""
    faults = Faults(
        (FlagFault("lost", "SendSms", times=2), FlagFault("slow", "SendSms", times=1), FlagFault("error", "Pull")),
        seed=1,
    )

    picked = [faults.pick(action) for action in ("SendSms", "Pull", "SendSms", "SendSms", "SendSms", "Pull")]

    assert [one.kind if one else "" for one in picked] == ["lost", "error", "lost", "slow", "", "error"]
    assert faults.struck == {"lost": 2, "error": 2, "slow": 1}


def test_a_probability_holds_and_repeats() -> None:
    """With p = 0.25 about a quarter of the calls are struck, the same ones with the same seed."""

    def struck() -> list[bool]:
        faults = Faults((FlagFault("lost", p=0.25),), seed=7)
        return [faults.pick("SendSms") is not None for _ in range(2000)]

    assert 400 < sum(struck()) < 600
    assert struck() == struck()


def test_faults_begin_anew_only_when_named() -> None:
    """Changing another flag leaves what is left of a fault's times; a reset restores the start."""
    line = Line(Flags(faults=(FlagFault("lost", times=1),)))
    faults = line.sandbox.faults

    assert faults.pick("SendSms")
    line.sandbox.control({"latency_ms": 1})
    assert not faults.pick("SendSms")
    line.sandbox.control({"faults": [{"kind": "lost", "times": 1}]})
    assert faults.pick("SendSms")
    line.sandbox.reset()
    assert line.sandbox.flags.latency_ms == 0
    assert line.sandbox.faults.pick("SendSms")


def test_a_reset_may_keep_the_flags() -> None:
    """Messages and statistics go, flags stay."""
    line = Line()
    line.sandbox.control({"latency_ms": 1})
    line.send([PLAIN])

    line.sandbox.reset(keep_flags=True)

    assert line.sandbox.flags.latency_ms == 1
    assert line.sandbox.snapshot()["messages"] == 0
    assert line.pull() == []


def test_statistics_count_what_went_out(line: Line) -> None:
    """Messages per number, numbers per call, codes and receipts add up."""
    line.send([PLAIN, number("2345"), number("0001"), number("0005")])
    line.send([PLAIN])
    line.pull(3)

    snapshot = line.sandbox.snapshot()

    assert snapshot["messages"] == 4
    assert snapshot["numbers"] == {PLAIN: 2, number("2345"): 1, number("0005"): 1}
    assert snapshot["numbers_per_call"] == {4: 1, 1: 1}
    assert snapshot["item_codes"] == {
        "Ok": 3,
        "InvalidParameterValue.IncorrectPhoneNumber": 1,
        "InternalError.Timeout": 1,
    }
    assert snapshot["receipts"] == {"waiting": 0, "ready": 1, "given": 3}
    assert line.sandbox.snapshot(numbers="repeated")["numbers"] == {PLAIN: 2}
    assert "numbers" not in line.sandbox.snapshot(numbers="none")


def test_refusals_are_summed_by_family(line: Line) -> None:
    """Signature failures and rate refusals have sums of their own."""
    for code in (
        "AuthFailure.SignatureFailure",
        "AuthFailure.SecretIdNotFound",
        "RequestLimitExceeded",
        "InvalidAction",
    ):
        line.sandbox.stats.refuse(code)

    snapshot = line.sandbox.snapshot()

    assert (snapshot["signature_failures"], snapshot["rate_refusals"]) == (2, 1)


def test_the_log_knows_no_number_and_no_value() -> None:
    """Numbers are masked, values are a salted hash that tells equal from different, no more."""
    stats, other = Stats(10), Stats(10)
    subjects = [Subject([PLAIN], "1234", [value], "b1") for value in ("482913", "482913", "482914")]
    for subject in subjects:
        for one in (stats, other):
            one.remember(at_s=1.0, action="SendSms", outcome="Ok", took_s=0.0015, subject=subject)

    hashes = [entry.params for entry in stats.log]

    assert hashes[0] == hashes[1] != hashes[2]
    assert hashes[0] != other.log[0].params
    assert stats.log[0].first == "+86137****2222"
    assert stats.log[0].took_ms == 1.5
    assert not re.search(r"482913|13711112222", repr(stats.log))


def test_the_log_is_bounded() -> None:
    """It keeps the last calls."""
    stats = Stats(3)
    for place in range(5):
        stats.remember(at_s=float(place), action="PullSmsSendStatus", outcome="Ok", took_s=0.0, subject=None)

    assert [entry.at for entry in stats.log] == [2.0, 3.0, 4.0]


def test_the_page_shows_the_table_of_fates() -> None:
    """README.md has a row for each suffix, with its code, whether it goes out, and its receipts."""
    rows = dict(re.findall(r"^\| (\d{4}) \| (.+) \|$", README.read_text(), re.MULTILINE))

    assert set(rows) == {f"{suffix:04d}" for suffix in SUFFIXES}
    for suffix, index in SUFFIXES.items():
        fate = FATES[index]
        answer, sent, receipts, _ = rows[f"{suffix:04d}"].split(" | ")
        assert (f"`{fate.code}`" if fate.answered else "nothing") in answer
        assert sent.startswith("yes" if fate.sent else "at" if fate.once else "no")
        told = f"{fate.receipts} {'SUCCESS' if fate.delivered else 'FAIL'} `{fate.receipt_code}`"
        assert receipts == (told if fate.receipts and (fate.sent or fate.once) else "0")


def test_the_page_shows_faults_and_statistics(line: Line) -> None:
    """README.md has a row for each kind of fault and names each field of the statistics."""
    text = README.read_text()
    kinds = dict(re.findall(r"^\| `(\w+)` \| .+ \| (yes|no) \|$", text, re.MULTILINE))

    assert {kind: carried == "yes" for kind, carried in kinds.items()} == CARRIED_OUT
    assert all(f"`{field}`" in text for field in line.sandbox.snapshot())
    assert all(fact in text for fact in (SandboxAccount().secret_id, SandboxAccount().secret_key, APP))
