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
    """What a verdict speaks of: whether the next recipient, content, template or account is concerned too."""

    RECIPIENT = "recipient"
    CONTENT = "content"
    REQUEST = "request"
    TEMPLATE = "template"
    ACCOUNT = "account"
    PROVIDER = "provider"
