"""`python -m worker.demo`: start a service, play a campaign and three otps, watch and check them.

Exit codes: 0 when every recipient ended as it should, 1 when not, 130 after Ctrl-C.
"""

import os
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

import httpx
from rich.console import Console
from rich.markup import escape

from smsline import Admin, Client
from smsline.errors import SmslineError
from worker.demo import scenario
from worker.demo.findings import complaints, gather
from worker.demo.play import StillOpen, follow, names, submit_campaign, submit_otps
from worker.demo.progress import progress
from worker.demo.running import LOG, SETTINGS_FILE, ServiceFailed, running
from worker.demo.summary import show_summary

_PIPE_WIDTH: Final = 120
_SHOWN: Final = 10
_CSV: Final = "campaign.csv"
_MEANWHILE: Final = f"""\
  {len(scenario.STEERED)} numbers meet trouble on purpose. Those that never answer are asked about until their time is up:
  here {scenario.HORIZON_S:g} s without an answer and {scenario.DEADLINE_S:g} s without a receipt, in real life an hour and three days.
"""
_TROUBLE: Final = (ServiceFailed, StillOpen, SmslineError, httpx.HTTPError)


def main() -> int:
    """Run the demo; returns the exit code."""
    _end_like_ctrl_c()
    # Settings of this machine's own service must not reach the demo: it would send through real
    # accounts.
    for name in [name for name in os.environ if name.startswith("SMSLINE_")]:
        del os.environ[name]
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace")  # a terminal without the bars' characters shows a ? for them
    console = Console(width=None if sys.stdout.isatty() else _PIPE_WIDTH, highlight=False)
    folder = Path(tempfile.mkdtemp(prefix="smsline-demo-"))
    try:
        # Whatever the demo knows how to explain becomes a line; anything else is a bug and keeps
        # its traceback.
        trouble = _demonstrate(console, folder)
    except _TROUBLE as error:
        trouble = [str(error)]
    except KeyboardInterrupt:
        shutil.rmtree(folder, ignore_errors=True)
        console.print("\nInterrupted: everything is stopped and removed.")
        return 130
    if not trouble:
        shutil.rmtree(folder, ignore_errors=True)
        return 0
    console.print("\n[bold red]✗[/] [bold]The demo did not end as it should:[/]")
    for each in trouble[:_SHOWN]:
        console.print(f"  {escape(each)}", soft_wrap=True)
    if len(trouble) > _SHOWN:
        console.print(f"  and {len(trouble) - _SHOWN} more")
    # The folder is kept: it holds the ledger and the logs of what went wrong.
    console.print(f"\nWhat the service said is in {folder / LOG}", soft_wrap=True)
    return 1


def _end_like_ctrl_c() -> None:
    """Make every way of ending the demo a KeyboardInterrupt, so that nothing is left running."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if number is signal.SIGHUP and signal.getsignal(number) is signal.SIG_IGN:
            continue  # started by nohup: meant to outlive its terminal
        signal.signal(number, signal.default_int_handler)


def _demonstrate(console: Console, folder: Path) -> list[str]:
    """Everything from the first word to the summary; returns what is not as it should be."""
    console.print(
        "\n[bold]smsline demo[/]: a campaign of a thousand numbers, and one-time passwords that overtake it\n"
    )
    codes_file = folder / "codes.tsv"
    # The provider's own half minute would make the demo wait for one number of a thousand.
    codes_file.write_text(scenario.CODES)
    (folder / SETTINGS_FILE).write_text(scenario.settings_toml(str(codes_file)))
    (folder / _CSV).write_text("".join(scenario.csv_lines()))
    began_s = time.monotonic()
    with running(folder) as service:
        with console.status("starting Redis, a sandbox provider and the workers"):
            # The sandbox is slowed down after the start, which its own readiness would else have to
            # wait for.
            report = service.wait_ready()
            httpx.post(
                f"{report.sandbox_url}/_control", json=scenario.SANDBOX_FLAGS, trust_env=False
            ).raise_for_status()
        what = f"Redis, a sandbox provider (it sends nothing) and {report.workers} worker processes are up"
        _tick(console, f"{what}, after {time.monotonic() - began_s:.1f} s")
        client = Client(redis_url=report.redis_url)
        submitted_s = time.monotonic()
        campaign = submit_campaign(client, folder / _CSV)
        took_s = time.monotonic() - submitted_s
        _tick(
            console,
            f"{scenario.CAMPAIGN_SIZE:,} numbers of a CSV file are safe in the ledger as one job, after {took_s:.1f} s; "
            f"they go out at {scenario.PACE:g} a second",
        )
        # Behind the campaign on purpose: they have to overtake it.
        otps = submit_otps(client)
        waiting = client.status(campaign)["counts"]["waiting"]
        _tick(
            console, f"{len(otps)} one-time passwords are submitted, with {waiting:,} numbers of the campaign waiting"
        )
        console.print(_MEANWHILE, style="dim")
        with progress(console) as show:
            statuses = follow(client, names(campaign, otps), show=show, check=service.check)
        closed_s = time.monotonic() - submitted_s
        # Asked before the service stops: sandbox and ledger end with it.
        found = gather(Admin(redis_url=report.redis_url), statuses, otps, report.sandbox_url)
        client.close()
    trouble = complaints(found)
    if not trouble:
        show_summary(console, found, closed_s)
    return trouble


def _tick(console: Console, told: str) -> None:
    console.print(f"[green]✓[/] {escape(told)}", soft_wrap=True)


if __name__ == "__main__":
    sys.exit(main())
