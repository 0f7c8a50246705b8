"""`smsline tencent templates`: list, add, modify and delete templates."""

from typing import Annotated

import typer

from smsline.cli import options as opt
from smsline.errors import BadInput
from worker.commands.tencent.reviewed import add_delete, add_list, hand_in
from worker.commands.tencent.session import AccountName, Global
from worker.providers.tencent.reviews import TEMPLATES, Draft, Kind

commands = typer.Typer(
    context_settings=opt.HELP,
    help="Templates: what is approved, under review or rejected.",
    epilog=opt.example("smsline tencent templates list"),
)

Id = Annotated[int, typer.Argument(metavar="ID", min=1, help="The template's id.", show_default=False)]
Name = Annotated[str, typer.Option("--name", metavar="TEXT", help="What it is called.", show_default=False)]
Content = Annotated[
    str, typer.Option("--content", metavar="TEXT", help="The text, with {1}, {2} for the params.", show_default=False)
]
KindName = Annotated[str, typer.Option("--kind", metavar="KIND", help="otp, notification or marketing.")]
Remark = Annotated[
    str,
    typer.Option("--remark", metavar="TEXT", help="Why it is asked for; the reviewer reads it.", show_default=False),
]


add_list(commands, TEMPLATES, example="smsline tencent templates list --global --json")


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
    hand_in(TEMPLATES, draft, replaced=None, account_name=name, as_json=as_json)


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
    hand_in(TEMPLATES, draft, replaced=template, account_name=name, as_json=as_json)


add_delete(commands, TEMPLATES, example="smsline tencent templates delete 2000001 --yes")


def _draft(title: str, content: str, remark: str, *, kind: str, international: bool) -> Draft:
    # SmsType 0 is left out: see `templates.Kind`.
    kinds = {one.name.lower(): one for one in Kind}
    if kind not in kinds:
        raise BadInput("--kind", kind, "must be otp, notification or marketing")
    return Draft(title, content, kinds[kind], international, remark)
