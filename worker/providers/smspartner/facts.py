"""SMSPartner (smspartner.fr), API version 1; an action is the path behind `/v1/`."""

from types import MappingProxyType
from typing import Final

from config.facts import ActionLimit, ProviderFacts

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

# Numbers in one bulk-send, multi-status, lookup or hlr/notify (SMSPartner API pages; error codes,
# lines 50, 68, 81, 117).
NUMBERS_PER_CALL: Final = 500

# `gamme` of the low-cost range.
LOW_COST: Final = 2

_GUESSED: Final = "none documented; a third-party client keeps to 5 a second, 300 a minute"
_SELDOM: Final = "none documented; there is no reason to ask more often"
_PAGES: Final = "SMSPartner API pages: 360 a minute, more are answered with HTTP 429"

FACTS: Final = ProviderFacts(
    endpoint="https://api.smspartner.fr",  # without the version, which begins every path (SMSPartner API pages)
    actions=MappingProxyType(
        {
            SEND: ActionLimit(5, _GUESSED),
            QUERY: ActionLimit(5, _GUESSED),
            FIND: ActionLimit(5, _GUESSED),
            STATUS: ActionLimit(5, _GUESSED),
            STATUS_OF_CALL: ActionLimit(5, _GUESSED),
            CANCEL: ActionLimit(5, _GUESSED),
            CREDITS: ActionLimit(1, _SELDOM),
            LOOKUP: ActionLimit(6, _PAGES),
            HLR: ActionLimit(6, _PAGES),
            STOP_LIST: ActionLimit(1, _SELDOM),
        }
    ),
    needs=frozenset({"texts"}),
    takes=frozenset({"gamme", "stop_sms", "unicode", "callback_url"}),
    # Code 14: the number is on the STOP list.
    opt_outs={"14": "marketing"},
)
