"""`python -m worker migrate`: bring a ledger of the previous layout to this version's layout."""

from config.settings import load_settings
from smsline.ledger.link import Ledger
from smsline.ledger.migrate import migrate
from smsline.ledger.version import LAYOUT


def main() -> None:
    """Migrate the ledger that the settings name, and say what was changed."""
    settings = load_settings()
    ledger = Ledger.at(settings.redis_url, settings.namespace)
    try:
        done = migrate(ledger)
    finally:
        ledger.close()
    # Counts by kind, so that a second run, which changes nothing, shows that it was one.
    changed = ", ".join(f"{count} {what}" for what, count in sorted(done.items())) or "nothing had to be changed"
    print(f"the ledger has layout {LAYOUT} now: {changed}")
