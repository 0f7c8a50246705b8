"""docs/codes.md: made from the tables, and never behind them."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

from smsline.codes import namespaces, rows

DOCS = Path(__file__).parents[3] / "docs"


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    """docs/generate_codes.py as a module."""
    spec = importlib.util.spec_from_file_location("generate_codes", DOCS / "generate_codes.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_up_to_date(generator: ModuleType) -> None:
    """What `make check` asks."""
    assert generator.main(["--check"]) == 0, "run python docs/generate_codes.py"


def test_a_stale_page_is_found_and_made_anew(
    generator: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One changed letter is enough; a missing page too."""
    monkeypatch.setattr(generator, "PAGE", tmp_path / "codes.md")
    assert generator.main(["--check"]) == 1
    assert generator.main([]) == 0
    assert generator.main(["--check"]) == 0
    generator.PAGE.write_text(generator.PAGE.read_text().replace("verdict", "verdikt", 1))
    assert generator.main(["--check"]) == 1
    assert "stale" in capsys.readouterr().err


def test_the_page_names_every_code_that_is_not_a_receipt(generator: ModuleType) -> None:
    """Receipts are drawn together by reason; their number is given instead."""
    page = generator.page()
    for row in rows():
        assert row.reason or f"`{row.code}`" in page, row.code
    assert "1,975 rows share 38 reasons" in page


def test_the_page_has_every_namespace(generator: ModuleType) -> None:
    """Each under its title."""
    page = generator.page()
    assert all(f"### {space.title}\n" in page for space in namespaces().values())


def test_every_line_of_a_table_has_the_cells_of_its_header(generator: ModuleType) -> None:
    """A stroke in a text would break the table."""
    width = 0
    for line in generator.page().splitlines():
        cells = len(re.findall(r"(?<!\\)\|", line)) if line.startswith("|") else 0
        assert cells in {0, width or cells}, line
        width = cells


@pytest.mark.parametrize(
    ("codes", "drawn"),
    [
        (["0001", "0002", "0003"], ["0001\u20130003"]),
        (["0001", "0002"], ["0001", "0002"]),
        (["9", "10", "11"], ["9", "10", "11"]),
        (["-1", "1", "2", "3", "A"], ["1\u20133", "A", "-1"]),
        (["0009", "0010", "0011", "0013"], ["0009\u20130011", "0013"]),
        ([], []),
    ],
)
def test_numbers_in_a_row_are_drawn_together(generator: ModuleType, codes: list[str], drawn: list[str]) -> None:
    """Three or more of one width."""
    assert list(generator._drawn_together(codes)) == drawn


def test_the_links_of_the_pages_lead_somewhere() -> None:
    """The page, the review and the guide refer to each other."""
    for page in (DOCS / "codes.md", DOCS / "codes" / "review.md", DOCS / "codes" / "overrides.md"):
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_the_review_names_codes_that_exist() -> None:
    """So that it does not outlive a row."""
    text = (DOCS / "codes" / "review.md").read_text(encoding="utf-8")
    known = {row.code for row in rows()} | {alias for row in rows() for alias in row.aliases}
    tails = {code.rpartition(".")[2] for code in known}
    named = set(re.findall(r"\b(?:[A-Z][a-z]+){2,}(?:\.[A-Z]\w+)?\b|\b[A-Z]{2,}_[A-Z_0-9]+\b", text))
    named -= {"SMSPartner"}

    assert named
    assert {name for name in named if not any(tail.endswith(name) for tail in known | tails)} == set()
