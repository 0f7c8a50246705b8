"""A switch in front of a server: it passes bytes on, and refuses connections while it is shut."""

import socket
import threading
from contextlib import suppress
from typing import Final, Self

HOST: Final = "127.0.0.1"
AT_ONCE: Final = 65_536


class Switch:
    """Passes bytes on to a port, both ways.

    Args:
        port: Behind the switch.

    Attributes:
        port: In front of it.
        url: The same for a provider.
    """

    def __init__(self, port: int) -> None:
        self._behind = port
        self._listener = self._bind(0)
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http://{HOST}:{self.port}"
        self._open: set[socket.socket] = set()
        self._over = False

    def __enter__(self) -> Self:
        threading.Thread(target=self._listen, args=(self._listener,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over = True
        self.shut()

    def shut(self) -> None:
        """Refuse connections, and end those that are open."""
        # Closing alone would leave the thread in `accept`, and the port taken.
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for each in tuple(self._open):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def open(self, behind: int | None = None) -> None:
        """Take connections again, at the same port, for the server behind or for another one."""
        self._behind = behind or self._behind
        self._listener = self._bind(self.port)
        threading.Thread(target=self._listen, args=(self._listener,), daemon=True).start()

    @staticmethod
    def _bind(port: int) -> socket.socket:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
        listener.listen(128)
        return listener

    def _listen(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while not self._over:
                front, _ = listener.accept()
                try:
                    back = socket.create_connection((HOST, self._behind))
                except OSError:
                    # The server behind is dead at this moment: who asks is cut
                    # off, and may ask again.
                    front.close()
                    continue
                for one, other in ((front, back), (back, front)):
                    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    self._open.add(one)
                    threading.Thread(target=self._pass_on, args=(one, other), daemon=True).start()

    def _pass_on(self, one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while data := one.recv(AT_ONCE):
                other.sendall(data)
        # One end is gone: the other one must see it, or it would wait for an
        # answer until its timeout.
        for each in (one, other):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        self._open.discard(one)
