"""What happened to a number: every message that is kept for it, over all jobs."""

from typing import TypedDict

from smsline import numbers
from smsline.ledger import jobs, number_index
from smsline.ledger.accounts import registered
from smsline.ledger.code_names import Names
from smsline.ledger.link import Ledger
from smsline.ledger.talk import carry


class NumberMessage(TypedDict):
    """One message to a number. Times are ISO 8601 in UTC.

    `account` is the one that sent it, or is to send it; `created_at` is when its job was handed
    over.
    """

    job: str
    lane: str
    template: str
    ref: str
    state: str
    code: str
    account: str
    provider: str
    serial: str
    attempts: int
    created_at: str | None
    accepted_at: str | None
    final_at: str | None


def messages_of(ledger: Ledger, number: int) -> list[NumberMessage]:
    """Every message kept for a number in any of its spellings, newest first.

    A recipient whose part is still in the inbox is not among them: it is found once its job has
    been accepted, which takes a moment, or until the start of a scheduled job.

    Raises:
        redis.exceptions.RedisError: Redis cannot be reached.
    """
    wanted = {numbers.e164(spelling) for spelling in numbers.spellings(number)}
    found: list[NumberMessage] = []
    blocks = number_index.blocks_of(ledger, number)
    providers, names = registered(ledger) if blocks else {}, Names(ledger.keys)
    for at in range(0, len(blocks), _AT_ONCE):
        pipe = ledger.redis.pipeline(transaction=False)
        for block in blocks[at : at + _AT_ONCE]:
            pipe.hgetall(ledger.keys.block(block))
        # The index is a hint: a block may be gone with its job, and a number in it may be a
        # neighbour's of the same hash.
        held_blocks = [held for held in pipe.execute() if held]
        for held in held_blocks:
            pipe.hmget(ledger.keys.job(held[b"job"].decode()), "lane", "template", "created_ms")
        facts = pipe.execute()
        carry(ledger.redis, names.learn(held_blocks))
        for held, (lane, template, created_ms) in zip(held_blocks, facts, strict=True):
            for _, account, row in jobs.rows_of(held, providers, names):
                if row["phone"] in wanted:
                    found.append(
                        NumberMessage(
                            job=held[b"job"].decode(),
                            lane=(lane or b"").decode(),
                            template=(template or b"").decode(),
                            ref=row["ref"],
                            state=row["state"],
                            code=row["code"],
                            account=account,
                            provider=row["provider"],
                            serial=row["serial"],
                            attempts=row["attempts"],
                            created_at=jobs.iso(int(created_ms or 0)),
                            accepted_at=row["accepted_at"],
                            final_at=row["final_at"],
                        )
                    )
    # By the job's creation: attempts of one job may be of different days, and a person looks for
    # the text, not for the try.
    return sorted(found, key=lambda each: each["created_at"] or "", reverse=True)


_AT_ONCE = 100
