"""Outages of a provider: what every send meets while one lasts."""

from collections.abc import Sequence
from typing import Final

from bench.chaos.switch import Switch
from worker.sandbox.background import Background
from worker.sandbox.flags import FlagFault

# What every send is answered with meanwhile; None: it meets a shut door.
KINDS: Final[dict[str, FlagFault | None]] = {
    "refused": None,
    "502": FlagFault("status", "SendSms", status=502, executed=False),
    "504": FlagFault("status", "SendSms", status=504, executed=False),
    "garbled": FlagFault("garbled", "SendSms", executed=False),
    "internal": FlagFault("error", "SendSms", code="InternalError.Timeout", executed=False),
    "hang": FlagFault("slow", "SendSms", ms=20_000, executed=False),
}


class Strike:
    """Lets a provider go down and come back.

    Args:
        provider: Which.
        door: In front of it.
        usual: What goes wrong with its answers besides.
    """

    def __init__(self, provider: Background, door: Switch, usual: Sequence[FlagFault] = ()) -> None:
        self._provider, self._door, self._usual = provider, door, usual

    def begin(self, kind: str) -> None:
        """From here on nothing works."""
        fault = KINDS[kind]
        if fault is None:
            self._door.shut()
        else:
            self._faults([fault, *self._usual])

    def end(self, kind: str) -> None:
        """All is as it was."""
        if KINDS[kind] is None:
            self._door.open()
        else:
            self._faults(self._usual)

    def _faults(self, faults: Sequence[FlagFault]) -> None:
        self._provider.control(
            faults=[{name: getattr(each, name) for name in each.__struct_fields__} for each in faults]
        )
