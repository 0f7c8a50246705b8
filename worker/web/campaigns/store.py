"""Uploaded files until their campaign starts.

They lie in a folder of this process for an hour, each for the user who uploaded it.
"""

import secrets
import shutil
import tempfile
import time
import weakref
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from smsline.errors import NotFound
from worker.web.campaigns.sheet import Sheet, read_sheet

KEPT_S: Final = 3_600.0
# Files at a time; the oldest gives way.
MOST: Final = 20
# Campaigns whose second start is led to their job.
MOST_STARTED: Final = 1_000


@dataclass(frozen=True, slots=True)
class StoredUpload:
    """A file that was brought.

    Attributes:
        token: What it is asked for by; the campaign's idempotency key is made of it.
        owner: Who brought it.
        name: What it was called.
        size: Bytes.
        sheet: Its header.
        since_s: When, by the monotonic clock.
    """

    token: str
    owner: str
    name: str
    size: int
    sheet: Sheet
    since_s: float


class Uploads:
    """The folder.

    It holds numbers in the clear, so only this process' user may look into it, and it goes with the
    process.
    """

    def __init__(self) -> None:
        self._folder: Path | None = None
        self._kept: dict[str, StoredUpload] = {}
        self._jobs: dict[tuple[str, str], str] = {}

    def take(self, source: BinaryIO, *, owner: str, name: str, encoding: str = "") -> StoredUpload:
        """Keep a file.

        Raises:
            BadInput: It is no table of text.
        """
        # At each visit: no thread is needed for what an hour more would not harm.
        self._forget()
        token = secrets.token_urlsafe(18)
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="smsline-web-"))  # mode 0700
            weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        path = self._folder / token
        with path.open("wb") as kept:
            shutil.copyfileobj(source, kept)
        try:
            sheet = read_sheet(path, encoding)
        except Exception:
            # A file that cannot be read is of no use, and holds numbers.
            path.unlink()
            raise
        upload = StoredUpload(token, owner, name, path.stat().st_size, sheet, time.monotonic())
        self._kept[token] = upload
        return upload

    def get(self, token: str, owner: str) -> StoredUpload:
        """The file of a token.

        Raises:
            NotFound: There is none, not any more, or it is another user's.
        """
        self._forget()
        upload = self._kept.get(token)
        if upload is None or upload.owner != owner:
            raise NotFound("this file is not here any more; upload it again")
        return upload

    def started(self, upload: StoredUpload, job: str) -> None:
        """Forget a file whose campaign is a job now."""
        self._jobs[upload.token, upload.owner] = job
        if len(self._jobs) > MOST_STARTED:
            del self._jobs[next(iter(self._jobs))]
        self.drop(upload)

    def job_of(self, token: str, owner: str) -> str:
        """The job that a file has become, or nothing.

        Told that the file is not here, a person would bring it again and text everyone twice.
        """
        return self._jobs.get((token, owner), "")

    def drop(self, upload: StoredUpload) -> None:
        """Forget a file."""
        if self._kept.pop(upload.token, None):
            upload.sheet.path.unlink(missing_ok=True)

    def _forget(self) -> None:
        """Drop files whose visitor has not come back, and the oldest when there are too many."""
        old = time.monotonic() - KEPT_S
        kept = sorted(self._kept.values(), key=lambda upload: upload.since_s)
        for upload in [*(each for each in kept if each.since_s < old), *kept[: max(0, len(kept) - MOST + 1)]]:
            self.drop(upload)
