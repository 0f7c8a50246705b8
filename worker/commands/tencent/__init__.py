"""`smsline tencent …`: the provider's actions besides sending.

It is the same as `python -m worker tencent …`.

The commands need the service's settings, which hold the credentials; so they live here and not in
the wheel.
"""

from collections.abc import Sequence

import typer

from smsline.cli import options as opt
from worker.commands.session import run as run_commands
from worker.commands.tencent import messages, signatures, statistics, templates

app = typer.Typer(
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings=opt.HELP,
    help="Tencent Cloud SMS besides sending: templates, signatures, statistics, replies. Runs where the service's settings are.",
    epilog=opt.example(
        "smsline tencent templates list",
        "smsline tencent statistics sends --from 2026-05-01T00",
        "smsline tencent number +8613711112222",
    ),
)
app.add_typer(templates.commands, name="templates")
app.add_typer(signatures.commands, name="signatures")
app.add_typer(statistics.commands, name="statistics")
app.add_typer(messages.commands)


def run(argv: Sequence[str], *, prog_name: str) -> int:
    """Run one command; see `worker.commands.session.run`."""
    return run_commands(app, argv, prog_name=prog_name)
