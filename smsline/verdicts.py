"""What a provider's code means for us: a verdict and the scope it speaks of."""

from enum import StrEnum


class Verdict(StrEnum):
    """What to do about a recipient or a call, decided by the provider's code."""

    OK = "ok"
    RETRY = "retry"
    THROTTLE = "throttle"
    PARK = "park"
    REROUTE = "reroute"
    DEAD = "dead"
    UNSURE = "unsure"


class Scope(StrEnum):
    """What a verdict speaks of.

    Whether the next recipient, content, template or account is concerned too.

    `region` is one side of the account, mainland or global numbers. `process` is the machine that
    made the call, with its clock, its address and the key that it was given: other machines may go
    on with the same account.
    """

    RECIPIENT = "recipient"
    CONTENT = "content"
    REQUEST = "request"
    TEMPLATE = "template"
    REGION = "region"
    PROCESS = "process"
    ACCOUNT = "account"
    PROVIDER = "provider"
