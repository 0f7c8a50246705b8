"""What SMSPartner allows: an action's name in, calls per second and where that is said out.

An action is the path behind `/v1/`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

SEND: Final = "bulk-send"
QUERY: Final = "multi-status"
FIND: Final = "bulk-status-by-tag"
STATUS: Final = "message-status"
STATUS_OF_CALL: Final = "bulk-status"
CANCEL: Final = "message-cancel"
CREDITS: Final = "me"
LOOKUP: Final = "lookup"
HLR: Final = "hlr/notify"
STOP_LIST: Final = "stop-sms/list"

NUMBERS_PER_CALL: Final = 500
"""Numbers in one bulk-send, multi-status, lookup or hlr/notify (SMSPartner API pages; error codes, lines 50, 68, 81, 117)."""

TAG_LONGEST: Final = 20
"""Characters of a tag, which has no blanks (SMSPartner API pages)."""

_GUESSED: Final = "none documented; a third-party client keeps to 5 a second, 300 a minute"
_SELDOM: Final = "none documented; there is no reason to ask more often"
_PAGES: Final = "SMSPartner API pages: 360 a minute, more are answered with HTTP 429"


@dataclass(frozen=True, slots=True)
class Limit:
    """How often one action may be called.

    Attributes:
        per_second: Calls per second.
        source: Where that is said, or why it was chosen.
    """

    per_second: float
    source: str


ACTIONS: Final[Mapping[str, Limit]] = MappingProxyType(
    {
        SEND: Limit(5, _GUESSED),
        QUERY: Limit(5, _GUESSED),
        FIND: Limit(5, _GUESSED),
        STATUS: Limit(5, _GUESSED),
        STATUS_OF_CALL: Limit(5, _GUESSED),
        CANCEL: Limit(5, _GUESSED),
        CREDITS: Limit(1, _SELDOM),
        LOOKUP: Limit(6, _PAGES),
        HLR: Limit(6, _PAGES),
        STOP_LIST: Limit(1, _SELDOM),
    }
)
"""Every action that is called here."""

DEFAULTS: Final[Mapping[str, float]] = MappingProxyType({action: limit.per_second for action, limit in ACTIONS.items()})
"""Calls per second by action, unless the account says otherwise."""
