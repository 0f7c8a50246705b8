"""What a producer or an operator's tool imports: jobs go in, states and results come out.

Names are loaded when they are first used: a command that only explains a code does not pay for Redis.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from smsline.client import Client
    from smsline.errors import BadInput, Conflict, NotFound, SmslineError, Unavailable
    from smsline.job import Recipient, Rejected

__all__ = ["BadInput", "Client", "Conflict", "NotFound", "Recipient", "Rejected", "SmslineError", "Unavailable"]

_HOMES = {"Client": "smsline.client", "Recipient": "smsline.job", "Rejected": "smsline.job"}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module 'smsline' has no attribute {name!r}")
    return getattr(import_module(_HOMES.get(name, "smsline.errors")), name)


def __dir__() -> list[str]:
    return __all__
