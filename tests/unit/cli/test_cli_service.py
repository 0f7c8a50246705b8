"""Commands that the service brings: run in its checkout, refused in words elsewhere.

They are never taken from another package's folders.
"""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer

from smsline.cli.service import find_commands
from smsline.errors import BadInput, SmslineError

ROOT = Path(__file__).parents[3]
TENCENT = "worker.commands.tencent"


def test_in_the_checkout() -> None:
    """The service's folder lies beside this package: its commands are found."""
    assert isinstance(find_commands(TENCENT, "tencent"), typer.Typer)


@pytest.mark.parametrize("module", ["worker.providers.tencent.comands", "nowhere.commands"])
def test_not_there(module: str) -> None:
    """What is not in the checkout is refused, with where it would be."""
    with pytest.raises(BadInput, match="run it where the service is installed, there also as python -m worker tencent"):
        find_commands(module, "tencent")


def test_a_package_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkout without the service's packages says which one is missing."""

    def missing(_: str) -> object:
        raise ModuleNotFoundError(name="pydantic_settings")

    monkeypatch.setattr("smsline.cli.service.importlib.import_module", missing)

    with pytest.raises(SmslineError, match="tencent needs the package pydantic_settings: install the service"):
        find_commands(TENCENT, "tencent")


def test_a_producer_s_own_worker(tmp_path: Path) -> None:
    """Where only the wheel is, a producer's folder of the same name is not even imported."""
    site, producer = tmp_path / "site", tmp_path / "producer"
    shutil.copytree(ROOT / "smsline", site / "smsline", ignore=shutil.ignore_patterns("__pycache__"))
    commands = producer / "worker" / "providers" / "tencent" / "commands"
    commands.mkdir(parents=True)
    for folder in (commands, *list(commands.parents)[:3]):
        (folder / "__init__.py").write_text("raise SystemExit('the producer was run')\n")
    script = (
        "import sys; sys.path[:0] = sys.argv[1:3]\n"
        "from smsline.cli import main\n"
        "sys.exit(main(['tencent', 'templates', 'list']))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(site), str(producer)],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )

    assert (done.returncode, done.stdout) == (2, "")
    assert "needs the service's settings" in done.stderr
    assert done.stderr.count("\n") == 1


def test_arguments_go_on_as_they_are(run: Any) -> None:
    """Options, `--help` among them, are the service's commands' own."""
    assert "Usage: smsline tencent templates add" in run("tencent", "templates", "add", "--help").out
    refused = run("tencent", "templates", "--nonsense")
    assert (refused.code, refused.out) == (2, "")
    assert "No such option: --nonsense" in refused.err
