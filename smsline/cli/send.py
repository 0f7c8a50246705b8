"""`smsline send`: one message to one number.

It prints the job's id, or with --wait its final status.
"""

from typing import Annotated

import typer

from smsline.cli import options as opt
from smsline.cli.watch import finish

commands = typer.Typer()

To = Annotated[str, typer.Option(metavar="NUMBER", help="The recipient, as +<country><number>.", show_default=False)]
Ref = Annotated[
    str, typer.Option(metavar="TEXT", help="Your own reference, given back in results.", show_default=False)
]


@commands.command(
    context_settings=opt.HELP,
    epilog=opt.example(
        "smsline send --to +8613711112222 --template 1234 --param 482913 --param 5 --lane otp --ttl 300",
        'printf "$CODE" | smsline send --to +8613711112222 --template 1234 --param - --lane otp',
    ),
)
def send(  # noqa: PLR0913 - a command's options are its parameters
    context: typer.Context,
    *,
    to: To,
    template: opt.Template,
    param: opt.Params = None,
    sign: opt.Sign = "",
    sender: opt.Sender = "",
    lane: opt.Lane = "notify",
    ttl: opt.Ttl = None,
    key: opt.Key = "",
    job_id: opt.JobId = "",
    account: opt.Account = "",
    window: opt.Window = "",
    ref: Ref = "",
    allow_unassigned: opt.AllowUnassigned = False,
    allow_blank: opt.AllowBlank = False,
    wait: opt.Wait = False,
    timeout: opt.Timeout = None,
    as_json: opt.Json = False,
) -> None:
    """Send one message to one number; prints the job's id."""
    client = opt.client_of(context)
    job = client.send(
        to=to,
        ref=ref,
        template=template,
        params=opt.params_of(param),
        sign=sign,
        sender=sender,
        lane=lane,
        ttl_s=ttl,
        key=key,
        job_id=job_id or None,  # an empty option is one that was not given
        account=account,
        window=window,
        allow_unassigned=allow_unassigned,
        allow_blank=allow_blank,
    )
    finish(client, job, wait=wait, timeout_s=timeout, as_json=as_json)
