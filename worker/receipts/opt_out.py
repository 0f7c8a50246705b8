"""Opt-outs that providers report, in answers or receipts, as entries of the suppression list."""

from collections.abc import Iterable, Iterator

from config.providers import facts_of
from smsline.codes import CodeRow, for_receipt, for_send
from smsline.ledger.suppression import CODE, SCOPES, Suppression
from smsline.words import stop_scope


def of_answers(provider: str, account: str, said: Iterable[tuple[int, str]]) -> list[Suppression]:
    """Entries for numbers and the codes with which a send was refused.

    Codes that are no opt-out give none.
    """
    return list(_entries(provider, account, ((number, code, for_send(provider, code).row) for number, code in said)))


def of_receipts(provider: str, account: str, said: Iterable[tuple[int, str]]) -> list[Suppression]:
    """Entries for numbers and the codes of their failed receipts.

    Codes that are no opt-out give none.
    """
    return list(_entries(provider, account, ((number, code, for_receipt(provider, code).row) for number, code in said)))


def _entries(provider: str, account: str, said: Iterable[tuple[int, str, CodeRow]]) -> Iterator[Suppression]:
    """What the provider declares of a code, or the rule of the number's country, if it is wider."""
    # The provider's folder says which of its codes are opt-outs.
    facts = facts_of(provider)
    for number, code, row in said:
        if scope := facts.opt_out(row.code, row.reason):
            widest = max(scope, stop_scope(number), key=SCOPES.index)
            yield Suppression(number, widest, f"{CODE} {account} {code}", row.meaning)
