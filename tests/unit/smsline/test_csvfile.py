"""Campaign files: what is taken, what is refused, and which line is to blame."""

import csv
import io
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smsline.csvcolumns import CsvRow
from smsline.csvfile import CampaignFile
from smsline.errors import BadInput
from smsline.row_values import check_params
from smsline.textfile import looks_like

PHONE = "+8613711112222"


def opened(content: str | bytes) -> CampaignFile:
    data = content.encode() if isinstance(content, str) else content
    return CampaignFile(io.BytesIO(data), "may.csv")


def rows(content: str | bytes) -> list[CsvRow]:
    return list(opened(content).rows())


def refused(content: str | bytes) -> str:
    with pytest.raises(BadInput) as caught:
        rows(content)
    return str(caught.value)


def test_lines_are_those_of_the_file() -> None:
    """The header is line 1, the first recipient line 2."""
    assert rows(f"phone\n{PHONE}\n+33612345678\n") == [CsvRow(2, PHONE), CsvRow(3, "+33612345678")]


def test_a_byte_order_mark_is_no_part_of_the_first_column() -> None:
    """Spreadsheets put one before `phone`."""
    assert rows(b"\xef\xbb\xbfphone\r\n+8613711112222\r\n") == [CsvRow(2, PHONE)]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_the_header_tells_the_delimiter(delimiter: str) -> None:
    """A comma, a semicolon (where the comma is the decimal point) or a tab."""
    header, row = delimiter.join(["ref", "phone", "param1"]), delimiter.join(["r1", PHONE, "Li"])

    assert rows(f"{header}\n{row}\n") == [CsvRow(2, PHONE, ("Li",), "r1")]


def test_the_delimiter_is_the_one_that_separates_phone() -> None:
    """Another delimiter within the name of some other column does not count."""
    assert rows(f'"a;b;c;d",phone\nx,{PHONE}\n') == [CsvRow(2, PHONE, others=("x",))]


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_any_line_ending_will_do(ending: str) -> None:
    """Unix, Windows and old Macintosh; the last line needs none."""
    assert rows(f"phone{ending}{PHONE}{ending}{PHONE}") == [CsvRow(2, PHONE), CsvRow(3, PHONE)]


def test_columns_stand_in_any_order_and_case() -> None:
    """`Phone`, ` PARAM1 ` and `Ref` are found; params come in the order of their numbers."""
    content = f"param2,Ref, PARAM1 ,Phone\nb,r,a,{PHONE}\n"

    assert rows(content) == [CsvRow(2, PHONE, ("a", "b"), "r")]


def test_ten_params_are_ordered_as_numbers() -> None:
    """`param10` comes after `param9`, not after `param1`."""
    names = [f"param{number}" for number in range(1, 12)]
    content = f"phone,{','.join(names)}\n{PHONE},{','.join(names)}\n"

    assert rows(content)[0].params == tuple(names)


def test_other_columns_are_told_and_passed_over() -> None:
    """They may be anything, even another encoding; columns without a name are not worth telling."""
    file = opened(f"name,phone,,city\n王,{PHONE},x,北京\n".encode("gb18030"))

    assert file.columns.ignored == ("name", "city")
    assert [row._replace(others=()) for row in file.rows()] == [CsvRow(2, PHONE)]


def test_values_keep_their_spaces_but_phone_and_ref_do_not() -> None:
    """A param is said as it is written."""
    assert rows(f"phone,param1,ref\n {PHONE} , a , r \n") == [CsvRow(2, PHONE, (" a ",), "r")]


def test_blank_rows_are_passed_over_and_counted() -> None:
    """Spreadsheets leave rows of nothing but delimiters; later lines keep their numbers."""
    assert rows(f"phone\n\n   \n\n{PHONE}\n\n") == [CsvRow(5, PHONE)]
    assert rows(f"phone,ref\n,\n\n , \n{PHONE},r\n,,,\n") == [CsvRow(5, PHONE, None, "r")]


def test_a_row_begins_where_its_first_line_is() -> None:
    """A quoted value may hold line breaks.

    The row has the number of its first line, the next one goes on after it.
    """
    content = f'phone,note\n{PHONE},"two\nlines"\n{PHONE},"three\r\nlong\r\nlines"\n{PHONE},one\n'

    assert [row.line for row in rows(content)] == [2, 4, 7]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (f"{PHONE}", "has 1 value where the header names 3 columns"),
        (f"{PHONE},p,a,b", "has 4 values where the header names 3 columns"),
        (" ,p,a", "phone is empty"),
    ],
)
def test_a_bad_row_says_why_and_the_others_go_on(line: str, reason: str) -> None:
    """A param that is missing, values too many, or no number."""
    bad, good = rows(f"phone,param1,ref\n{line}\n{PHONE},p,r\n")

    assert (2, reason) == (bad.line, bad.reason)
    assert good == CsvRow(3, PHONE, ("p",), "r")


def test_empty_cells_at_the_end_come_and_go() -> None:
    """Spreadsheets leave them out of some rows, and write them after others."""
    content = f"phone,param1,ref,note\n{PHONE},a\n{PHONE},a,r,,,\n{PHONE},a,r\n"

    found = rows(content)
    assert [(row.params, row.ref, row.reason) for row in found] == [(("a",), ref, "") for ref in ("", "r", "r")]


def test_a_blank_beside_a_quote_belongs_to_neither() -> None:
    """As people type lists; a quote within a value stays, a blank in quotes is the value's."""
    content = f'phone, "param1" ,param2\n{PHONE}, "482913",b\n{PHONE},a "b" c, " d, e"\n{PHONE}, a,b\n'
    content += f'{PHONE},\u00a0"482913"\u3000,b\n"{PHONE}" , "a ""b"" , c"  , "d" ,\n'

    assert [row.params for row in rows(content)] == [
        ("482913", "b"),
        ('a "b" c', " d, e"),
        (" a", "b"),
        ("482913", "b"),
        ('a "b" , c', "d"),
    ]


@pytest.mark.parametrize("value", ['"a" b', ' "a" b', ' "a\nb"'])
def test_a_quote_that_does_not_enclose_its_value_is_a_bad_row(value: str) -> None:
    """What its writer meant cannot be known, and the text would go out with half of it."""
    bad, *others, good = rows(f"phone,param1\n{PHONE},{value}\n{PHONE},a\n")
    assert (bad.line, good.params) == (2, ("a",))
    assert all("cannot be read as CSV" in row.reason or "has 1 value" in row.reason for row in (bad, *others))


@pytest.mark.parametrize(
    "name",
    [
        *(
            "Mobile",
            "Phone Number",
            "phone_number",
            "MSISDN",
            "手机号",
            "Téléphone",
            "\u200bphone",
            '"Tel."',
            "\uff50hone",
        ),
        *("Telephone #", "Phone number (E.164)", "Mobile No.*", "Nº de teléfono", "Номер телефона", "휴대폰 번호"),
    ],
)
def test_the_phone_column_has_many_names(name: str) -> None:
    """Programs that export lists write them as they like."""
    assert rows(f"ref;{name};param\uff11\nr;{PHONE};a\n") == [CsvRow(2, PHONE, ("a",), "r")]


def test_a_phone_column_can_be_named() -> None:
    """By any name; phone comes before the usual names, of which several need a choice."""
    content = f"Mobile,Tel,Work\n{PHONE},+33612345678,+33612345679\n".encode()
    assert "several columns may hold the phone (mobile, tel); say which: --phone-column" in refused(content)
    for column, phone in (("work", "+33612345679"), ("TEL", "+33612345678")):
        assert [row.phone for row in CampaignFile(io.BytesIO(content), "f", phone_column=column).rows()] == [phone]
    with pytest.raises(BadInput, match="is no column of f; it has: mobile, tel, work"):
        CampaignFile(io.BytesIO(content), "f", phone_column="fax")
    with pytest.raises(BadInput, match=r"may be one of several columns of f; .*: tel #, tel"):
        CampaignFile(io.BytesIO(b"Tel #,Tel\n"), "f", phone_column="tél")
    assert [row.phone for row in rows(f"phone,mobile,Phone #\n{PHONE},1,2\n")] == [PHONE]


def test_a_formula_that_keeps_zeros_is_their_text() -> None:
    """Sent as it stands it would be in the text, with sign and quotes."""
    content = f'phone,param1,ref\n="{PHONE}",="000482","=""07"""\n{PHONE},=1+1,"=""a"" b"\n'
    assert rows(content) == [CsvRow(2, PHONE, ("000482",), "07"), CsvRow(3, PHONE, ("=1+1",), '="a" b')]


@pytest.mark.parametrize("first", ["sep=;", '"sep=;"', "SEP=;"])
def test_a_spreadsheets_own_first_line_names_the_delimiter(first: str) -> None:
    """Lines are counted with it."""
    assert rows(f"{first}\r\nphone;param1\r\n{PHONE};a,b\r\n") == [CsvRow(3, PHONE, ("a,b",))]
    assert rows(f"{first}\n\n ;\nphone;param1\n{PHONE};a,b\n") == [CsvRow(5, PHONE, ("a,b",))]
    assert rows(f";\n\nphone;param1\n{PHONE};a,b\n") == [CsvRow(4, PHONE, ("a,b",))]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig"])
def test_unicode_of_any_width_is_read(encoding: str) -> None:
    """With its mark or without; half a character spoils its row alone."""
    content = f"phone\tparam1\n{PHONE}\t王😀\n{PHONE}\tx\n"
    assert [row.params for row in rows(content.encode(encoding))] == [("王😀",), ("x",)]
    if encoding == "utf-16-le":
        good, bad, last = rows(
            f"phone,param1\n{PHONE},a\n{PHONE},\ud83d\n{PHONE},b\n".encode(encoding, "surrogatepass")
        )
        assert (good.reason, last.reason) == ("", "")
        assert bad.reason


def test_another_encoding_can_be_named() -> None:
    """Without a name its rows are refused with their lines, and a guess is said."""
    content = f"phone,param1\n{PHONE},Müller\n".encode("cp1252")
    assert rows(content)[0].reason.startswith("is not UTF-8 text and looks like cp1252: name that with --encoding")
    assert list(CampaignFile(io.BytesIO(content), "f", encoding="windows-1252").rows()) == [
        CsvRow(2, PHONE, ("Müller",))
    ]
    with pytest.raises(BadInput, match="--encoding"):
        CampaignFile(io.BytesIO(content), "f", encoding="klingon")


@pytest.mark.parametrize(
    ("encoding", "names"),
    [
        ("gb18030", ["张伟", "手机号", "您的验证码"]),
        ("big5", ["張偉", "陳大文 台北市"]),
        ("shift_jis", ["テスト", "山田太郎", "東京都港区"]),
        ("euc_kr", ["안녕하세요 고객님"]),
        ("cp1251", ["Иван Петров"]),
        ("cp1252", ["François", "José Núñez", "L\x92été".encode("latin-1").decode("cp1252")]),
        ("", ["Anna", "张伟 Müller"]),
    ],
)
def test_what_a_file_looks_like(encoding: str, names: Sequence[str]) -> None:
    """By its usual letters; a header that is no text is refused with the same word."""
    for name in names:
        content = f"phone,param1\n{PHONE},{name}\n{PHONE},x\n".encode(encoding or "utf-8")
        assert looks_like(content) == encoding
        if encoding:
            assert f"looks like {encoding}: name that with --encoding" in refused(f"Handy,{name}\n".encode(encoding))


def test_a_zero_byte_spoils_its_row_alone() -> None:
    """As long as the header is text, and all of it UTF-8; the param is refused at its check."""
    assert [row.params for row in rows(f"phone,param1\n{PHONE},a\0b\n{PHONE},c\n")] == [("a\0b",), ("c",)]
    with pytest.raises(BadInput, match="control character"):
        check_params(("a\0b",))


@pytest.mark.parametrize("name", ["Param 1", "param_01", "PARAM-1", " param1"])
def test_a_param_s_name_is_free_in_its_signs(name: str) -> None:
    """Its values would be missing in every text."""
    assert rows(f"phone,{name}\n{PHONE},a\n") == [CsvRow(2, PHONE, ("a",))]


@pytest.mark.parametrize("name", ["params", "param", "param0", "parameter 1", "params1", "param100"])
def test_a_column_that_is_nearly_a_param_is_refused(name: str) -> None:
    """To pass it over would send every text without its value."""
    assert f"has a column '{name}'; call it param1" in refused(f"phone,{name}\n{PHONE},a\n")


def test_two_stray_quotes_swallow_no_row() -> None:
    """A value of several lines with a row in it is what an unclosed quote makes.

    Other lines are a value's own.
    """
    bad, good = rows(f'phone,param1\n{PHONE},"a\n{PHONE},b"\n{PHONE},"Call\n{PHONE} now"\n')
    assert (
        bad.reason == "has a value that holds another row; is a quote not closed? (lines 2 to 3 were read as one row)"
    )
    assert good == CsvRow(4, PHONE, (f"Call\n{PHONE} now",))


def test_a_list_without_a_header_is_read_where_it_may_be_one() -> None:
    """As `smsline suppress list` prints it; a campaign must name its columns."""
    content = f"{PHONE}\n+33612345678\n".encode()
    assert list(CampaignFile(io.BytesIO(content), "f", header=False).rows()) == [
        CsvRow(1, PHONE),
        CsvRow(2, "+33612345678"),
    ]
    assert "must name a column 'phone'" in refused(content)


def test_a_ragged_row_keeps_its_number() -> None:
    """So that the person who mends it can find it."""
    assert rows(f"phone,ref\n{PHONE}\n")[0].phone == PHONE


def test_a_row_in_another_encoding_is_a_bad_row() -> None:
    """Only rows whose own values cannot be read are refused."""
    content = b"phone,param1\n+8613711112222,Li\n+8613711113333,\xc1\xf5\n"

    good, bad = rows(content)

    assert (good.reason, bad.reason[:45]) == ("", "is not UTF-8 text and looks like gb18030: nam")
    assert bad.phone == "+8613711113333"


def test_a_quote_that_is_never_closed_names_all_lines_it_swallows() -> None:
    """Nothing vanishes without a word: the rows behind a stray quote were read as its value."""
    content = f'phone,param1\n{PHONE},ok\n{PHONE},"oops\n{PHONE},a\n{PHONE},b\n'

    good, bad = rows(content)

    assert good == CsvRow(2, PHONE, ("ok",))
    assert bad.line == 3
    assert "is a quote not closed? (lines 3 to 5 were read as one row)" in bad.reason


def test_reading_goes_on_after_a_row_that_is_no_csv() -> None:
    """Text after a closing quote spoils one row."""
    bad, good = rows(f'phone,ref\n{PHONE},"a"b\n{PHONE},r\n')

    assert "cannot be read as CSV" in bad.reason
    assert good == CsvRow(3, PHONE, None, "r")


def test_a_value_beyond_all_measure_is_a_bad_row() -> None:
    """The csv module's limit of 131,072 characters holds; the next line is read."""
    bad, good = rows(f"phone,ref\n{PHONE},{'x' * 140_000}\n{PHONE},r\n")

    assert "field larger than field limit" in bad.reason
    assert good == CsvRow(3, PHONE, None, "r")


def test_no_phone_column_is_refused_and_shows_what_there_is() -> None:
    """The names found are listed."""
    assert "its first line must name a column 'phone'; it has: fax, name" in refused("fax,name\n1,2\n")


def test_a_file_without_a_header_shows_no_number() -> None:
    """Its first line is a recipient, whose number stays masked."""
    message = refused(f"{PHONE},Li\n")

    assert "must name a column 'phone'" in message
    assert PHONE[5:10] not in message
    twice = refused(f"Li,{PHONE},{PHONE}\n")
    assert "is there twice" in twice
    assert PHONE[5:10] not in twice


def test_a_column_that_is_there_twice_is_refused() -> None:
    """It cannot be known which of them is meant; case makes no difference."""
    assert "the column 'phone' is there twice" in refused("phone,Phone\n1,2\n")


def test_a_gap_in_the_params_is_refused() -> None:
    """`param1, param3` would shift a value to another place in the text."""
    assert "has a column 'param3' but no 'param2'" in refused("phone,param1,param3\n1,2,3\n")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"PK\x03\x04\x14\x00", "is a spreadsheet"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "is a spreadsheet"),
        (b"\x1f\x8b\x08\x00", "is compressed"),
        (b"\xff\xfe\x00", "ends in the middle of a character"),
        ("phone\n1\n".encode("utf-32"), "is UTF-32 text"),
        (b"\x7fELF\x02\x01\x01\x00", "is not text"),
        (b"\n\n", "it has: nothing"),
        (b'"phone', "it has: nothing"),
    ],
)
def test_what_is_no_csv_is_refused_with_what_to_do(content: bytes, words: str) -> None:
    """A spreadsheet, an archive, UTF-32, a program, nothing at all."""
    assert words in refused(content)


def test_a_header_alone_has_no_rows() -> None:
    """Which is for the caller to judge."""
    assert rows("phone,ref\n") == []


_VALUES = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=8)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(_VALUES, _VALUES), max_size=12), st.sampled_from(",;\t"), st.sampled_from(["\n", "\r\n"]))
def test_what_a_spreadsheet_writes_is_read_back(values: Sequence[tuple[str, str]], delimiter: str, ending: str) -> None:
    """Whatever the params hold comes back as it was; each row has the line it begins on."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=delimiter, lineterminator=ending)
    writer.writerow(["param1", "phone", "param2"])
    expected = []
    for first, second in values:
        line = len(out.getvalue().split("\n"))
        expected.append(CsvRow(line, PHONE, (first, second)))
        writer.writerow([first, PHONE, second])

    assert rows(out.getvalue()) == expected
