"""Rules of the `python -m worker` command line."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from worker.commands.cli import cli
from worker.listening import bind


@pytest.fixture(autouse=True)
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty folder and no settings."""
    monkeypatch.chdir(tmp_path)
    for name in ("SMSLINE_REDIS_URL", "SMSLINE_BROKER_URL", "SMSLINE_CONFIG"):
        monkeypatch.delenv(name, raising=False)


def test_commands_are_listed() -> None:
    """`--help` lists the commands, and that of each has an example."""
    shown = CliRunner().invoke(cli, ["--help"]).output
    names = ("up", "run", "web", "alive", "migrate", "sandbox", "check")

    assert all(command in shown for command in names)
    for name in names:
        assert f"Example: python -m worker {name}" in CliRunner().invoke(cli, [name, "--help"]).output


@pytest.mark.parametrize("lanes", ["", "bulk", "otp,bulk", ","])
def test_unknown_lane(lanes: str) -> None:
    """A lane that does not exist is bad input."""
    ended = CliRunner().invoke(cli, ["run", "--lanes", lanes])

    assert ended.exit_code == 2
    assert "otp, notify," in " ".join(ended.output.split())


@pytest.mark.parametrize("command", [["up"], ["run"], ["check"]])
def test_wrong_settings(command: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """With wrong settings every command ends with 2 and names the setting."""
    monkeypatch.setenv("SMSLINE_LEASE", "5")
    ended = CliRunner().invoke(cli, command)

    assert ended.exit_code == 2
    assert "SMSLINE_LEASE: no such setting" in ended.output


def test_sandbox_has_its_own_options() -> None:
    """`sandbox --help` is the sandbox's own help; a port that cannot be had is told in a line."""
    ended = CliRunner().invoke(cli, ["sandbox", "--help"])

    assert ended.exit_code == 0
    assert "wire protocols" in ended.output
    with bind("127.0.0.1", 0) as taken:
        refused = CliRunner().invoke(cli, ["sandbox", "--port", str(taken.getsockname()[1])])
    assert (refused.exit_code, "in use" in refused.output) == (2, True)
    assert CliRunner().invoke(cli, ["sandbox", "--port", "80000"]).exit_code == 2
