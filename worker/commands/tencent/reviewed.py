"""What the commands of templates and of signatures do alike: print a list, an id or what was deleted, and ask before deleting."""

import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import Final

import typer

from smsline.cli.errors import FAILED
from smsline.cli.output import cell, print_json, print_line, say, show, table
from worker.commands.tencent.session import day
from worker.providers.tencent.reviews import Deletion
from worker.providers.tencent.signatures import Signature
from worker.providers.tencent.templates import Template

_TIMES: Final = "created_at_s"


def print_list(found: Sequence[Template | Signature], *, as_json: bool) -> None:
    """A row each; times in UTC."""
    listed = [{**asdict(one), "created_at": day(one.created_at_s)} for one in found]
    for one in listed:
        one.pop(_TIMES)
    if as_json:
        print_json(listed)
        return
    if not listed:
        show("there are none")
        return
    shown = table(*listed[0])
    for one in listed:
        # An id is a name made of digits: no commas in it.
        shown.add_row(*(cell(str(value)) for value in one.values()))
    show(shown)


def print_id(made: int, done: str, *, as_json: bool) -> None:
    """The id of what was handed in, alone on its line so that a script can take it; words go to stderr."""
    print_json({"id": made}) if as_json else print_line(str(made))
    say(f"{done}; it can be used when the review has approved it")


def print_deleted(gone: int, answer: Deletion, *, as_json: bool) -> None:
    """What is gone."""
    print_json({"id": gone, "deleted_at": day(answer.at_s)}) if as_json else print_line(f"deleted {gone}")


def ask_first(what: str, *, yes: bool) -> None:
    """A person confirms; a script, which has no terminal, has already said what it wants.

    Raises:
        typer.Exit: The answer was no.
    """
    if yes or not sys.stdin.isatty():
        return
    if not typer.confirm(f"delete {what}? What names it is refused from then on", err=True):
        say("nothing was changed")
        raise typer.Exit(FAILED)
