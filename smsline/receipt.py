"""A receipt: the carrier's final word on one message, pulled, pushed or asked for."""

from typing import NamedTuple


class Receipt(NamedTuple):
    """What a provider says became of one message.

    Attributes:
        number: E.164 integer.
        serial: The provider's id of the message to this number.
        ok: The provider's success flag, which is trusted first.
        code: The carrier's code (`DELIVRD`), which explains a failure.
        received_at_s: When the carrier reported, epoch seconds; 0 when the provider does not say.
        context: What was sent along as session context, or empty.
        message: What is said beside the code, or empty.
    """

    number: int
    serial: str
    ok: bool
    code: str
    received_at_s: int
    context: str = ""
    message: str = ""
