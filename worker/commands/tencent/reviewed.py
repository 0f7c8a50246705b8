"""What the commands of templates and of signatures do alike: list, hand in, delete."""

import sys
from dataclasses import asdict
from typing import Annotated, Any, Final

import typer

from smsline.cli import options as opt
from smsline.cli.errors import FAILED
from smsline.cli.output import print_json, print_line, say
from worker.commands.session import print_rows
from worker.commands.tencent.session import AccountName, Global, Yes, account, all_pages, day, known
from worker.providers.tencent.reviews import Reviewed

Ids = Annotated[
    list[int] | None, typer.Option("--id", metavar="ID", min=1, help="Only this one; repeat it.", show_default=False)
]

_TIMES: Final = "created_at_s"


def add_list(commands: typer.Typer, reviewed: Reviewed[Any, Any], *, example: str) -> None:
    """Give the commands their `list`: a row each, times in UTC."""

    @commands.command(
        "list",
        context_settings=opt.HELP,
        help=f"List {reviewed.noun}s with the state of their review.",
        epilog=opt.example(example),
    )
    def list_reviewed(
        *, ids: Ids = None, international: Global = False, name: AccountName = "", as_json: opt.Json = False
    ) -> None:
        with account(name) as tencent:
            # Ids are asked for at once, at most 100; without any, page after page until one is not
            # full.
            if ids:
                found = known(reviewed.listed(tencent, international=international, ids=ids))
            else:
                found = tuple(
                    all_pages(lambda offset: reviewed.listed(tencent, international=international, offset=offset))
                )
        listed = [{**asdict(one), "created_at": day(one.created_at_s)} for one in found]
        for one in listed:
            one.pop(_TIMES)
        print_rows(listed, "there are none", as_json=as_json)


def hand_in(
    reviewed: Reviewed[Any, Any], draft: object, *, replaced: int | None, account_name: str, as_json: bool
) -> None:
    """Hand something in, or in again, and print its id.

    Args:
        reviewed: Template or signature.
        draft: What is handed in.
        replaced: The id of what it takes the place of; None for a new one.
        account_name: As given, or empty.
        as_json: Print JSON.
    """
    with account(account_name) as tencent:
        made = known(reviewed.add(tencent, draft) if replaced is None else reviewed.modify(tencent, replaced, draft))
    # The id is alone on standard output so that a script can take it; the words go to stderr.
    print_json({"id": made}) if as_json else print_line(str(made))
    done = "handed in" if replaced is None else "handed in again"
    say(f"{done}; it can be used when the review has approved it")


def add_delete(commands: typer.Typer, reviewed: Reviewed[Any, Any], *, example: str) -> None:
    """Give the commands their `delete`."""
    noun = reviewed.noun

    @commands.command(
        context_settings=opt.HELP, help=f"Delete a {noun}. Asks first on a terminal.", epilog=opt.example(example)
    )
    def delete(
        identity: Annotated[int, typer.Argument(metavar="ID", min=1, help=f"The {noun}'s id.", show_default=False)],
        *,
        yes: Yes = False,
        name: AccountName = "",
        as_json: opt.Json = False,
    ) -> None:
        # A script has no terminal; that it runs the command at all is its consent.
        asks = not yes and sys.stdin.isatty()
        if asks and not typer.confirm(f"delete {noun} {identity}? What names it is refused from then on", err=True):
            say("nothing was changed")
            raise typer.Exit(FAILED)
        with account(name) as tencent:
            gone = known(reviewed.delete(tencent, identity))
        done = {"id": identity, "deleted_at": day(gone.at_s)}
        print_json(done) if as_json else print_line(f"deleted {identity}")
