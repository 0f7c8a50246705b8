"""Endpoints of webhooks: added, listed, removed, tried, and told again.

A secret is shown once, when the endpoint is added.
"""

import time
from collections.abc import Mapping, Sequence
from typing import Annotated, Final

import typer

from smsline.cli import options as opt
from smsline.cli.listing import Column, show_listing
from smsline.cli.output import print_json, print_line, print_secret
from smsline.cli.times import since_s
from smsline.counted import counted

commands = typer.Typer(
    context_settings=opt.HELP,
    help="Where events are posted to, and how that fares.",
    epilog=opt.example(
        "smsline webhooks add shop https://shop.example/webhooks/smsline --events job.closed,recipients.final",
        "smsline webhooks failures shop",
    ),
)

# A request may take 15 s, and a worker must see the event before.
TEST_S: Final = 25.0

LOOK_S: Final = 0.1

Name = Annotated[str, typer.Argument(metavar="NAME", help="The endpoint's name.", show_default=False)]


@commands.command(
    context_settings=opt.HELP,
    epilog=opt.example(
        "smsline webhooks add shop https://shop.example/webhooks/smsline --events job.closed,recipients.final"
    ),
)
def add(
    context: typer.Context,
    name: Name,
    url: Annotated[str, typer.Argument(metavar="URL", help="Where events are posted.", show_default=False)],
    *,
    events: Annotated[
        str,
        typer.Option(
            metavar="TYPES",
            help="By commas: job.closed, recipients.final, account.parked, account.resumed, reply.received, number.opted_out.",
            show_default=False,
        ),
    ],
    as_json: opt.Json = False,
) -> None:
    """Add an endpoint and print the secret its events are signed with, once."""
    wanted = [part.strip() for part in events.split(",") if part.strip()]
    secret = opt.admin_of(context).add_webhook(name, url, wanted)
    print_secret(name, "secret", secret, as_json=as_json)


@commands.command("list", context_settings=opt.HELP, epilog=opt.example("smsline webhooks list"))
def list_endpoints(context: typer.Context, *, as_json: opt.Json = False) -> None:
    """List endpoints: what each wants, whether it works, how much waits."""
    found = opt.admin_of(context).webhooks()
    if as_json:
        print_json(found)
    elif found:
        columns = [
            Column("name"),
            Column("state"),
            Column("url", spare=2),
            Column("events", words=True),
            Column("waiting", number=True),
            Column("failed", number=True),
            Column("delivered_at", spare=3),
            Column("failing_since", spare=1),
            Column("answer", words=True),
        ]
        _show(columns, found)
    else:
        print_line("no webhooks")


@commands.command(context_settings=opt.HELP, epilog=opt.example("smsline webhooks remove shop"))
def remove(context: typer.Context, name: Name, *, as_json: opt.Json = False) -> None:
    """Remove an endpoint; what was not delivered to it never is."""
    opt.admin_of(context).remove_webhook(name)
    print_json({"removed": name}) if as_json else print_line(f"{name} removed")


@commands.command("test", context_settings=opt.HELP, epilog=opt.example("smsline webhooks test shop"))
def try_out(context: typer.Context, name: Name, *, as_json: opt.Json = False) -> None:
    """Send an event for trial and say what was answered; ends a suspension.

    Exit 1 when it was not delivered.
    """
    admin = opt.admin_of(context)
    event = admin.test_webhook(name)
    # Polled, because the answer comes from another process and the CLI holds no
    # connection that is told.
    over_s = time.monotonic() + TEST_S
    # The ledger is looked at, and the endpoint is never called from here: the way that is
    # tried is the worker's.
    while (said := admin.webhook_delivery(event))["delivered"] is None and time.monotonic() < over_s:
        time.sleep(LOOK_S)
    if as_json:
        print_json(said)
    elif said["delivered"]:
        print_line(f"{name} answered {said['answer']}")
    elif said["answer"]:
        print_line(f"{name} failed: {said['answer']}")
    else:
        print_line(f"no worker has tried {name} within {TEST_S:g} s; does one serve smsline.webhooks?")
    # Also when no worker has tried: a script that adds an endpoint must learn
    # that nothing has arrived.
    if not said["delivered"]:
        raise typer.Exit(1)


@commands.command(
    context_settings=opt.HELP, epilog=opt.example("smsline webhooks failures", "smsline webhooks failures shop")
)
def failures(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="[NAME]", help="Only this endpoint's.", show_default=False)] = "",
    *,
    limit: Annotated[int, typer.Option(metavar="N", min=1, max=10_000, help="At most so many of each endpoint.")] = 100,
    as_json: opt.Json = False,
) -> None:
    """List events whose last try was in vain.

    How often they were tried, what was answered, when they are tried next.
    """
    found = opt.admin_of(context).webhook_failures(name, limit=limit)
    if as_json:
        print_json(found)
    elif found:
        columns = [
            Column("endpoint"),
            Column("type"),
            Column("job", spare=1),
            Column("seq", spare=1, number=True),
            Column("tries", number=True),
            Column("tried_at", spare=2),
            Column("next_at"),
            Column("answer", words=True),
        ]
        _show(columns, found)
    else:
        print_line("no failures")


@commands.command(
    context_settings=opt.HELP,
    epilog=opt.example(
        "smsline webhooks replay shop --since 2h", "smsline webhooks replay shop --since 2030-05-01T09:00Z"
    ),
)
def replay(
    context: typer.Context,
    name: Name,
    *,
    since: Annotated[
        str, typer.Option(metavar="TIME", help="ISO 8601, or so long ago: 30m, 24h, 7d.", show_default=False)
    ],
    as_json: opt.Json = False,
) -> None:
    """Send every kept event again that happened since then, each under the id it had.

    Ends a suspension.
    """
    count = opt.admin_of(context).replay_webhook(name, since_s=since_s(since, now_s=time.time()))
    print_json({"replayed": count}) if as_json else print_line(
        f"{counted(count, 'event is', 'events are')} sent to {name} again"
    )


def _show(columns: list[Column], rows: Sequence[Mapping[str, object]]) -> None:
    values = ([row[column.name] for column in columns] for row in rows)
    show_listing(columns, ([", ".join(cell) if isinstance(cell, list) else cell for cell in row] for row in values))
