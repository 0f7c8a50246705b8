"""How every command ends: exit codes, one line on stderr, help, and a quick start."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from smsline.cli import main
from smsline.cli.app import app
from smsline.cli.options import Connect
from smsline.errors import BadInput, Conflict, NotFound, Unavailable
from tests.support.waiting import LONG_S

ROOT = Path(__file__).parents[3]


def commands() -> list[tuple[str, ...]]:
    """Every command and group there is, by its words."""
    found: list[tuple[str, ...]] = []
    left: list[tuple[tuple[str, ...], Any]] = [((), get_command(app))]
    while left:
        words, command = left.pop()
        found.append(words)
        left += [((*words, name), sub) for name, sub in getattr(command, "commands", {}).items()]
    return found


def process(*argv: str, code: str = "") -> "subprocess.CompletedProcess[str]":
    """The command as its own process, or a line of Python in one."""
    start = [sys.executable, "-c", code] if code else [sys.executable, "-m", "smsline.cli", *argv]
    environment = {"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]}
    return subprocess.run(start, env=environment, capture_output=True, text=True, timeout=LONG_S, check=False)


@pytest.mark.parametrize("words", commands(), ids=lambda words: " ".join(words) or "smsline")
def test_every_command_has_help_with_an_example(run: Any, words: tuple[str, ...]) -> None:
    """--help exits 0, without a client; short and long option are the same."""
    ran = run(*words, "--help")

    assert (ran.code, ran.err) == (0, "")
    assert f"Usage: {' '.join(('smsline', *words))}" in ran.out
    assert "Example:\n    smsline" in ran.out
    assert run(*words, "-h").out == ran.out


@pytest.mark.parametrize("words", commands(), ids=lambda words: " ".join(words) or "smsline")
def test_every_command_takes_json(run: Any, words: tuple[str, ...]) -> None:
    """Only what merely holds other commands does not."""
    text = run(*words, "--help").out

    assert "--json" in text or "COMMAND [ARGS]" in text


def test_the_contract_s_commands_are_there() -> None:
    """Those of the documentation, by name."""
    names = {" ".join(words) for words in commands()}

    assert names >= {
        *("send", "campaign", "status", "watch", "results", "pause", "resume", "cancel", "jobs"),
        *("dead list", "dead show", "dead requeue", "dead drop"),
        *("accounts", "accounts resume", "codes explain", "codes list"),
    }


def test_no_arguments_are_a_call_for_help(run: Any) -> None:
    """The same page as --help."""
    assert run() == run("--help")


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (("sedn",), "No such command 'sedn'. Did you mean 'send'?; see 'smsline --help'"),
        (("dead",), "Missing command; see 'smsline dead --help'"),
        (("send", "--template", "1"), "Missing option '--to'; see 'smsline send --help'"),
        (("status",), "Missing argument 'JOB'; see 'smsline status --help'"),
        (("status", "j1", "--jsn"), "No such option: --jsn"),
        (("send", "--to", "x", "--template", "1", "--ttl", "soon"), "Invalid value for '--ttl'"),
        (("jobs", "--limit", "0"), "Invalid value for '--limit'"),
    ],
)
def test_wrong_usage_is_bad_input_in_one_line(run: Any, argv: tuple[str, ...], words: str) -> None:
    """Exit code 2, stderr one line that says where help is, stdout empty."""
    ran = run(*argv)

    assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert words in ran.err


def test_a_number_in_the_wrong_place_is_masked(run: Any) -> None:
    """Error lines end in logs."""
    ran = run("send", "+8613711112222", "--to", "x", "--template", "1")

    assert ran.code == 2
    assert "13711112222" not in ran.err


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (
            BadInput("lane", "x", "must be one of otp, notify, marketing"),
            2,
            "lane: 'x': must be one of otp, notify, mark",
        ),
        (NotFound("no job 'j1'"), 1, "no job 'j1'"),
        (Conflict("job j1 is closed"), 1, "job j1 is closed"),
        (Unavailable("Redis is away\n  at 127.0.0.1"), 1, "Redis is away at 127.0.0.1"),
        (PermissionError(13, "Permission denied", "/x/y"), 1, "/x/y: Permission denied"),
        (RuntimeError("odd number +8613711112222"), 1, "this is a bug: RuntimeError: odd number +86137****2222"),
        (KeyError("state"), 1, "this is a bug: KeyError: 'state'"),
    ],
)
def test_every_error_is_one_line_and_an_exit_code(run: Any, fake: Any, error: Exception, code: int, line: str) -> None:
    """2 for bad input, 1 for failure; the same with --json."""
    fake.error = error

    for argv in (("status", "j1"), ("status", "j1", "--json")):
        ran = run(*argv)

        assert (ran.code, ran.out, ran.err.count("\n")) == (code, "", 1)
        assert ran.err.startswith(f"smsline: {line}")


def test_an_interrupt_is_quiet(run: Any, fake: Any) -> None:
    """Exit code 130, as shells have it."""
    fake.error = KeyboardInterrupt()

    ran = run("status", "j1")

    assert (ran.code, ran.out, ran.err.strip()) == (130, "", "")


def test_an_environment_that_will_not_do_is_bad_input(capsys: pytest.CaptureFixture[str]) -> None:
    """The client is made when a command runs, and its complaint is the command's."""

    def connect() -> Any:
        raise BadInput("SMSLINE_REDIS_URL", "http://x", "must begin with redis:// or rediss://")

    code = main(["status", "j1"], connect=Connect(connect, connect))

    assert code == 2
    assert "SMSLINE_REDIS_URL" in capsys.readouterr().err


def test_the_version_is_printed(run: Any) -> None:
    """By name; it needs no client."""
    ran = run("--version")

    assert ran.code == 0
    assert ran.out.startswith("smsline")


def test_as_a_process_it_exits_with_the_code() -> None:
    """Stdout, stderr and exit code as a shell sees them."""
    helped, wrong = process("send", "--help"), process("send")

    assert (helped.returncode, helped.stderr) == (0, "")
    assert "--template" in helped.stdout
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert wrong.stderr == "smsline: Missing option '--to'; see 'smsline send --help'\n"


def test_help_loads_neither_celery_nor_redis() -> None:
    """A quick start is kept by what is not imported.

    rich is for what draws, the others for who asks the ledger.
    """
    slow = "{'celery', 'kombu', 'redis', 'rich', 'smsline.client'}"
    code = f"import sys, smsline.cli as c; c.main(['--help']); print({slow} & set(sys.modules), file=sys.stderr)"

    assert process(code=code).stderr == "set()\n"


def test_a_reader_that_has_left_is_no_news() -> None:
    """Even when it is gone before the little there is to say leaves its buffer."""
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as nobody:
        start = [sys.executable, "-m", "smsline.cli", "codes", "explain", "10", "--json"]
        ran = subprocess.run(start, env={"PYTHONPATH": str(ROOT)}, stdout=nobody, stderr=subprocess.PIPE, check=False)

    assert (ran.returncode, ran.stderr) == (1, b"")


def test_a_reader_that_leaves_is_no_news() -> None:
    """`smsline results JOB | head` ends quietly."""
    code = (
        "import sys, smsline.cli as c\n"
        "class Client:\n"
        "    def dead_rows(self, **_):\n"
        "        while True: yield {'job': 'j1'}\n"
        "sys.exit(c.main(['dead', 'show', '--json'], connect=c.Connect(Client, Client)))"
    )
    start = [sys.executable, "-c", code]
    with subprocess.Popen(
        start, env={"PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        assert running.stdout.readline() == '{"job": "j1"}\n'
        running.stdout.close()
        assert running.stderr.read() == ""
        assert running.wait(timeout=LONG_S) == 1
