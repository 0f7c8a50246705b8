"""A wire to Redis that can be cut and tapped: the test strikes when a script passes."""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Final, Literal, Self

from smsline.ledger.link import Ledger
from smsline.ledger.scripts import script_sha, script_text

Moment = Literal["asked", "answered"]
OVERLAP: Final = 64
"""Bytes of the last piece that are looked at again: a script's name may be cut in two."""


class Wire:
    """Passes bytes between workers and Redis.

    Args:
        port: Of Redis on 127.0.0.1.
    """

    def __init__(self, port: int) -> None:
        self._upstream = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._sockets: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._open = True
        self._tap: tuple[bytes, Moment, Callable[[], bool | None]] | None = None

    def tap(self, script: str, moment: Moment, do: Callable[[], bool | None]) -> None:
        """Do something at a script's next pass, before Redis has it or before its answer is back.

        It goes no further and the connection breaks, unless `do` returns True.
        """
        self._tap = (script_sha(script).encode(), moment, do)

    def cut(self) -> None:
        """Break every connection, and every new one at once."""
        self._open = False
        with self._lock:
            for each in self._sockets:
                with suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)

    def mend(self) -> None:
        """Let connections through again."""
        self._open = True

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if not self._open:
                client.close()
                continue
            server = socket.create_connection(("127.0.0.1", self._upstream))
            with self._lock:
                self._sockets |= {client, server}
            struck = threading.Event()
            for source, target, asking in ((client, server, True), (server, client, False)):
                threading.Thread(target=self._pass, args=(source, target, struck, asking), daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket, struck: threading.Event, asking: bool) -> None:
        """Pass pieces on until one end closes, or a tap strikes."""
        last = b""
        with suppress(OSError):
            while piece := source.recv(65536):
                if asking and self._strikes(last + piece, struck):
                    break
                if not asking and struck.is_set() and not self._strike():
                    break
                last = piece[-OVERLAP:]
                target.sendall(piece)
        with self._lock:
            self._sockets -= {source, target}
        for each in (source, target):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _strikes(self, piece: bytes, struck: threading.Event) -> bool:
        """Whether the tapped script is asked for and goes no further.

        When its answer is tapped, that is noted.
        """
        with self._lock:
            tap = self._tap
            if tap is None or tap[0] not in piece:
                return False
            if tap[1] == "answered":
                struck.set()
                return False
        return not self._strike()

    def _strike(self) -> bool:
        """Do what was asked for, once; whether the piece goes on."""
        with self._lock:
            tap, self._tap = self._tap, None
        return tap is None or tap[2]() is True

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.cut()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


def know_scripts(ledger: Ledger, *names: str) -> None:
    """Let Redis know scripts, so that workers ask for them by the name that is tapped."""
    for name in names:
        ledger.redis.script_load(script_text(name))
