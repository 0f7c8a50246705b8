"""`smsline tencent signatures`: list, add, modify and delete signatures."""

from pathlib import Path
from typing import Annotated

import typer

from smsline.cli import options as opt
from smsline.errors import BadInput
from worker.commands.tencent.reviewed import add_delete, add_list, hand_in
from worker.commands.tencent.session import AccountName, Global
from worker.providers.tencent.reviews import DOCUMENTS, KINDS, SIGNATURES, Application

commands = typer.Typer(
    context_settings=opt.HELP,
    help="Signatures: what is approved, under review or rejected.",
    epilog=opt.example("smsline tencent signatures list"),
)

Id = Annotated[int, typer.Argument(metavar="ID", min=1, help="The signature's id.", show_default=False)]
Text = Annotated[
    str, typer.Option("--name", metavar="TEXT", help="The signature, without brackets.", show_default=False)
]
# Images and not URLs: the provider takes them in the call.
Proof = Annotated[
    str, typer.Option("--proof", metavar="FILE", help="Image of the document that proves it.", show_default=False)
]
KindName = Annotated[str, typer.Option("--kind", metavar="KIND", help=f"{', '.join(KINDS)}.")]
Document = Annotated[str, typer.Option("--document", metavar="KIND", help=f"{', '.join(DOCUMENTS)}.")]
Commission = Annotated[
    str,
    typer.Option(
        "--commission",
        metavar="FILE",
        help="Image of the power of attorney, for another owner's signature.",
        show_default=False,
    ),
]
Remark = Annotated[str, typer.Option("--remark", metavar="TEXT", help="For the reviewer.", show_default=False)]
Qualification = Annotated[
    int, typer.Option("--qualification", metavar="ID", min=0, help="Approved qualification, for mainland numbers.")
]


add_list(commands, SIGNATURES, example="smsline tencent signatures list --id 500001")


@commands.command(
    context_settings=opt.HELP, epilog=opt.example("smsline tencent signatures add --name ACME --proof license.jpg")
)
def add(
    text: Text,
    proof: Proof,
    *,
    kind: KindName = "company",
    document: Document = "three-in-one",
    commission: Commission = "",
    remark: Remark = "",
    qualification: Qualification = 0,
    international: Global = False,
    name: AccountName = "",
    as_json: opt.Json = False,
) -> None:
    """Hand a signature in for review and print its id."""
    application = Application(
        text, kind, document, _image(proof), international, _image(commission), remark, qualification
    )
    hand_in(SIGNATURES, application, replaced=None, account_name=name, as_json=as_json)


@commands.command(
    context_settings=opt.HELP,
    epilog=opt.example("smsline tencent signatures modify 500001 --name ACME --proof license.jpg"),
)
def modify(  # noqa: PLR0913 - one argument per command line option
    signature: Id,
    text: Text,
    proof: Proof,
    *,
    kind: KindName = "company",
    document: Document = "three-in-one",
    commission: Commission = "",
    remark: Remark = "",
    qualification: Qualification = 0,
    international: Global = False,
    name: AccountName = "",
    as_json: opt.Json = False,
) -> None:
    """Replace a signature that is not approved yet, or was rejected.

    All of it is given anew.
    """
    application = Application(
        text, kind, document, _image(proof), international, _image(commission), remark, qualification
    )
    hand_in(SIGNATURES, application, replaced=signature, account_name=name, as_json=as_json)


add_delete(commands, SIGNATURES, example="smsline tencent signatures delete 500001 --yes")


def _image(path: str) -> bytes:
    # A missing file ends the command before anything is asked of the provider.
    try:
        return Path(path).read_bytes() if path else b""
    except OSError as error:
        raise BadInput("file", path, f"cannot be read: {error.strerror or error}") from None
