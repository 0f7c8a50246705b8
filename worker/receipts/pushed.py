"""Read and apply stored pages: pushed receipts and replies, and replies that were pulled."""

import logging
from typing import Final

from redis.exceptions import RedisError

from smsline.ledger import accounts, due, pages, replies
from smsline.ledger.due import Lease
from smsline.ledger.pages import PushedPage
from smsline.ledger.replies import NewReply
from smsline.words import Judgement, judge, stop_scope
from worker.engine import Engine
from worker.providers.base import Broken, Refused, Reply, ReplyPage, ReplyProvider
from worker.providers.pushes import PushFormat, push_format
from worker.receipts.apply import apply_receipts
from worker.routing.presence import LEFT_MS, UNSERVED_MS

DAY_MS: Final = 86_400_000

LEFT_SOON_MS: Final = 20.0
"""For how long what may be an opt-out is left to the processes that have its account. Any process
may get the next wake-up: where two of three lack the account, 35 tries in a second fail all
together once in a million."""

log = logging.getLogger(__name__)


def read_pushed(engine: Engine, account: str) -> int:
    """Read an account's stored pages until none is left.

    One worker at a time. Returns how many rows they held.
    """
    key = engine.ledger.keys.pushed_due
    lease = due.claim_one(engine.ledger, key, account, lease_ms=engine.lease_ms)
    if lease is None:
        return 0
    if not engine.presence.has(account):
        # To read a page nothing is asked: a process that has the account and is refused by
        # its provider reads it.
        leave(engine, key, lease, engine.presence.leave_for_ms(account) or UNSERVED_MS)
        return 0
    # One worker at a time: replies of one number must be taken in the order in which they came.
    form, rows = push_format(engine.settings.accounts[account].provider), 0
    while form and not engine.stopping.is_set() and (stored := pages.pushed(engine.ledger, account)):
        rows += _read(engine, account, form, stored)
        pages.drop(engine.ledger, account, stored)
    # A page that came after the last look has taken the lease's place.
    if not due.finish(engine.ledger, key, lease, 0 if engine.stopping.is_set() else None):
        due.hasten(engine.ledger, key, account, 0)
    return rows


def leave(engine: Engine, key: str, lease: Lease, leave_ms: float) -> None:
    """Leave what was claimed to other processes.

    That is for as short as an opt-out allows where there are such, else until one may have come.
    """
    again_ms = LEFT_SOON_MS if leave_ms == LEFT_MS else leave_ms
    due.finish(engine.ledger, key, lease, again_ms)
    engine.look_again(again_ms)


def read_waiting(engine: Engine) -> None:
    """Read what waits of all accounts of this process.

    Raises:
        redis.exceptions.RedisError: Redis cannot be reached.
    """
    for account in engine.providers:
        try:
            read_pushed(engine, account)
        except RedisError:
            raise
        except Exception:
            # It stays due; a process that did not begin for one page would serve no lane either.
            log.exception("account %s: what waits of its pushes could not be read", account)


def _read(engine: Engine, account: str, form: PushFormat, stored: list[PushedPage]) -> int:
    """Apply what pages say: all their receipts together, their replies one by one.

    Doing it twice counts nothing twice.
    """
    read = [form.read_receipts(page.raw) for page in stored if page.kind == "status"]
    done = apply_receipts(engine, account, [receipt for page in read for receipt in page.receipts])
    if done.applied:
        # Only what found its recipient: a forged push must not slow the pulls down.
        accounts.note_pushed(engine.ledger, account, engine.now_ms())
    bad, rows = sum(page.bad_rows for page in read), sum(page.rows for page in read)
    for page in stored:
        if page.kind != "status":
            told = _replies(engine, account, form, page)
            bad += told.bad_rows
            rows += len(told.replies)
            for reply in told.replies:
                take_reply(engine, account, reply)
    if bad:
        accounts.note_error(engine.ledger, account, f"{bad} pushed rows could not be read")
        log.error("account %s: %d pushed rows could not be read and were left out", account, bad)
    return rows


def _replies(engine: Engine, account: str, form: PushFormat, page: PushedPage) -> ReplyPage:
    if page.kind == "reply":
        return form.read_replies(page.raw)
    provider = engine.providers.get(account)
    answer = provider.read_replies(page.raw) if isinstance(provider, ReplyProvider) else ReplyPage(())
    if isinstance(answer, (Refused, Broken)):
        accounts.note_error(engine.ledger, account, f"{answer.code} while pulling replies")
        log.warning("account %s: pulling replies was answered with %s", account, answer.code)
        return ReplyPage(())
    return answer


def take_reply(engine: Engine, account: str, reply: Reply) -> bool:
    """Keep a reply, and stop or start what it says; whether it is new."""
    said = judge(reply.number, reply.text)
    # The provider knows its own STOP words; ours know those of other languages.
    if reply.stops and said.does != "stop":
        said = Judgement("stop", stop_scope(reply.number), "STOP")
    at_s = reply.at_s
    new = NewReply(account, reply.number, reply.text, at_s, reply.sign, reply.extend, said.does, said.scope, said.word)
    known = replies.keep(engine.ledger, new, retention_ms=engine.settings.retention_days * DAY_MS)
    if known and said.does:
        log.info("account %s: a reply says %s (%s)", account, said.does, said.word)
    return known
