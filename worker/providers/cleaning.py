"""Make text that came from outside fit for a log."""

from collections.abc import Callable, Iterable
from typing import Final, TypeAlias

from smsline.errors import shorten
from smsline.numbers import mask_in

# Makes text that came from outside fit for a log.
Clean: TypeAlias = Callable[[str], str]

# Answers that a cleaner remembers.
REMEMBERED: Final = 1000


def cleaner(secrets: Iterable[str]) -> Clean:
    """A function that hides secrets and long numbers in a text, and shortens it.

    Args:
        secrets: Texts that must not be shown. One of a single character would blank the message and
            tell nothing.
    """
    # The longest first: a secret that is a part of another one would else leave the rest of it
    # readable.
    hidden = sorted({secret for secret in secrets if len(secret) > 1}, key=len, reverse=True)
    seen: dict[str, str] = {}

    def clean(text: str) -> str:
        """The provider's words without secrets, with masked numbers, at most 200 characters."""
        if (known := seen.get(text)) is not None:
            return known
        shown = text
        for secret in hidden:
            shown = shown.replace(secret, "****")
        if len(seen) >= REMEMBERED:  # texts with an id of their own each time would fill the memory
            seen.clear()
        seen[text] = shorten(mask_in(" ".join(shown.split())), 200)
        return seen[text]

    return clean
