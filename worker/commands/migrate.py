"""`python -m worker migrate`: bring a ledger of the previous layout to the one that this version works with."""

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
    changed = ", ".join(f"{count} {what}" for what, count in sorted(done.items())) or "nothing had to be changed"
    print(f"the ledger has layout {LAYOUT} now: {changed}")
