"""Campaign files as they are opened: what cannot be, how far one is read, pipes, and memory."""

import os
import threading
import tracemalloc
from pathlib import Path

import pytest

from smsline.csvfile import open_campaign
from smsline.errors import BadInput

PHONE = "+8613711112222"


def test_a_file_that_cannot_be_opened_is_bad_input(tmp_path: Path) -> None:
    """Missing, or a folder: the reason is the system's own word."""
    for path, words in ((tmp_path / "none.csv", "No such file"), (tmp_path, "Is a directory")):
        with pytest.raises(BadInput, match=words), open_campaign(str(path)):
            pass


def test_progress_is_bytes_of_a_known_size(tmp_path: Path) -> None:
    """At the end everything has been read."""
    path = tmp_path / "may.csv"
    path.write_text("phone\n" + f"{PHONE}\n" * 50_000)

    with open_campaign(str(path)) as file:
        seen = [file.bytes_read for _ in file.rows()]

    assert path.stat().st_size == file.size == seen[-1]
    assert 0 < seen[0] < path.stat().st_size
    assert sorted(seen) == seen


def test_a_pipe_has_no_size_but_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """`-` is standard input."""
    reading, writing = os.pipe()
    content = b"phone\n" + f"{PHONE}\n".encode() * 20_000
    feeder = threading.Thread(target=_feed, args=(writing, content))
    feeder.start()
    with os.fdopen(reading, "r") as pipe:
        monkeypatch.setattr("sys.stdin", pipe)
        with open_campaign("-") as file:
            count = sum(1 for _ in file.rows())
    feeder.join()

    assert (None, len(content), 20_000) == (file.size, file.bytes_read, count)


def _feed(descriptor: int, content: bytes) -> None:
    with os.fdopen(descriptor, "wb") as pipe:
        pipe.write(content)


def test_a_long_file_never_sits_in_memory(tmp_path: Path) -> None:
    """Four times the rows (0.9 MB) take the memory of the first ones: buffers, nothing else."""
    short, long = (_peak_of_reading(tmp_path / f"{count}.csv", count) for count in (5_000, 20_000))

    assert long < short * 1.1


def _peak_of_reading(path: Path, count: int) -> int:
    path.write_text("phone,param1,ref\n" + "+8613711112222,a text of some length to say,r1\n" * count)
    tracemalloc.start()
    try:
        with open_campaign(str(path)) as file:
            assert sum(1 for _ in file.rows()) == count
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
