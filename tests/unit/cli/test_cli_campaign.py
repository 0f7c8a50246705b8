"""`smsline campaign`: rows out, rejected rows beside the file, one summary line."""

import csv
import json
import time
from pathlib import Path
from typing import Any

import pytest

from smsline.cli.campaign import FileIntake
from smsline.csvfile import open_campaign
from smsline.errors import BadInput
from smsline.job import Recipient, Rejected
from smsline.rejects import RejectedFile

GOOD = "+8613711112222"
ALSO_GOOD = "+33612345678"


@pytest.fixture
def campaign(tmp_path: Path) -> Path:
    """Where the test's campaign file goes."""
    return tmp_path / "may.csv"


def rejected(campaign: Path) -> list[list[str]]:
    """What the rejected file says, without its header."""
    with campaign.with_suffix(".rejected.csv").open(encoding="utf-8-sig", newline="") as file:
        header, *rows = csv.reader(file)
    assert header == ["line", "phone", "reason"]
    return rows


def test_numbers_alone_go_out_as_text(run: Any, fake: Any, campaign: Path) -> None:
    """The job's id stands alone on stdout, the summary on stderr."""
    campaign.write_text(f"phone\n{GOOD}\n{ALSO_GOOD}\n")

    ran = run("campaign", str(campaign), "--template", "5678")

    assert (ran.code, ran.out, ran.err) == (0, "j1\n", "accepted 2\n")
    assert fake.recipients == [GOOD, ALSO_GOOD]


def test_params_and_refs_go_out_with_their_number(run: Any, fake: Any, campaign: Path) -> None:
    """A row without its own params takes the job's."""
    campaign.write_text(f"phone,param1,param2,ref\n{GOOD},Li,5,r1\n")
    run("campaign", str(campaign), "--template", "5678")
    campaign.write_text(f"phone,ref\n{GOOD},r1\n")
    run("campaign", str(campaign), "--template", "5678", "--param", "all")

    assert fake.recipients == [Recipient(GOOD, ("Li", "5"), "r1"), Recipient(GOOD, None, "r1")]
    assert fake.calls[1][1]["params"] == ["all"]


def test_every_option_reaches_the_client(run: Any, fake: Any, campaign: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A start time becomes epoch seconds."""
    monkeypatch.setattr("time.time", lambda: 1000.0)
    campaign.write_text(f"phone\n{GOOD}\n")
    options = [
        "--sign",
        "S",
        "--sender",
        "A",
        "--lane",
        "notify",
        "--ttl",
        "60",
        "--job-id",
        "0mx0noynn5290geyda",
        "--key",
        "k",
        "--account",
        "main",
        "--pace",
        "500",
        "--window",
        "09:00-20:00 Europe/Paris",
        "--at",
        "+10m",
        "--allow-unassigned",
        "--allow-blank",
    ]

    run("campaign", str(campaign), "--template", "5678", *options)

    assert fake.calls == [
        (
            "campaign",
            {
                "to": [],
                "template": "5678",
                "params": [],
                "sign": "S",
                "sender": "A",
                "lane": "notify",
                "ttl_s": 60.0,
                "job_id": "0mx0noynn5290geyda",
                "key": "k",
                "account": "main",
                "pace": 500.0,
                "window": "09:00-20:00 Europe/Paris",
                "at": 1600.0,
                "allow_unassigned": True,
                "allow_blank": True,
            },
        )
    ]


def test_the_lane_is_marketing_at_once_and_unpaced_unless_told(run: Any, fake: Any, campaign: Path) -> None:
    """What a campaign is when nothing is said."""
    campaign.write_text(f"phone\n{GOOD}\n")

    run("campaign", str(campaign), "--template", "5678")

    sent = fake.calls[0][1]
    assert (sent["lane"], sent["pace"], sent["at"]) == ("marketing", None, None)


def test_bad_rows_are_reported_with_their_lines_and_the_others_go_out(run: Any, fake: Any, campaign: Path) -> None:
    """Whether file or client finds them; multi-line values and blank lines do not shift lines."""
    rows = [f'{GOOD},"two\nlines"', "", "12345,r", f"{GOOD}", " ,r", f"{ALSO_GOOD},r", "nonsense,r"]
    campaign.write_text("phone,ref\n" + "\n".join(rows) + "\n")

    ran = run("campaign", str(campaign), "--template", "5678")

    found = rejected(campaign)
    assert [(line, phone) for line, phone, _ in found] == [("5", "12345"), ("7", ""), ("9", "nonsense")]
    assert [reason.split()[0] for _, _, reason in found] == ["phone", "phone", "phone"]
    assert len(fake.recipients) == 3
    assert (ran.code, ran.out) == (0, "j1\n")
    assert ran.err == f"accepted 3 · rejected 3 (see {campaign.with_suffix('.rejected.csv')})\n"


def test_a_key_that_has_its_job_adds_nothing(run: Any, fake: Any, campaign: Path) -> None:
    """The client compares the rows and gives that job's id; no accepted rows are claimed."""
    fake.taken_before = True
    campaign.write_text("phone\n" + f"{GOOD}\n" * 2500)

    ran = run("campaign", str(campaign), "--template", "5678", "--key", "may")

    assert (ran.code, ran.out, len(fake.recipients)) == (0, "j0\n", 2500)
    assert ran.err == "nothing added: the key belongs to a job that has all its rows\n"


def test_no_bad_rows_no_file(run: Any, campaign: Path) -> None:
    """One that an earlier run left is removed."""
    stale = campaign.with_suffix(".rejected.csv")
    stale.write_text("stale")
    campaign.write_text(f"phone\n{GOOD}\n")

    run("campaign", str(campaign), "--template", "5678")

    assert not stale.exists()


def test_only_bad_rows_are_bad_input(run: Any, campaign: Path) -> None:
    """Exit code 2, no job, and the file says why."""
    campaign.write_text("phone\n1\n2\n")

    ran = run("campaign", str(campaign), "--template", "5678")

    assert (ran.code, ran.out) == (2, "")
    assert "none of its 2 rows can be sent; see" in ran.err
    assert [line for line, _, _ in rejected(campaign)] == ["2", "3"]


def test_a_header_alone_is_bad_input(run: Any, campaign: Path) -> None:
    """There is no recipient."""
    campaign.write_text("phone\n")

    ran = run("campaign", str(campaign), "--template", "5678")

    assert (ran.code, ran.out) == (2, "")
    assert "has a header but no rows" in ran.err


def test_what_is_wrong_with_the_job_is_said_as_it_is(run: Any, fake: Any, campaign: Path) -> None:
    """A bad template is not mistaken for a file without good rows."""
    fake.error = BadInput("template", "", "must be text")
    campaign.write_text(f"phone\n{GOOD}\n")

    ran = run("campaign", str(campaign), "--template", "")

    assert (ran.code, ran.err) == (2, "smsline: template: '': must be text\n")


def test_a_file_that_will_not_do_is_bad_input(run: Any, fake: Any, campaign: Path) -> None:
    """Nothing is submitted."""
    campaign.write_text("fax\n1\n")

    ran = run("campaign", str(campaign), "--template", "5678")

    assert (ran.code, ran.out, fake.calls) == (2, "", [])
    assert "must name a column 'phone'; it has: fax" in ran.err


def test_params_here_and_there_contradict_each_other(run: Any, campaign: Path) -> None:
    """And the refusal does not repeat the param."""
    campaign.write_text(f"phone,param1\n{GOOD},a\n")

    ran = run("campaign", str(campaign), "--template", "5678", "--param", "482913")

    assert ran.code == 2
    assert "give params there or here, not both" in ran.err
    assert "482913" not in ran.err


def test_columns_that_mean_nothing_are_told(run: Any, campaign: Path) -> None:
    """Any of them may be a slip."""
    campaign.write_text(f"phone,street,city\n{GOOD},a,b\n")

    ran = run("campaign", str(campaign), "--template", "5678")

    assert ran.err.splitlines()[0] == "columns not used: street, city"


def test_standard_input_is_a_file_too(run: Any, fake: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its rejected rows go into the current folder."""
    monkeypatch.chdir(tmp_path)

    ran = run("campaign", "-", "--template", "5678", stdin=f"phone\n{GOOD}\nx\n")

    assert fake.recipients == [GOOD]
    assert ran.err == "accepted 1 · rejected 1 (see stdin.rejected.csv)\n"
    assert [line for line, _, _ in rejected(tmp_path / "stdin.csv")] == ["3"]


def test_as_json_stdout_is_json(run: Any, campaign: Path) -> None:
    """Whatever was rejected."""
    campaign.write_text(f"phone\n{GOOD}\nx\n")

    ran = run("campaign", str(campaign), "--template", "5678", "--json")

    assert json.loads(ran.out) == {"job": "j1"}


def test_a_terminal_sees_a_bar_and_stdout_does_not(run: Any, campaign: Path) -> None:
    """Progress belongs to stderr."""
    campaign.write_text("phone\n" + f"{GOOD}\n" * 2500)

    ran = run("campaign", str(campaign), "--template", "5678", tty=True)

    assert ran.out == "j1\n"
    assert "100%" in ran.err
    assert ran.err.endswith("accepted 2,500\n")


def test_lines_are_known_however_late_the_client_judges(tmp_path: Path) -> None:
    """It reads ahead; a refusal names a position, and only judged positions are forgotten."""
    path = tmp_path / "may.csv"
    path.write_text("phone\n" + "".join(f"+861371111{number:04}\n" for number in range(5000)))

    with open_campaign(str(path)) as file, RejectedFile(tmp_path / "r.csv") as rejects:
        intake = FileIntake(file, rejects, lambda: None)
        assert len(list(intake)) == 5000
        intake.settled(2000)
        intake.rejected(Rejected(2001, "+86137****", "phone", "why"))
        intake.rejected(Rejected(5000, "+86137****", "phone", "why"))
        intake.rejected(Rejected(3, "+86137****", "phone", "judged again"))

    lines = (tmp_path / "r.csv").read_text("utf-8-sig").splitlines()[1:]
    assert lines == [
        "2002,+8613711112000,phone why",
        "5001,+8613711114999,phone why",
        "4,'+86137****,phone judged again",
    ]


def test_what_the_client_has_judged_is_not_kept(tmp_path: Path) -> None:
    """A million rows pass, and only those in the client's hands are remembered."""
    path = tmp_path / "may.csv"
    path.write_text("phone\n" + f"{GOOD}\n" * 10_000)
    kept = 0

    with open_campaign(str(path)) as file, RejectedFile(tmp_path / "r.csv") as rejects:
        intake = FileIntake(file, rejects, lambda: None)
        for position, _ in enumerate(intake, 1):
            kept = max(kept, len(intake._unjudged))
            if position % 1000 == 0:
                intake.settled(position)

    assert kept == 1000


def test_a_row_that_repeats_another_is_told_with_both_lines(run: Any, fake: Any, campaign: Path) -> None:
    """It goes out once, and no row disappears."""
    fake.doubles = True
    campaign.write_text(f"phone\n\n{GOOD}\n{ALSO_GOOD}\n{GOOD}\n")

    ran = run("campaign", str(campaign), "--template", "5678")

    assert rejected(campaign) == [["5", GOOD, "phone is that of line 3, which says the same"]]
    assert ran.err == f"accepted 2 · duplicates 1 (see {campaign.with_suffix('.rejected.csv')})\n"


def test_the_rejected_rows_go_where_they_are_told_to(run: Any, fake: Any, campaign: Path, tmp_path: Path) -> None:
    """A folder that cannot be written to is told before anything is taken; so is the campaign."""
    campaign.write_text(f"phone\n{GOOD}\nx\n")
    for wrong, told in ((tmp_path / "none" / "r.csv", "cannot be written"), (campaign, "is the campaign itself")):
        ran = run("campaign", str(campaign), "--template", "5678", "--rejects", str(wrong))
        assert (ran.code, fake.calls) == (2, [])
        assert told in ran.err
    other = tmp_path / "bad.csv"
    assert run("campaign", str(campaign), "--template", "5678", "--rejects", str(other)).code == 0
    assert "has letters" not in campaign.read_text()
    assert other.read_text("utf-8-sig").splitlines()[0] == "line,phone,reason"


def test_a_start_is_said_with_its_zone(run: Any, campaign: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By Redis' clock, in this machine's zone."""
    monkeypatch.setattr("time.time", lambda: 1_800_000_000.0)
    monkeypatch.setenv("TZ", "Asia/Shanghai")
    time.tzset()
    campaign.write_text(f"phone\n{GOOD}\n")

    ran = run("campaign", str(campaign), "--template", "5678", "--at", "+1h")

    monkeypatch.undo()
    time.tzset()
    assert ran.err.splitlines()[0] == "starts 2027-01-15T17:00:00+08:00 (CST)"


def test_a_first_look_counts_segments_and_sends_nothing(run: Any, fake: Any, campaign: Path) -> None:
    """Where the text is known; the character that doubles it is named."""
    campaign.write_text(
        f"phone,param1\n{ALSO_GOOD},{'a' * 60}\n+33612345679,{'a' * 60}\u2019\n{GOOD},b\n{GOOD},b\nx,b\n"
    )
    text = "{1}, our sale begins today and ends tomorrow"

    ran = run("campaign", str(campaign), "--template", "5678", "--dry-run", "--text", text, "--sign", "Shop")
    assert (ran.code, fake.calls) == (0, [])
    assert ran.out.splitlines() == [
        "would go out 3 · duplicates 1 · rejected 1; nothing is sent",
        "segments 4: 2 numbers with 1, 1 number with 2",
        "longest: 2 segments of UCS-2 (102 places), because of '\u2019' (U+2019 RIGHT SINGLE QUOTATION MARK)",
        "characters that make a text UCS-2: '\u2019' (U+2019 RIGHT SINGLE QUOTATION MARK) in 1 text",
    ]
    found = json.loads(run("campaign", str(campaign), "--template", "5678", "--dry-run", "--text", text, "--json").out)
    assert (found["good"], found["segments"]) == (3, 4)
    assert "give it with --text" in run("campaign", str(campaign), "--template", "5678", "--dry-run").out
    sent = run("campaign", str(campaign), "--template", "5678", "--text", text)
    assert (sent.code, "--text" in sent.err, fake.calls) == (2, True, [])  # who asks for a look sends nothing
    for slip in ("Hi {0}", "Hi ${code}", "Hi { 1}"):
        braces = run("campaign", str(campaign), "--template", "5678", "--dry-run", "--text", slip)
        assert (braces.code, "and no other braces" in braces.err) == (2, True)
    missing = run("campaign", str(campaign), "--template", "5678", "--dry-run", "--text", "{2}")
    assert (missing.code, "has {2}, but the row brings 1 param" in missing.err) == (2, True)
    late = run("campaign", str(campaign), "--template", "5678", "--dry-run", "--at", "+999d")
    assert (late.code, "must be within" in late.err) == (2, True)
