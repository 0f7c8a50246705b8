"""What `smsline.codes` offers, and what importing it costs."""

import subprocess
import sys

from smsline import codes
from tests.support.waiting import LONG_S

OFFERED = [
    "BadOverrides",
    "CodeRow",
    "How",
    "Kind",
    "LineFault",
    "Match",
    "Namespace",
    "add_provider",
    "clear_overrides",
    "close_codes",
    "explain",
    "for_read",
    "for_receipt",
    "for_send",
    "for_taken",
    "load_overrides",
    "lookup",
    "namespaces",
    "providers",
    "rows",
    "wait_s",
    "what_smsline_does",
]


def test_what_is_offered_is_what_is_listed() -> None:
    """Sorted, present, and documented."""
    assert codes.__all__ == OFFERED
    assert all(getattr(codes, name).__doc__ for name in OFFERED if name not in {"How", "Kind"})


def test_importing_reads_no_table() -> None:
    """A producer that never meets a code pays nothing; a lookup reads its own namespace only."""
    program = """
import sys
from smsline.codes import lookup, store
read = []
text = store._text
store._text = lambda name: read.append(name) or text(name)
assert store.shipped.cache_info().currsize == 0 and store.namespaces.cache_info().currsize == 0
lookup("tencent", "api", "InternalError")
print(*read)
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=LONG_S)

    assert ran.stdout.split() == ["namespaces.tsv", "added.tsv", "families.tsv", "tencent_api.tsv"]
