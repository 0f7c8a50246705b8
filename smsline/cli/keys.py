"""Keys of the HTTP API: made, listed, revoked. A key is shown once, when it is made."""

from typing import Annotated

import typer

from smsline.cli import options as opt
from smsline.cli.listing import Column, show_listing
from smsline.cli.output import print_json, print_line, print_secret
from smsline.cli.times import span_s
from smsline.errors import BadInput

commands = typer.Typer(
    context_settings=opt.HELP,
    help="Keys of the HTTP API.",
    epilog=opt.example(
        "smsline keys create shop --scope send --lanes otp --per-s 50 --expires 90d", "smsline keys list"
    ),
)


Name = Annotated[
    str, typer.Argument(metavar="NAME", help="Whose it is; stands in the audit trail.", show_default=False)
]


@commands.command(
    context_settings=opt.HELP,
    epilog=opt.example("smsline keys create shop --scope send --scope read --lanes otp --templates 1234 --expires 90d"),
)
def create(
    context: typer.Context,
    name: Name,
    *,
    scope: Annotated[
        list[str], typer.Option(metavar="SCOPE", help="send, read or operate; repeat it.", show_default=False)
    ],
    lanes: Annotated[
        str, typer.Option(metavar="LANES", help="Lanes it may send in, by commas.", show_default="all")
    ] = "",
    templates: Annotated[
        str, typer.Option(metavar="IDS", help="Templates it may send, by commas.", show_default="all")
    ] = "",
    per_s: Annotated[int, typer.Option(metavar="N", help="Requests a second.", show_default="any number")] = 0,
    expires: Annotated[str, typer.Option(metavar="TIME", help="When it ends: 90d, 12h.", show_default="never")] = "",
    as_json: opt.Json = False,
) -> None:
    """Make a key and print it, once."""
    ends_in_s = span_s(expires) if expires else 0  # for ever, which is what the ledger takes 0 for
    if ends_in_s is None or (expires and not ends_in_s):
        raise BadInput("--expires", expires, "must be a time span such as 90d, 12h or 30m")
    token = opt.admin_of(context).create_api_key(
        name,
        scopes=[part for value in scope for part in _split(value)],
        lanes=_split(lanes),
        templates=_split(templates),
        per_s=per_s,
        expires_s=ends_in_s,
    )
    print_secret(name, "key", token, as_json=as_json)


@commands.command("list", context_settings=opt.HELP, epilog=opt.example("smsline keys list"))
def list_keys(context: typer.Context, *, as_json: opt.Json = False) -> None:
    """List keys: what each may do, when it was used last, whether it is revoked."""
    from smsline.ledger.api_keys import PREFIX  # noqa: PLC0415 - redis takes longer to load than --help to print
    from smsline.ledger.jobs import iso  # noqa: PLC0415 - as above

    found: list[dict[str, object]] = [
        {
            "name": each.key.name,
            "key": f"{PREFIX}…{each.key.tail}",  # four characters tell two keys apart, and help no one to guess one
            "scopes": list(each.key.scopes),
            "lanes": list(each.key.lanes),
            "templates": list(each.key.templates),
            "per_s": each.key.per_s or None,
            "created_at": iso(each.key.created_ms),
            "expires_at": iso(each.key.expires_ms),
            "used_at": each.used_at,
            "revoked_at": each.revoked_at,
        }
        for each in opt.admin_of(context).api_keys()
    ]
    if as_json:
        print_json(found)
    elif found:
        names = ("name", "key", "scopes", "lanes", "templates", "per_s", "expires_at", "used_at", "revoked_at")
        cells = (
            [",".join(value) if isinstance(value := row[name], list) else value for name in names] for row in found
        )
        show_listing([Column(name) for name in names], cells)
    else:
        print_line("no API keys")


@commands.command(context_settings=opt.HELP, epilog=opt.example("smsline keys revoke shop"))
def revoke(context: typer.Context, name: Name, *, as_json: opt.Json = False) -> None:
    """End a key; the API refuses it within a second."""
    opt.admin_of(context).revoke_api_key(name)
    print_json({"revoked": name}) if as_json else print_line(f"{name} revoked")


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]
