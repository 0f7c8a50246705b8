"""What the settings must know of Acme."""

from pathlib import Path
from typing import Final

from config.facts import ActionLimit, ProviderFacts

SEND: Final = "messages"
STATUS: Final = "messages/status"

FACTS: Final = ProviderFacts(
    endpoint="https://api.acme.example",
    actions={SEND: ActionLimit(20, "invented"), STATUS: ActionLimit(10, "invented")},
    needs=frozenset({"texts"}),
    opt_outs={"UNSUBSCRIBED": "marketing"},
    codes=Path(__file__).with_name("codes.tsv"),
    zone="Europe/Berlin",
    utc_offset_h=1,
)
