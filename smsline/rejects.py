"""The rows that were not taken, in a file beside the campaign.

Its cells are marked where a spreadsheet would run them.
"""

import csv
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Self, TextIO

from smsline.csvfile import STDIN
from smsline.errors import BadInput

_E164: Final = re.compile(r"\+[0-9]+")
_RUN: Final = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")  # noqa: RUF001 - spreadsheets take these too


def harmless(cell: object) -> object:
    """The cell, with a mark for text before it where a spreadsheet would run it.

    A number in E.164 is none of that.
    """
    if isinstance(cell, str) and cell.startswith(_RUN) and not _E164.fullmatch(cell):
        return f"'{cell}"
    return cell


def as_written(cell: str) -> str:
    """The cell without the mark that `harmless` has put before it."""
    return cell[1:] if cell.startswith("'") and harmless(cell[1:]) == cell else cell


def rejected_path(path: str) -> Path:
    """Where a campaign's rejected rows go: `may.rejected.csv` beside `may.csv`.

    For a pipe, the current folder.
    """
    is_file = path != STDIN and Path(path).is_file()
    return Path(path).with_suffix(".rejected.csv") if is_file else Path("stdin.rejected.csv")


class RejectedFile:
    """The rows that were not taken, as `line,phone,reason`, for the person who has to mend them.

    Numbers stand in full: the file lies beside the one they come from. It is written under another
    name and takes its place at the end, so that the one of an earlier run is there until then;
    without a row, there is no file.

    Attributes:
        path: Where it is in the end.
        count: Rows in it.
        trouble: Why not all of them are, as on a full disk; the campaign goes on all the same.
    """

    def __init__(self, path: Path) -> None:
        """Open it, before anything is taken.

        Raises:
            BadInput: The folder does not allow it.
        """
        self.path = path
        self.count = 0
        self.trouble = ""
        # What is no plain file (/dev/null, a pipe) is written to and not replaced.
        self._kept = path.exists() and not path.is_file()
        try:
            self._at = path
            if not self._kept:
                # In the same folder: a file takes another's place in one step only
                # within one file system.
                handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
                os.close(handle)
                self._at = Path(name)
            # With a byte order mark, by which spreadsheets know UTF-8.
            self._file: TextIO = self._at.open("w", encoding="utf-8-sig", newline="")
        except OSError as error:
            rule = f"cannot be written ({error.strerror or error}); name another file with --rejects"
            raise BadInput("--rejects", str(path), rule) from None
        self._writer = csv.writer(self._file)

    def add(self, line: int | str, phone: str, reason: str) -> None:
        """Write one row."""
        # Not raised: the rows before this one are in the ledger already, and an error would leave
        # their job half handed over.
        with self._told():
            if not self.count:
                self._writer.writerow(("line", "phone", "reason"))
            self._writer.writerow((line, harmless(phone), harmless(reason)))
        self.count += 1

    def keep(self) -> None:
        """Put it in its place; when no row is in it, remove that of an earlier run."""
        if self._file.closed:
            return
        with self._told():
            self._file.close()
        if self._kept:
            return
        with self._told():
            if self.count:
                self._at.replace(self.path)
            else:
                self._at.unlink(missing_ok=True)
                self.path.unlink(missing_ok=True)

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self.trouble = (
                f"{self.path}: {error.strerror or error}; not all rejected rows could be written. The same command with "
                "--dry-run and another --rejects FILE lists them, and sends nothing"
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.keep()
        elif not self._file.closed:
            with self._told():
                self._file.close()
            if not self._kept:
                self._at.unlink(missing_ok=True)
