"""Every provider's codes as data, with one lookup for what a code means and what to do about it.

`lookup` serves the engine, `explain` and `what_smsline_does` serve people, `load_overrides` lets a
user's file have the last word. The tables are in `data/`, readable in a diff; docs/codes.md is made
from them.
"""

from smsline.codes.calls import add_provider, for_read, for_receipt, for_send, for_taken
from smsline.codes.explain import close_codes, explain
from smsline.codes.lookup import lookup, providers, rows
from smsline.codes.overrides import BadOverrides, LineFault, clear_overrides, load_overrides
from smsline.codes.row import CodeRow, How, Kind, Match, Namespace
from smsline.codes.store import namespaces
from smsline.codes.windows import wait_s
from smsline.codes.words import what_smsline_does

__all__ = [
    "BadOverrides",
    "CodeRow",
    "How",
    "Kind",
    "LineFault",
    "Match",
    "Namespace",
    "add_provider",
    "clear_overrides",
    "close_codes",
    "explain",
    "for_read",
    "for_receipt",
    "for_send",
    "for_taken",
    "load_overrides",
    "lookup",
    "namespaces",
    "providers",
    "rows",
    "wait_s",
    "what_smsline_does",
]
