"""`smsline tencent templates`: list, add, modify and delete templates."""

from typing import Annotated

import typer

from smsline.cli import options as opt
from smsline.errors import BadInput
from worker.commands.tencent.reviewed import ask_first, print_deleted, print_id, print_list
from worker.commands.tencent.session import AccountName, Global, Yes, account, all_pages, known
from worker.providers.tencent import templates
from worker.providers.tencent.templates import Draft, Kind

commands = typer.Typer(
    context_settings=opt.HELP,
    help="Templates: what is approved, under review or rejected.",
    epilog=opt.example("smsline tencent templates list"),
)

Id = Annotated[int, typer.Argument(metavar="ID", min=1, help="The template's id.", show_default=False)]
Ids = Annotated[
    list[int] | None, typer.Option("--id", metavar="ID", min=1, help="Only this one; repeat it.", show_default=False)
]
Name = Annotated[str, typer.Option("--name", metavar="TEXT", help="What it is called.", show_default=False)]
Content = Annotated[
    str, typer.Option("--content", metavar="TEXT", help="The text, with {1}, {2} for the params.", show_default=False)
]
KindName = Annotated[str, typer.Option("--kind", metavar="KIND", help="otp, notification or marketing.")]
Remark = Annotated[
    str,
    typer.Option("--remark", metavar="TEXT", help="Why it is asked for; the reviewer reads it.", show_default=False),
]


@commands.command(
    "list", context_settings=opt.HELP, epilog=opt.example("smsline tencent templates list --global --json")
)
def list_templates(
    *, ids: Ids = None, international: Global = False, name: AccountName = "", as_json: opt.Json = False
) -> None:
    """List templates with the state of their review."""
    with account(name) as api:
        if ids:
            found = known(templates.listed(api, international=international, ids=ids))
        else:
            found = tuple(all_pages(lambda offset: templates.listed(api, international=international, offset=offset)))
    print_list(found, as_json=as_json)


@commands.command(
    context_settings=opt.HELP,
    epilog=opt.example(
        'smsline tencent templates add --name login --kind otp --content "Your code is {1}." --remark "sign-in codes"'
    ),
)
def add(
    title: Name,
    content: Content,
    remark: Remark,
    *,
    kind: KindName = "otp",
    international: Global = False,
    name: AccountName = "",
    as_json: opt.Json = False,
) -> None:
    """Hand a template in for review and print its id."""
    draft = _draft(title, content, remark, kind=kind, international=international)
    with account(name) as api:
        made = known(templates.add(api, draft))
    print_id(made, "handed in", as_json=as_json)


@commands.command(
    context_settings=opt.HELP,
    epilog=opt.example(
        'smsline tencent templates modify 2000001 --name login --content "Code: {1}" --remark "shorter"'
    ),
)
def modify(
    template: Id,
    title: Name,
    content: Content,
    remark: Remark,
    *,
    kind: KindName = "otp",
    international: Global = False,
    name: AccountName = "",
    as_json: opt.Json = False,
) -> None:
    """Replace a template that is not approved yet, or was rejected.

    Name, text, kind and remark are all given anew.
    """
    draft = _draft(title, content, remark, kind=kind, international=international)
    with account(name) as api:
        made = known(templates.modify(api, template, draft))
    print_id(made, "handed in again", as_json=as_json)


@commands.command(context_settings=opt.HELP, epilog=opt.example("smsline tencent templates delete 2000001 --yes"))
def delete(template: Id, *, yes: Yes = False, name: AccountName = "", as_json: opt.Json = False) -> None:
    """Delete a template. Asks first on a terminal."""
    ask_first(f"template {template}", yes=yes)
    with account(name) as api:
        gone = known(templates.delete(api, template))
    print_deleted(template, gone, as_json=as_json)


def _draft(title: str, content: str, remark: str, *, kind: str, international: bool) -> Draft:
    kinds = {one.name.lower(): one for one in Kind}
    if kind not in kinds:
        raise BadInput("--kind", kind, "must be otp, notification or marketing")
    return Draft(title, content, kinds[kind], international, remark)
