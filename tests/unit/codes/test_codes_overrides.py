"""`load_overrides`: a user's rows go first; a bad file is refused whole, each fault named."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from smsline.codes import BadOverrides, clear_overrides, explain, load_overrides, lookup, rows
from smsline.errors import BadInput

pytestmark = pytest.mark.usefixtures("shipped")

Write = Callable[[str], Path]
HEADER = "provider,namespace,code,verdict,scope,delay_s,meaning"
GUIDE = Path(__file__).parents[3] / "docs" / "codes" / "overrides.md"


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a file of overrides; commas stand for tabs."""

    def write(text: str) -> Path:
        path = tmp_path / "codes.tsv"
        path.write_text(text.replace(",", "\t"), encoding="utf-8")
        return path

    return write


def test_a_row_changes_what_it_names_and_keeps_the_rest(write: Write) -> None:
    """Empty cells keep what is shipped; the source names the file besides the document."""
    code = "LimitExceeded.PhoneNumberThirtySecondLimit"
    before = lookup("tencent", "api", code).row
    load_overrides(write(f"provider,namespace,code,delay_s\ntencent,api,{code},600\n"))
    after = lookup("tencent", "api", code).row

    assert (before.delay_s, after.delay_s) == (30, 600)
    assert (after.verdict, after.scope, after.meaning) == (before.verdict, before.scope, before.meaning)
    assert after.source == f"{before.source}; changed by codes.tsv line 2"


def test_a_new_code_is_known_from_then_on(write: Write) -> None:
    """To lookups, explanations and listings."""
    loaded = load_overrides(write(f"{HEADER}\ntencent,api,FailedOperation.New,park,template,,It is new.\n"))
    match = lookup("tencent", "api", "FailedOperation.New")

    assert (match.how, match.row.verdict, match.row.source) == ("exact", "park", "codes.tsv line 2")
    assert [found.row for found in explain("failedoperation.new")] == [match.row]
    assert loaded == (match.row,)
    assert match.row in set(rows("tencent", "api"))


def test_a_code_ending_in_a_star_is_a_family(write: Write) -> None:
    """It goes before a shorter beginning."""
    load_overrides(write(f"{HEADER}\ntencent,api,LimitExceeded.Region*,throttle,recipient,60,A cap for a region.\n"))

    assert lookup("tencent", "api", "LimitExceeded.RegionDay").row.scope == "recipient"
    assert lookup("tencent", "api", "LimitExceeded.OtherDay").row.scope == "account"


def test_a_shipped_family_can_be_overridden(write: Write) -> None:
    """By its own name."""
    load_overrides(write(f"{HEADER}\ntencent,api,LimitExceeded.*,,recipient,5,\n"))

    assert lookup("tencent", "api", "LimitExceeded.New").row.delay_s == 5


def test_a_receipt_can_be_overridden_apart_from_its_reason(write: Write) -> None:
    """The other codes of the reason stay as they are."""
    load_overrides(write(f"{HEADER}\ntencent,receipt,MI:0001,dead,recipient,-,\n"))

    assert lookup("tencent", "receipt", "MI:0001").row.verdict == "dead"
    assert lookup("tencent", "receipt", "MI:0009").row.verdict == "retry"


def test_a_twin_is_overridden_with_its_brother(write: Write) -> None:
    """One row is left under the code."""
    load_overrides(write(f"{HEADER}\ntencent,receipt,DB:0140,dead,recipient,-,It is a block list.\n"))

    assert [match.row.verdict for match in explain("DB:0140")] == ["dead"]


def test_one_kind_of_wait_takes_the_place_of_the_other(write: Write) -> None:
    """A time given for a code that had a window ends the window."""
    code = "LimitExceeded.PhoneNumberDailyLimit"
    load_overrides(write(f"provider,namespace,code,delay_s\ntencent,api,{code},900\n"))
    row = lookup("tencent", "api", code).row

    assert (row.delay_s, row.until_window) == (900, None)


def test_two_kinds_of_wait_at_once_are_refused(write: Write) -> None:
    """A code waits a time or until a time."""
    text = "provider,namespace,code,delay_s,until_window\ntencent,api,LimitExceeded,5,next_day\n"
    with pytest.raises(BadOverrides, match="a code waits a time or until a time"):
        load_overrides(write(text))


def test_a_dash_clears_a_cell(write: Write) -> None:
    """Here the verdict for reads."""
    load_overrides(write("provider,namespace,code,read\ntencent,api,InternalError,-\n"))

    assert lookup("tencent", "api", "InternalError", read=True).row.verdict == "unsure"


def test_comments_and_empty_lines_do_not_count(write: Write) -> None:
    """Not even before the header."""
    text = f"# ours\n\n{HEADER}\n# why\n\ntencent,api,New.One,dead,request,,It is new.\n"

    assert [row.source for row in load_overrides(write(text))] == ["codes.tsv line 6"]


def test_a_later_file_takes_the_place_of_an_earlier_one(write: Write) -> None:
    """Nothing of the first is left."""
    load_overrides(write(f"{HEADER}\ntencent,api,New.One,dead,request,,It is new.\n"))
    load_overrides(write(f"{HEADER}\ntencent,api,New.Two,dead,request,,It is new.\n"))

    assert lookup("tencent", "api", "New.One").how == "unknown"
    assert lookup("tencent", "api", "New.Two").how == "exact"


def test_cleared_overrides_leave_the_shipped_rows(write: Write) -> None:
    """Also in answers that were remembered."""
    load_overrides(write(f"{HEADER}\ntencent,api,InternalError,dead,request,,It is ours.\n"))
    assert lookup("tencent", "api", "InternalError").row.verdict == "dead"
    clear_overrides()

    assert lookup("tencent", "api", "InternalError").row.verdict == "unsure"


@pytest.mark.parametrize(
    ("line", "field", "rule"),
    [
        ("tencnet,api,X,dead,request,,A.", "provider", "did you mean tencent?"),
        ("tencent,apis,X,dead,request,,A.", "namespace", "did you mean api?"),
        ("tencent,api,,dead,request,,A.", "code", "cannot be empty"),
        ("tencent,api,X,ded,request,,A.", "verdict", "is one of ok, retry"),
        ("tencent,api,X,,request,,A.", "verdict", "is one of"),
        ("tencent,api,X,dead,acount,,A.", "scope", "is one of recipient"),
        ("tencent,api,X,park,recipient,,A.", "scope", "for park is one of account, process, region, template"),
        ("tencent,api,X,dead,account,,A.", "scope", "for dead is one of content, recipient, request"),
        ("tencent,api,X,throttle,account,,A.", "delay_s", "a throttle says how long"),
        ("tencent,api,X,retry,request,soon,A.", "delay_s", "is whole seconds"),
        ("tencent,api,X,retry,request,-5,A.", "delay_s", "is whole seconds"),
        ("tencent,api,X,retry,request,1.5,A.", "delay_s", "is whole seconds"),
        ("tencent,api,X,retry,request,99999999999999,A.", "delay_s", "from 0 to 2678400"),
        ("tencent,api,X,dead,request,,", "meaning", "cannot be empty"),
        ("tencent,api,X,dead,request,,A.,more", "line", "has 8 cells for 7 columns"),
        ("alibaba,api,isv.SYSTEM_ERROR,dead,request,,A.", "code", "is another spelling of SYSTEM_ERROR"),
        ("tencent,api,InternalError,dead,,,A.", "scope", "for dead is one of"),
    ],
)
def test_a_bad_line_is_refused_with_its_place_and_rule(write: Write, line: str, field: str, rule: str) -> None:
    """File, line, field, rule."""
    path = write(f"{HEADER}\n{line}\n")
    with pytest.raises(BadOverrides, match=re.escape(rule)) as refused:
        load_overrides(path)

    (fault,) = refused.value.faults
    assert (fault.line, fault.field) == (2, field)
    assert str(refused.value).startswith(f"{path}: line 2: {field}: ")
    assert isinstance(refused.value, BadInput)
    assert refused.value.field == f"{path} line 2: {field}"


@pytest.mark.parametrize(
    ("column", "value", "rule"),
    [
        ("read", "retry", "such as retry/provider"),
        ("read", "park/recipient", "such as retry/provider"),
        ("until_window", "midnight", "is one of 08:00"),
        ("permanent", "maybe", "is one of yes, no"),
        ("permanent", "yes", "holds for the verdict dead only"),
        ("match", "regex", "is one of exact, range"),
    ],
)
def test_the_rarer_columns_are_checked_too(write: Write, column: str, value: str, rule: str) -> None:
    """A slip there would show only when the code comes."""
    with pytest.raises(BadOverrides, match=re.escape(rule)) as refused:
        load_overrides(write(f"provider,namespace,code,{column}\ntencent,api,InternalError,{value}\n"))

    assert refused.value.faults[0].field == column


@pytest.mark.parametrize(
    ("header", "rule"),
    [
        ("provider,namespace,code,verdcit", "did you mean verdict?"),
        ("provider,code,verdict", "lacks namespace"),
        ("provider;namespace;code", "is no column"),
        ("provider,namespace,code,code", "names a column twice"),
    ],
)
def test_a_bad_header_is_refused(write: Write, header: str, rule: str) -> None:
    """Before any line is read."""
    with pytest.raises(BadOverrides, match=re.escape(rule)):
        load_overrides(write(f"{header}\ntencent,api,X\n"))


def test_an_empty_file_is_refused(write: Write) -> None:
    """It can only be a mistake."""
    with pytest.raises(BadOverrides, match="the first line names the columns"):
        load_overrides(write("\n# nothing\n"))


def test_every_fault_is_named_and_nothing_has_changed(write: Write) -> None:
    """The good rows of a bad file do not hold, and those of an earlier file still do."""
    load_overrides(write(f"{HEADER}\ntencent,api,New.Old,dead,request,,It is old.\n"))
    bad = "".join(f"tencent,api,X{number},nonsense,request,,A.\n" for number in range(12))
    with pytest.raises(BadOverrides) as refused:
        load_overrides(write(f"{HEADER}\ntencent,api,New.One,dead,request,,It is new.\n{bad}"))

    assert [fault.line for fault in refused.value.faults] == list(range(3, 15))
    assert str(refused.value).endswith("; and 2 more")
    assert lookup("tencent", "api", "New.One").how == "unknown"
    assert lookup("tencent", "api", "New.Old").how == "exact"


def test_a_code_given_twice_is_refused(write: Write) -> None:
    """With the line that has it already."""
    line = "tencent,api,X,dead,request,,A.\n"
    with pytest.raises(BadOverrides, match="is given in line 2 already"):
        load_overrides(write(f"{HEADER}\n{line}{line}"))


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    """Missing, or not text."""
    with pytest.raises(BadInput, match="cannot be read"):
        load_overrides(tmp_path / "missing.tsv")
    (tmp_path / "binary.tsv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadInput, match="cannot be read"):
        load_overrides(tmp_path / "binary.tsv")


def test_the_guides_example_loads(tmp_path: Path) -> None:
    """What docs/codes/overrides.md shows is a file that works."""
    found = re.search(r"```\n(provider\t.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    assert found
    path = tmp_path / "codes.tsv"
    path.write_text(found[1], encoding="utf-8")

    assert [row.code for row in load_overrides(path)] == [
        "LimitExceeded.PhoneNumberThirtySecondLimit",
        "FailedOperation.SignaturePaused",
        "LimitExceeded.Region*",
    ]


def test_the_guides_error_is_the_real_one(tmp_path: Path) -> None:
    """Word for word."""
    path = tmp_path / "codes.tsv"
    path.write_text("provider\tnamespace\tcode\tverdict\n\ntencent\tapi\tInternalError\tretri\n", encoding="utf-8")
    with pytest.raises(BadOverrides) as refused:
        load_overrides(path)

    assert str(refused.value).replace(str(path), "/etc/smsline/codes.tsv") in GUIDE.read_text(encoding="utf-8")
