"""Metrics of accounts that stand in settings and health: limits, credit, dead letters."""

from collections import Counter
from collections.abc import Iterator

from smsline.ledger import accounts, dead
from worker.web.context import Web
from worker.web.families import Family


def of_accounts(web: Web) -> Iterator[Family]:
    """The families. Limits are those of this process' settings, which its adapters know."""
    limits = Family("bucket_limit", "Calls a second that an account's action is limited to.")
    for account, provider in web.asking.providers.items():
        limits.samples += [({"account": account, "action": action}, rate) for action, rate in provider.limits.items()]
    yield limits
    credit = Family("credit", "Messages that the account's balance buys, as its provider said last.")
    for name, kind in accounts.registered(web.ledger).items():
        if held := accounts.health(web.ledger, name, kind)["credit"]:
            credit.samples.append(({"account": name}, float(held["messages"])))
    yield credit
    by_code = Counter[tuple[str, str]]()
    for group in dead.summary(web.ledger, dead.DeadFilter()):
        by_code[group.account, group.code] += group.count
    samples = [({"account": account, "code": code}, float(count)) for (account, code), count in by_code.items()]
    yield Family("dead_recipients", "Recipients in the dead letter.", samples=list(samples))
