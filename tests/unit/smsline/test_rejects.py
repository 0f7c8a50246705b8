"""The file of rejected rows: where it is, when it takes its place, that no cell runs."""

from pathlib import Path

import pytest

from smsline.csvcolumns import CsvRow
from smsline.csvfile import open_campaign
from smsline.errors import BadInput
from smsline.rejects import RejectedFile, harmless, rejected_path

PHONE = "+8613711112222"


def test_the_rejected_file_is_beside_the_campaign(tmp_path: Path) -> None:
    """`may.csv` has `may.rejected.csv`; what is no file has one in the current folder."""
    path = tmp_path / "may.csv"
    path.touch()

    assert rejected_path(str(path)) == tmp_path / "may.rejected.csv"
    assert Path("stdin.rejected.csv") == rejected_path("-") == rejected_path("/dev/stdin")


def test_rejected_rows_can_be_mended_and_sent_again(tmp_path: Path) -> None:
    """The file names line, number in full and reason, and is itself a campaign file."""
    path = tmp_path / "may.rejected.csv"

    with RejectedFile(path) as rejected:
        rejected.add(7, PHONE, "ref is too long, really")
        rejected.add(9, "", "phone is empty")

    assert rejected.count == 2
    with open_campaign(str(path)) as file:
        assert file.columns.ignored == ("line", "reason")
        assert [row._replace(others=()) for row in file.rows()] == [
            CsvRow(2, PHONE),
            CsvRow(3, "", reason="phone is empty"),
        ]
    assert f"7,{PHONE}," in path.read_text("utf-8-sig")


def test_the_rejected_file_takes_its_place_at_the_end(tmp_path: Path) -> None:
    """Until then that of an earlier run is there.

    It stays when the run breaks off, and goes when no row was rejected.
    """
    path = tmp_path / "may.rejected.csv"
    path.write_text("stale")

    with pytest.raises(KeyboardInterrupt), RejectedFile(path) as rejected:
        _break_off(rejected)
    assert path.read_text() == "stale"
    with RejectedFile(path):
        assert path.read_text() == "stale"
    assert not list(tmp_path.iterdir())


def _break_off(rejected: RejectedFile) -> None:
    rejected.add(2, PHONE, "why")
    raise KeyboardInterrupt


def test_a_place_that_cannot_be_written_to_is_told_at_once(tmp_path: Path) -> None:
    """And what is no plain file is written to, not replaced."""
    with pytest.raises(BadInput, match="name another file with --rejects"):
        RejectedFile(tmp_path / "none" / "r.csv")
    with RejectedFile(Path("/dev/null")) as rejected:
        rejected.add(2, PHONE, "why")
    assert Path("/dev/null").is_char_device()


def test_a_full_disk_stops_no_campaign() -> None:
    """Its job is taken by then: the trouble is told beside it, with the way to the list."""
    with RejectedFile(Path("/dev/full")) as rejected:
        rejected.add(2, PHONE, "why")
    assert rejected.count == 1
    assert "/dev/full: No space left on device" in rejected.trouble
    assert "--dry-run and another --rejects FILE" in rejected.trouble


@pytest.mark.parametrize("cell", ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "＝1", "+49 171 1"])  # noqa: RUF001
def test_a_cell_that_a_spreadsheet_would_run_is_text(cell: str) -> None:
    """In what is given back to people, who open it with one; a number in E.164 stays what it is."""
    assert harmless(cell) == f"'{cell}"
    assert [harmless(each) for each in (PHONE, "a=b", "", 5)] == [PHONE, "a=b", "", 5]
