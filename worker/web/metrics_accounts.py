"""Metrics of accounts that stand in settings and health: limits, credit, dead letters."""

from collections import Counter
from collections.abc import Iterator

from smsline.ledger import accounts, dead
from worker.providers.registry import open_providers
from worker.web.context import Web
from worker.web.families import Family


class AccountMetrics:
    """What is read once, or now and then, for many scrapes.

    Args:
        web: The web process.
    """

    def __init__(self, web: Web) -> None:
        self._web = web
        self._limits = {name: dict(provider.limits) for name, provider in open_providers(web.settings).items()}

    def __call__(self, web: Web) -> Iterator[Family]:
        """The families."""
        limits = Family("bucket_limit", "Calls a second that an account's action is limited to.")
        for account, actions in self._limits.items():
            limits.samples += [({"account": account, "action": action}, rate) for action, rate in actions.items()]
        yield limits
        credit = Family("credit", "Messages that the account's balance buys, as its provider said last.")
        for name, provider in accounts.registered(web.ledger).items():
            if held := accounts.health(web.ledger, name, provider)["credit"]:
                credit.samples.append(({"account": name}, float(held["messages"])))
        yield credit
        by_code = Counter[tuple[str, str]]()
        for group in dead.summary(web.ledger, dead.Pick()):
            by_code[group.account, group.code] += group.count
        samples = [({"account": account, "code": code}, float(count)) for (account, code), count in by_code.items()]
        yield Family("dead_recipients", "Recipients in the dead letter.", samples=list(samples))
