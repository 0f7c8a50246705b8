"""`number`: what happened to a phone, over all jobs that are kept."""

from typing import Annotated, Final

import typer

from smsline.cli import options as opt
from smsline.cli.listing import Column, show_listing
from smsline.cli.output import print_json, print_line
from smsline.counted import counted

commands = typer.Typer()

DONE: Final = {
    "stop": " (an opt-out)",
    "start": " (allowed again)",
    "near": " (looks like an opt-out; a person decides)",
}

Number = Annotated[str, typer.Argument(metavar="NUMBER", help="In E.164, such as +8613711112222.", show_default=False)]


@commands.command(context_settings=opt.HELP, epilog=opt.example("smsline number +8613711112222"))
def number(context: typer.Context, number: Number, *, as_json: opt.Json = False) -> None:
    """Show every message kept for a number, what became of it and why."""
    page = opt.admin_of(context).number(number)
    if as_json:
        print_json(page)
        return
    held = "; it is on the suppression list" if page["suppressed"] else ""
    print_line(f"{page['phone']}: {counted(len(page['messages']), 'message')} kept{held}")
    if page["messages"]:
        names = ("created", "job", "lane", "template", "state", "code", "account", "attempts", "final", "serial")
        spare = {"serial": 6, "attempts": 5, "template": 4, "final": 3, "account": 2, "lane": 1}
        rows = [
            (
                *(event["created_at"], event["job"], event["lane"], event["template"], event["state"], event["code"]),
                *(event["account"], event["attempts"], event["final_at"] or "", event["serial"]),
            )
            for event in page["messages"]
        ]
        show_listing([Column(name, spare=spare.get(name, 0), number=name == "attempts") for name in names], rows)
        # Each code is explained once, however many messages have it.
        for code, event in {event["code"]: event for event in page["messages"] if event["code"]}.items():
            print_line(f"{code}: {event['meaning']} {event['advice']}".rstrip())
    for entry in page["suppressions"]:
        why = f": {entry['reason']}" if entry.get("reason") else ""
        print_line(
            f"suppressed for {entry['scope']} by {entry.get('source') or 'a person'} since {entry.get('at') or '?'}{why}"
        )
    for reply in page["replies"]:
        print_line(f"{reply['at'] or reply['received_at']} it answered: {reply['text']}{DONE.get(reply['does'], '')}")
