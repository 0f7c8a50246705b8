"""`smsline codes`: what a provider's code means and what smsline does about it; needs no Redis."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from smsline.cli import options as opt
from smsline.cli.listing import Column, show_listing
from smsline.cli.output import cell, print_json, print_line, say, show
from smsline.errors import BadInput, NotFound
from smsline.verdicts import Verdict

if TYPE_CHECKING:
    from smsline.codes import CodeRow, Match

commands = typer.Typer(
    context_settings=opt.HELP,
    help="What the providers' codes mean and what smsline does about them.",
    epilog=opt.example("smsline codes explain FailedOperation.InsufficientBalanceInSmsPackage"),
)

Code = Annotated[str, typer.Argument(metavar="CODE", help="A code in any spelling.", show_default=False)]
OfVerdict = Annotated[
    str,
    typer.Option("--verdict", metavar="VERDICT", help=f"Only {', '.join(Verdict)}.", show_default=False),
]


@commands.command(
    context_settings=opt.HELP,
    epilog=opt.example(
        "smsline codes explain isv.BUSINESS_LIMIT_CONTROL", "smsline codes explain 10 --provider smspartner"
    ),
)
def explain(code: Code, *, provider: opt.OfProvider = "", as_json: opt.Json = False) -> None:
    """Explain a code: every reading of it, the likeliest first."""
    from smsline import codes  # noqa: PLC0415 - thousands of rows, read only when asked for

    matches = codes.explain(code, _known_provider(provider))
    if not matches or matches[0].how == "family":
        close = codes.close_codes(code, provider or None)
        hint = f"did you mean {' or '.join(close)}?" if close else "smsline codes list has all that are known"
        if not matches:
            raise NotFound(f"no table knows the code {code!r}; {hint}")
        # A family is a guess by the code's beginning: it is shown, and what was
        # perhaps meant beside it.
        if close:
            say(hint)
    if as_json:
        print_json([_fields(match.row) | {"how": match.how, "asked": match.asked} for match in matches])
        return
    for match in matches:
        _print(match)


@commands.command(
    "list",
    context_settings=opt.HELP,
    epilog=opt.example("smsline codes list --provider tencent --verdict park"),
)
def list_codes(*, provider: opt.OfProvider = "", verdict: OfVerdict = "", as_json: opt.Json = False) -> None:
    """List the codes that are known."""
    from smsline import codes  # noqa: PLC0415 - as above

    # Refused here: an unknown verdict would list nothing, which reads as "there is no such code".
    if verdict and verdict not in set(Verdict):
        raise BadInput("--verdict", verdict, f"must be one of {', '.join(Verdict)}")
    found = codes.rows(_known_provider(provider), verdict=verdict or None)
    if as_json:
        print_json([_fields(row) for row in found])
        return
    names = ("provider", "namespace", "code", "verdict", "scope")
    columns = [*map(Column, names), Column("meaning", words=True)]
    show_listing(
        columns, ((row.provider, row.namespace, row.code, row.verdict, row.scope, row.meaning) for row in found)
    )


def _known_provider(provider: str) -> str | None:
    from smsline import codes  # noqa: PLC0415 - as above

    if provider and provider not in codes.providers():
        raise BadInput("--provider", provider, f"must be one of {', '.join(codes.providers())}")
    return provider or None


def _fields(row: "CodeRow") -> dict[str, object]:
    from smsline.codes import what_smsline_does  # noqa: PLC0415 - as above

    return asdict(row) | {"does": what_smsline_does(row)}


def _print(match: "Match") -> None:
    from rich.table import Table  # noqa: PLC0415 - only where something is drawn

    row, found = match.row, "" if match.how == "exact" else f", found by {match.how}"
    facts = Table.grid(padding=(0, 2))
    for name, value in (
        ("verdict", f"{row.verdict}, of the {row.scope}"),
        ("meaning", row.meaning),
        ("smsline", _fields(row)["does"]),
        ("what to do", row.advice),
        ("source", row.source),
    ):
        if value:
            facts.add_row(f"  {name}", cell(value))  # without control characters: a file of overrides is anyone's
    print_line(f"{row.code} ({row.provider} {row.namespace}{found})")
    show(facts)
