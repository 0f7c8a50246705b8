"""Questions to a provider that wait in the ledger, and their answers.

`smsline.questions` asks them.
"""

from smsline.ledger.link import Ledger


def read(ledger: Ledger, name: str) -> bytes | None:
    """A question as it was left, JSON; None when its asker waits no more."""
    held = ledger.redis.get(ledger.keys.question(name))
    return None if held is None else bytes(held)


def answer(ledger: Ledger, name: str, text: str, *, keep_s: int) -> None:
    """Leave the answer in the question's place, for so long."""
    # The answer first: between the two a reader finds both, and never neither.
    pipe = ledger.redis.pipeline(transaction=False)
    pipe.set(ledger.keys.answer(name), text, ex=keep_s)
    pipe.delete(ledger.keys.question(name))
    pipe.execute()
