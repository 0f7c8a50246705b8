"""Tencent's envelope, and rows of its answers, for the actions besides sending."""

from smsline.numbers import e164
from worker.providers import reading
from worker.providers.base import Broken, Refused
from worker.providers.cleaning import Clean
from worker.providers.reading import Row, text, unreadable, word
from worker.providers.tencent.spelling import received


def opened(body: bytes, *, clean: Clean) -> Row | Refused | Broken:
    """What stands in an answer's `Response`, or the error that stands there instead.

    Args:
        body: The answer's body.
        clean: Applied to the provider's message.
    """
    envelope = reading.opened(body)
    if isinstance(envelope, Broken):
        return envelope
    response = envelope.get("Response")
    if not isinstance(response, dict):
        return unreadable(f"{len(body)} bytes of JSON without a Response")
    error = response.get("Error")
    if isinstance(error, dict) and (code := word(error.get("Code"))):
        return Refused(code, clean(text(error.get("Message"))), text(response.get("RequestId")))
    return response


def phone(row: Row) -> str:
    """The number of a row in E.164 where it can be read, else as it is written."""
    written = word(row.get("PhoneNumber"))
    # A number that cannot be read is shown as written: a person can still read it.
    number = received(written, word(row.get("CountryCode")), word(row.get("SubscriberNumber")))
    return written if number is None else e164(number)
