"""Sessions of the console: a random token in the browser's cookie, its digest here.

What slows guessing down stands here too.
"""

import json
from dataclasses import dataclass
from hashlib import sha256
from secrets import token_urlsafe
from typing import Final

from smsline.ledger import users
from smsline.ledger.link import Ledger
from smsline.ledger.users import User

# Wrong passwords for one user from one address until each further one has to wait.
FREE_FAILURES: Final = 5

# The same from one address, whatever the user.
FREE_OF_ADDRESS: Final = 20

# The same for one user, from wherever: so many that a stranger can hardly keep the user out.
FREE_OF_USER: Final = 50

LONGEST_WAIT_S: Final = 60
FAILURES_TTL_S: Final = 900


@dataclass(frozen=True, slots=True)
class Guess:
    """One limit on wrong passwords: its key, and how many are free."""

    key: str
    free: int


def begin(ledger: Ledger, user: User, *, ttl_s: float) -> str:
    """Start a session under a new token, which is returned; it is kept nowhere else."""
    # A fresh token at every sign-in: one that was planted in the browser before would
    # otherwise be signed in with it.
    token = token_urlsafe(32)
    held = json.dumps({"user": user.name, "epoch": user.epoch})
    ledger.redis.set(ledger.keys.session(digest(token)), held, px=int(ttl_s * 1000))
    return token


def user_of(ledger: Ledger, token: str) -> User | None:
    """Whose session a token is.

    None when it is none, has ended, or its user's password was changed.
    """
    held = ledger.redis.get(ledger.keys.session(digest(token))) if token else None
    if held is None:
        return None
    session = json.loads(held)
    user = users.get(ledger, session["user"])
    return user if user and user.epoch == session["epoch"] else None


def end(ledger: Ledger, token: str) -> None:
    """End a session."""
    ledger.redis.delete(ledger.keys.session(digest(token)))


def wait_s(ledger: Ledger, user: str, address: str) -> int:
    """Seconds until a password of this user may be tried from this address; 0 is now.

    The try counts as failed until it is not.
    """
    guesses = _guesses(ledger, user, address)
    pipe = ledger.redis.pipeline(transaction=False)
    for guess in guesses:
        pipe.pttl(f"{guess.key}:wait")
    left_ms = max(pipe.execute())
    if left_ms > 0:
        return -(-int(left_ms) // 1000)
    # Counted before the password is looked at: else as many as come at once would all be free.
    pipe = ledger.redis.pipeline(transaction=True)
    for guess in guesses:
        pipe.incr(guess.key)
        pipe.expire(guess.key, FAILURES_TTL_S)
    counts = pipe.execute()[::2]
    for guess, count in zip(guesses, counts, strict=True):
        if count >= guess.free:
            pause_s = min(2 ** min(count - guess.free, 10), LONGEST_WAIT_S)
            ledger.redis.set(f"{guess.key}:wait", 1, ex=pause_s)
    return 0


def forgive(ledger: Ledger, user: str, address: str) -> None:
    """The password was right: forget what was tried from there."""
    keys = [guess.key for guess in _guesses(ledger, user, address)]
    ledger.redis.delete(*keys, *(f"{key}:wait" for key in keys))


def digest(token: str) -> str:
    """What is kept in the place of a token. A plain hash will do: 256 bits cannot be guessed."""
    return sha256(token.encode()).hexdigest()


def _guesses(ledger: Ledger, user: str, address: str) -> tuple[Guess, ...]:
    def key(*parts: str) -> str:
        return ledger.keys.sign_in(digest("\0".join(parts))[:32])

    return (
        Guess(key("both", user, address), FREE_FAILURES),
        Guess(key("address", address), FREE_OF_ADDRESS),
        Guess(key("user", user), FREE_OF_USER),
    )
