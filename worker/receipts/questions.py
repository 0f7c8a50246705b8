"""Questions that producers and people leave in the ledger.

They are asked of the provider under their action's limit, and answered in the ledger.
"""

import json
import logging
from collections.abc import Mapping
from typing import Any, Final

from smsline.codes import for_read
from smsline.errors import BadInput
from smsline.ledger import accounts, due, questions
from smsline.questions import ANSWER_KEPT_S, CONVERSION
from smsline.verdicts import Verdict
from worker.engine import Engine
from worker.gate import refused, wait_for_token
from worker.providers.base import AnswerProvider, Broken

LATER: Final = frozenset({Verdict.RETRY, Verdict.THROTTLE, Verdict.UNSURE})
"""Refusals of a read after which it is asked again, as long as the question is kept."""

log = logging.getLogger(__name__)


def answer(engine: Engine, member: str) -> None:
    """Answer a question that is due; `member` is `<account> <name>`."""
    keys, (account, name) = engine.ledger.keys, member.split(" ")
    lease = due.claim_one(engine.ledger, keys.questions_due, member, lease_ms=engine.lease_ms)
    if lease is None:
        return
    held = questions.read(engine.ledger, name)
    leave_ms = engine.presence.leave_for_ms(account)
    if held is None or leave_ms is not None:
        # Who has asked waits no more; or another worker has the account.
        due.finish(engine.ledger, keys.questions_due, lease, None if held is None else leave_ms)
        return
    asked = json.loads(held)
    found = _ask(engine, account, asked["what"], asked["args"])
    if isinstance(found, float):
        due.finish(engine.ledger, keys.questions_due, lease, found)
        return
    questions.answer(engine.ledger, name, json.dumps(found), keep_s=ANSWER_KEPT_S)
    due.finish(engine.ledger, keys.questions_due, lease)
    # The code with which a conversion was refused; empty when it was taken.
    row = (found.get("rows") or [{}])[0]
    trouble = str(found.get("code") or ("" if row.get("ok") else row.get("code", "?")))
    if asked["what"] == CONVERSION and trouble:
        accounts.note_error(engine.ledger, account, f"{trouble} while reporting a conversion")
        log.warning("account %s: a conversion was not taken (%s)", account, trouble)


def _ask(engine: Engine, account: str, what: str, args: Mapping[str, Any]) -> dict[str, Any] | float:
    """The answer as it is kept; ms to wait when it could not be had just now."""
    provider = engine.providers[account]
    if not isinstance(provider, AnswerProvider) or what not in provider.questions:
        return {"bad": ["account", account, "cannot be asked this"]}
    action = provider.questions[what]
    if wait_ms := wait_for_token(engine, account, action, urgent=False):
        return wait_ms
    try:
        found = provider.answer(what, args)
    except BadInput as error:
        return {"bad": [error.field, error.value, error.rule]}
    if isinstance(found, list):
        engine.reads.worked(account, action)
        return {"rows": found}
    name = engine.settings.accounts[account].provider
    if isinstance(found, Broken) or for_read(name, found.code).row.verdict in LATER:
        refused(engine, account, action, found)
        return engine.reads.failed(account, action) * 1000
    return {"code": found.code, "message": found.message}
