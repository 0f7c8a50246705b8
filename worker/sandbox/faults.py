"""What goes wrong on purpose: the fault that strikes a call, and connections cut."""

import asyncio
import socket
import struct
from collections import Counter
from collections.abc import Sequence
from random import Random
from typing import Any, Final

from uvicorn.protocols.http.auto import AutoHTTPProtocol

from worker.sandbox.flags import FlagFault

# struct linger {on, 0 s}: close() then drops what is unsent and sends RST instead of FIN.
_LINGER_NONE: Final = struct.pack("ii", 1, 0)


class Faults:
    """The faults in force, with what is left of each.

    Args:
        rules: In order; the first that strikes a call wins.
        seed: Of the probabilities.
    """

    def __init__(self, rules: Sequence[FlagFault], seed: int) -> None:
        self._rng = Random(seed)  # noqa: S311 - repeatable on purpose
        self.struck: Counter[str] = Counter()
        self.replace(rules)

    def replace(self, rules: Sequence[FlagFault]) -> None:
        """Put other faults in force, each with all its times; what has struck stays counted."""
        self._left = [(rule, rule.times) for rule in rules]

    def pick(self, action: str) -> FlagFault | None:
        """The fault that strikes this call, counted as used, or None."""
        for place, (rule, left) in enumerate(self._left):
            # `times` 0 is no end, so `left` counts below zero there and is not looked at.
            if rule.action not in ("*", action) or (rule.times and not left):
                continue
            # No draw for a certain fault: the seed's sequence then belongs to the uncertain ones
            # alone.
            if rule.p >= 1 or self._rng.random() < rule.p:
                self._left[place] = (rule, left - 1)
                self.struck[rule.kind] += 1
                return rule
        return None


class Connections:
    """The open connections by their client's address, so that a handler can cut its own.

    ASGI has no word for closing without an answer; the server's protocol class, wrapped here, keeps
    the transports.
    """

    def __init__(self) -> None:
        self._open: dict[tuple[str, int], asyncio.Transport] = {}

    def protocol(self) -> type[asyncio.Protocol]:
        """A protocol class for uvicorn's `http` option that registers its connections here."""
        open_ = self._open

        class RegisteredProtocol(AutoHTTPProtocol):  # type: ignore[valid-type, misc] # chosen at run time by what is installed
            def connection_made(self, transport: asyncio.Transport) -> None:
                # By the client's address, which the ASGI scope has too: there is no other way from
                # a request to its transport.
                open_[_address(transport)] = transport
                super().connection_made(transport)

            def connection_lost(self, exc: Exception | None) -> None:
                open_.pop(_address(self.transport), None)
                super().connection_lost(exc)

        return RegisteredProtocol

    def cut(self, client: tuple[str, int], *, reset: bool) -> None:
        """Close a connection at once, dropping what was not sent.

        Args:
            client: The client's address as in the ASGI scope.
            reset: Send RST instead of FIN: the client sees a reset, not an end.
        """
        # The client may have gone already.
        transport = self._open.get(client)
        if transport is None:
            return
        if reset:
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NONE)
        transport.abort()


def _address(transport: asyncio.Transport) -> tuple[str, int]:
    peer: tuple[Any, ...] = transport.get_extra_info("peername")
    return str(peer[0]), int(peer[1])
