"""`smsline tencent … --help`: every command is there, and explains itself with an example."""

from typing import Any

import pytest
from typer.main import get_command

from smsline.cli import main
from worker.commands.tencent import app


def words_of_all() -> list[tuple[str, ...]]:
    """Every command and group there is, by its words."""
    found: list[tuple[str, ...]] = []
    left: list[tuple[tuple[str, ...], Any]] = [((), get_command(app))]
    while left:
        words, command = left.pop()
        found.append(words)
        left += [((*words, name), sub) for name, sub in getattr(command, "commands", {}).items()]
    return found


@pytest.mark.parametrize("words", words_of_all(), ids=lambda words: " ".join(words) or "tencent")
def test_help_with_an_example(capsys: pytest.CaptureFixture[str], words: tuple[str, ...]) -> None:
    """Every command explains itself, without settings or Redis, and takes --json."""
    assert main(["tencent", *words, "--help"]) == 0
    out, err = capsys.readouterr()

    assert not err
    assert f"Usage: {' '.join(('smsline tencent', *words))}" in out
    assert "Example:\n    smsline tencent" in out
    assert "--json" in out or "COMMAND [ARGS]" in out
    assert main(["tencent", *words, "-h"]) == 0
    assert capsys.readouterr().out == out


def test_the_commands_are_there() -> None:
    """Those of the documentation, by name."""
    several = [
        f"{group} {verb}" for group in ("templates", "signatures") for verb in ("list", "add", "modify", "delete")
    ]

    names = {" ".join(words) for words in words_of_all()}

    assert names >= {*several, "statistics sends", "statistics receipts", "replies", "receipts", "number", "convert"}
