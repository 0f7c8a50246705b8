"""The shipped tables: complete against the providers' documents, and sound in every row."""

from collections import Counter
from importlib.resources import files

import pytest

from smsline.codes import CodeRow, Namespace, namespaces, providers, rows, what_smsline_does
from smsline.codes.parse import SCOPES, Fault, cells_of, read_row
from smsline.codes.row import WINDOWS
from smsline.codes.store import table
from smsline.verdicts import Verdict

COUNTS = {
    ("tencent", "api"): 137,  # 124 codes of the document, 12 of the SDKs, and Ok, which the code lists leave out
    ("tencent", "legacy"): 41,
    ("tencent", "receipt"): 1975,
    ("alibaba", "api"): 46,
    ("alibaba", "gateway"): 9,
    ("alibaba", "receipt"): 13,
    ("alibaba", "smpp"): 7,
    ("smspartner", "send"): 34,  # 31 codes, and 9 once more for each field it can be about
    ("smspartner", "any"): 4,  # 3 kinds of HTTP answer, and a failure without a code
    ("smspartner", "cancel"): 11,
    ("smspartner", "status"): 10,
    ("smspartner", "dlr"): 4,
    ("smspartner", "sms_status"): 8,
    ("smspartner", "number_verification"): 10,
    ("smspartner", "subaccount"): 8,
    ("smspartner", "subaccount_create"): 9,
    ("smspartner", "subaccount_credit"): 9,
    ("smspartner", "subaccount_remove"): 3,
    ("smspartner", "location"): 31,
    ("smspartner", "vms"): 9,
    ("smspartner", "mail"): 34,
    ("smspartner", "hlr_status"): 15,
    ("smspartner", "hlr_error"): 64,
    ("smsline", "local"): 44,
}

ADDED = {("tencent", "api"): 1, ("alibaba", "api"): 14, ("alibaba", "gateway"): 12}
"""Codes in none of these documents; each row's source says where it was seen."""

EVERY = list(rows())


def named(row: CodeRow) -> str:
    return f"{row.provider}/{row.namespace}/{row.code}"


def test_every_namespace_has_as_many_rows_as_its_document() -> None:
    """Counted from the documents by hand and machine; a row lost or doubled shows here."""
    assert Counter((row.provider, row.namespace) for row in EVERY if not row.added) == COUNTS


def test_codes_of_other_sources_are_counted_apart() -> None:
    """So that the counts above stay those of the documents."""
    assert Counter((row.provider, row.namespace) for row in EVERY if row.added) == ADDED


@pytest.mark.parametrize(("provider", "count"), [("alibaba", 75), ("smspartner", 259 + 4)])
def test_every_provider_has_as_many_rows_as_its_documents(provider: str, count: int) -> None:
    """Over all of its namespaces."""
    assert sum(not row.added for row in rows(provider)) == count


def test_receipts_have_the_documents_carriers_and_distinct_codes() -> None:
    """1,975 rows, 1,968 distinct codes; MTU stands for all three carriers."""
    receipts = list(rows("tencent", "receipt"))

    assert len({row.code for row in receipts}) == 1968
    assert Counter(row.carrier for row in receipts) == {"CMCC": 892, "UNICOM": 729, "TELECOM": 303, "MTU": 51}
    assert len({row.reason for row in receipts}) == 38


def test_only_known_codes_stand_twice() -> None:
    """Where a document lists a code twice, both rows are kept, and nowhere else."""
    twice = {key for key, count in Counter(named(row) for row in EVERY).items() if count > 1}

    ids = {f"tencent/receipt/ID:{number:04d}" for number in range(77, 83)}
    assert twice == ids | {"tencent/receipt/DB:0140", "smspartner/hlr_error/2053"}


def test_every_row_speaks_to_people() -> None:
    """A meaning and advice of whole sentences, a source, and a sentence of what smsline does."""
    for row in EVERY:
        for text in (row.meaning, row.advice, what_smsline_does(row)):
            assert text[0].isupper() or text.startswith("smsline"), named(row)
            assert text.endswith((".", ".)")), named(row)
            assert "{" not in text, named(row)
        assert len(row.meaning.split()) >= 3, named(row)
        assert row.source, named(row)


def test_every_row_keeps_the_rules_of_the_tables() -> None:
    """Written out and read again it is the same row: its verdict, scope and waits are allowed."""
    spaces = {(space.provider, space.name): space for space in _spaces()}
    for row in [*EVERY, *_families()]:
        again = read_row(cells_of(row), spaces[row.provider, row.namespace])
        assert not isinstance(again, Fault), f"{named(row)}: {again}"
        assert cells_of(again) == cells_of(row)
        assert row.scope in SCOPES[row.verdict]


def test_the_columns_of_every_file_are_known() -> None:
    """A misspelt column would silently be dropped."""
    known = {
        "provider",
        "namespace",
        "kind",
        "file",
        "also",
        "zone",
        "utc_offset_h",
        "title",
        "reason",
        "carrier",
        "line",
    }
    known |= set(cells_of(EVERY[0]))
    folder = files("smsline.codes").joinpath("data")
    for file in folder.iterdir():
        header, *lines = file.read_text(encoding="utf-8").splitlines()
        assert set(header.split("\t")) <= known, file.name
        for line in lines:
            assert line == line.rstrip(), f"{file.name}: {line}"
            assert len(line.split("\t")) <= len(header.split("\t")), f"{file.name}: {line}"


def test_a_spelling_leads_to_one_row_of_its_namespace() -> None:
    """No alias is the code of another row, or the alias of two, save for the twins."""
    for space in _spaces():
        found = table(space.provider, space.name).rows
        codes = {row.code for row in found}
        aliases = Counter(alias for row in found for alias in row.aliases)
        assert not codes & set(aliases), space
        assert {alias for alias, count in aliases.items() if count > 1} == set(), space


def test_what_a_row_refers_to_exists() -> None:
    """`see` names a code of the same provider."""
    known = {(row.provider, row.code) for row in EVERY}
    assert {(row.provider, code) for row in EVERY for code in row.see} <= known


def test_a_neighbour_is_a_namespace_of_the_same_provider() -> None:
    """And never the namespace itself."""
    for space in _spaces():
        for name in space.also:
            assert (space.provider, name) in namespaces()
            assert name != space.name


def test_windows_in_use_are_all_known_and_all_used() -> None:
    """No kind of waiting exists for nothing."""
    assert {row.until_window for row in EVERY if row.until_window} == set(WINDOWS)


def test_providers_are_listed_in_order() -> None:
    """Tencent first; smsline's own codes last."""
    assert providers() == ("tencent", "alibaba", "smspartner", "smsline")


@pytest.mark.parametrize("verdict", list(Verdict))
def test_rows_can_be_chosen_by_verdict(verdict: Verdict) -> None:
    """By the enum or by its word."""
    chosen = list(rows(verdict=verdict))

    assert chosen == [row for row in EVERY if row.verdict is verdict]
    assert chosen == list(rows(verdict=verdict.value))


def test_rows_of_an_unknown_provider_are_none() -> None:
    """A filter that fits nothing gives nothing."""
    assert list(rows("tencnet")) == []


def _spaces() -> list[Namespace]:
    return list(namespaces().values())


def _families() -> list[CodeRow]:
    return [row for space in namespaces().values() for row in table(space.provider, space.name).families]
