"""A wake-up for a lane goes in; what is due in its inbox is accepted and what is due in its lines is sent, until nothing is."""

from typing import Final

from worker import accept, send
from worker.engine import Engine

SEND_S: Final = 0.3
"""For how long it is sent between two looks into the inbox."""


def work(engine: Engine, lane: str, seconds: float = 1.0) -> None:
    """Accept and send for about so long; what is left then is the pulse's to wake somebody for."""
    over, busy = engine.slice_ends(seconds), True
    with engine.working():
        while busy and not over():
            accepted = accept.accept_due(engine, lane)
            busy = bool(send.send_slice(engine, lane, SEND_S)) or bool(accepted)
    if busy:
        engine.poke(0)
