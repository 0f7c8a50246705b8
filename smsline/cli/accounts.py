"""`smsline accounts`: the health of every account.

`accounts resume A` lifts its parks after the cause is gone.
"""

from typing import TYPE_CHECKING, Annotated, Final

import typer

from smsline.cli import options as opt
from smsline.cli.listing import Column, show_listing
from smsline.cli.output import cell, print_json, print_line
from smsline.counted import counted

if TYPE_CHECKING:
    from smsline.health import AccountHealth, ParkInfo

commands = typer.Typer()

_COLUMNS: Final = (
    Column("account"),
    Column("provider", spare=3),
    Column("state"),
    Column("receipts due", number=True),
    Column("applied", spare=1, number=True),
    Column("late", spare=4, number=True),
    Column("unmatched", spare=5, number=True),
    Column("credit", spare=2),
    Column("last error", words=True),
)

Name = Annotated[str, typer.Argument(metavar="ACCOUNT", help="The account's name.", show_default=False)]


@commands.callback(
    invoke_without_command=True,
    context_settings=opt.HELP,
    epilog=opt.example("smsline accounts", "smsline accounts resume main"),
)
def accounts(context: typer.Context, *, as_json: opt.Json = False) -> None:
    """Show the health of every account.

    Whether it is parked and by which code, whether its calls take too long, its receipts (due,
    applied, after the job was closed, of no message known here), what is left on it where the
    provider tells, and codes that no table knows.
    """
    if context.invoked_subcommand:
        return
    found = opt.admin_of(context).accounts()
    if as_json:
        print_json(found)
        return
    rows = list[tuple[object, ...]]()
    for one in found:
        receipts = (one["waiting"], one["receipts"], one["late_receipts"], one["unmatched_receipts"])
        left = one["credit"]
        credit = f"{left['balance']} {left['currency']} ({counted(left['messages'], 'message')})" if left else ""
        rows.append((one["account"], one["provider"], one["state"], *receipts, credit, one["last_error"]))
    if rows:
        show_listing(_COLUMNS, rows)
    else:
        print_line("no worker has registered an account yet")
    for text in (text for one in found for text in _troubles(one)):
        print_line(cell(text))


@commands.command(context_settings=opt.HELP, epilog=opt.example("smsline accounts resume main"))
def resume(context: typer.Context, account: Name, *, as_json: opt.Json = False) -> None:
    """Let a parked account, or one that traffic fails over from, go on once the cause is mended."""
    lifted = opt.admin_of(context).resume_account(account)
    print_json({"account": account, "resumed": lifted}) if as_json else print_line(
        f"{account}: goes on; {counted(lifted, 'hindrance')} lifted"
    )


def _troubles(one: "AccountHealth") -> list[str]:
    """What a person has to see to, a line each."""
    name = one["account"]
    held = [
        f"{name}: held since {held['since']} by {held['code']}: {held['meaning']}; goes on by itself, "
        + ("its last probe went well" if held["returning"] else f"next probe {held['next_probe']}")
        + f"; at once: smsline accounts resume {name}"
        for held in (one["held"],)
        if held
    ]
    lacking = [f"{name}: no running worker has this account; what waits for it goes on when one has"]
    throttled = [
        f"{name}: its provider takes no calls for now (see its last error); tried again at {one['throttled_until']}"
    ]
    late = [
        f"{name}: {counted(late['calls'], 'call')} with {counted(late['recipients'], 'recipient')} "
        f"{'is' if late['calls'] == 1 else 'are'} under way for longer than usual, the oldest "
        f"since {late['since']}; what they came to is known when they are answered or time out"
        for late in (one["late_calls"],)
        if late
    ]
    machines = [
        f"{name}: {worker} is refused by {code} and leaves the account to other workers; see smsline codes explain {code}"
        for worker, code in one["refused"].items()
    ]
    parks = [
        f"{one['account']}: parked since {park['since']} ({_what(park)}) by {park['code']}: "
        f"{park['meaning']}; when mended: smsline accounts resume {one['account']}"
        for park in one["parked"]
    ]
    unknown = [
        f"{one['account']}: unknown code {code} came {counted(count, 'time')}; add a row for it"
        for code, count in one["unknown_codes"].items()
    ]
    # What needs a person stands before what ends by itself.
    held += throttled if one["throttled_until"] else []
    return parks + held + late + (lacking if one["state"] == "unserved" else []) + machines + _failover(one) + unknown


def _what(park: "ParkInfo") -> str:
    """What of the account is parked."""
    if park["side"]:
        return f"{park['side']} numbers"
    if park["scope"] == "job" and not park["own_sign"]:
        return f"{park['template']} with one job's params"
    if park["own_sign"]:
        return f"{park['template']} with a signature of a job's own"
    return park["template"] or park["scope"]


def _failover(one: "AccountHealth") -> list[str]:
    held, name = one["failover"], one["account"]
    failed_over = [
        f"{name}: {counted(count, 'recipient')} went through {key.partition(':')[0]} ({key.partition(':')[2]})"
        for key, count in one["failed_over"].items()
    ]
    if held is None:
        return failed_over  # counts of what was taken over stay to be seen when it is long over
    told = (
        f"{name}: too many calls failed by {held['code']} since {held['since']}: {held['meaning']}; traffic fails over until "
        f"{held['until']}, {held['share']:.0%} goes through it now, all of it from {held['whole_again']}; at once: "
        f"smsline accounts resume {name}"
    )
    return [told, *failed_over]
