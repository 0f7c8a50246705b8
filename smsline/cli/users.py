"""Users of the console: who may sign in, and what they may do."""

import sys
from typing import Annotated

import typer

from smsline.cli import options as opt
from smsline.cli.listing import Column, show_listing
from smsline.cli.output import print_json, print_line
from smsline.errors import BadInput

commands = typer.Typer(
    context_settings=opt.HELP,
    help="Users of the console: read looks, operate acts, admin manages.",
    epilog=opt.example("smsline users add anna --role operate", "smsline users list"),
)

Name = Annotated[str, typer.Argument(metavar="NAME", help="What the user signs in as.", show_default=False)]
Role = Annotated[str, typer.Option(metavar="ROLE", help="read, operate or admin.", show_default=False)]
PasswordStdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from the first line of stdin.")
]
NoPassword = Annotated[bool, typer.Option("--no-password", help="No password: a trusted proxy signs this user in.")]


@commands.command(context_settings=opt.HELP, epilog=opt.example("smsline users add anna --role operate"))
def add(
    context: typer.Context,
    name: Name,
    *,
    role: Role,
    password_stdin: PasswordStdin = False,
    no_password: NoPassword = False,
    as_json: opt.Json = False,
) -> None:
    """Add a user; asks for the password, which is never shown."""
    from smsline.ledger import users  # noqa: PLC0415 - redis takes longer to load than --help to print

    # Before the password is asked for: it would be typed twice for nothing.
    users.check_name(name), users.check_role(role)
    kept = "" if no_password else _asked(stdin=password_stdin)
    opt.admin_of(context).add_user(name, role, kept)
    print_json({"user": name, "role": role}) if as_json else print_line(f"{name} may sign in as {role}")


@commands.command("set", context_settings=opt.HELP, epilog=opt.example("smsline users set anna --role admin"))
def change(
    context: typer.Context,
    name: Name,
    *,
    role: Annotated[str, typer.Option(metavar="ROLE", help="The new role.", show_default=False)] = "",
    password: Annotated[
        bool, typer.Option("--password", help="Ask for a new password; ends the user's sessions.")
    ] = False,
    password_stdin: PasswordStdin = False,
    as_json: opt.Json = False,
) -> None:
    """Change a user's role, password, or both."""
    # Nothing to change is a mistake: a misread --help must not look like a changed password.
    if not (role or password or password_stdin):
        raise BadInput("--role", "", "give --role, --password or both")
    kept = _asked(stdin=password_stdin) if password or password_stdin else ""
    opt.admin_of(context).change_user(name, role=role, password_hash=kept)
    print_json({"user": name, "role": role or None}) if as_json else print_line(f"{name} changed")


@commands.command(context_settings=opt.HELP, epilog=opt.example("smsline users remove anna"))
def remove(context: typer.Context, name: Name, *, as_json: opt.Json = False) -> None:
    """Remove a user; every session of theirs ends at once."""
    opt.admin_of(context).remove_user(name)
    print_json({"removed": name}) if as_json else print_line(f"{name} removed")


@commands.command("list", context_settings=opt.HELP, epilog=opt.example("smsline users list --json"))
def list_users(context: typer.Context, *, as_json: opt.Json = False) -> None:
    """List users and their roles."""
    rows = [
        {"user": user.name, "role": user.role, "password_since": user.since if user.password else None}
        for user in opt.admin_of(context).users()
    ]
    if as_json:
        print_json(rows)
    elif rows:
        show_listing([Column("user"), Column("role"), Column("password since")], (tuple(row.values()) for row in rows))
    else:
        print_line("no users: the console is open to this machine alone")


def _asked(*, stdin: bool) -> str:
    """The hash of the password that the person types, or that comes on standard input."""
    from smsline.passwords import hashed  # noqa: PLC0415 - argon2, only here

    # Python would read a pipe's lines with a warning, and end at the second question as by Ctrl-C.
    if not stdin and not sys.stdin.isatty():
        raise BadInput("--password-stdin", "not given", "there is no terminal to ask for the password on")
    # Hashed here: the password itself leaves this process for nowhere, not even for Redis.
    typed = (
        sys.stdin.readline().rstrip("\r\n")
        if stdin
        else typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    )
    return hashed(typed)
