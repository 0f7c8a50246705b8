"""Passwords: hashed by argon2id, so that guessing them from a stolen ledger is expensive."""

from typing import TYPE_CHECKING, Final

from smsline.counted import counted
from smsline.errors import BadInput, SmslineError

if TYPE_CHECKING:
    from argon2 import PasswordHasher

SHORTEST: Final = 10

# No password is longer; without a bound a request could have argon2 hash a megabyte.
LONGEST: Final = 256

# A hash that no password has, so that an unknown user takes as long as a wrong password.
NO_USERS_HASH: Final = (
    "$argon2id$v=19$m=65536,t=3,p=4$3ovdwLM8Zd2uO/H04TsXjA$XSh5p8TxGeZSRlVIRWj5ySSJB8po9GI7EiKXSvAX1/s"
)


def hashed(password: str) -> str:
    """The hash to keep.

    Raises:
        BadInput: Too short or too long. The error never shows it.
        SmslineError: argon2 is not installed.
    """
    if not SHORTEST <= len(password) <= LONGEST:
        raise BadInput("password", counted(len(password), "character"), f"must have {SHORTEST} to {LONGEST}")
    return _hasher().hash(password)


def fits(password: str, kept: str) -> bool:
    """Whether a password is the one that was hashed; takes as long when there is none."""
    from argon2.exceptions import InvalidHashError, VerificationError  # noqa: PLC0415 - as below

    try:
        # Cut, not refused: a longer password is no user's, and the answer
        # takes as long as any other.
        _hasher().verify(kept or NO_USERS_HASH, password[:LONGEST])
    except (VerificationError, InvalidHashError):
        return False
    return bool(kept)


def _hasher() -> "PasswordHasher":
    try:
        from argon2 import PasswordHasher  # noqa: PLC0415 - only where users are managed or sign in
    except ModuleNotFoundError:
        raise SmslineError("users need the package argon2-cffi: pip install 'smsline[users]'") from None
    # RFC 9106's second choice: 64 MB and three passes. The numbers stand in each hash, so that they
    # can be raised without locking anyone out.
    return PasswordHasher(time_cost=3, memory_cost=65_536, parallelism=4)
