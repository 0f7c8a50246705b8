"""A sandbox inside this process, for tests and benches, with its URL and controls."""

import threading
from types import TracebackType
from typing import Any, Self

import httpx

from worker.listening import bind, url_of
from worker.sandbox.flags import Flags
from worker.sandbox.serve import HOST, build_server


class Background:
    """A sandbox served by a thread while a `with` block lasts, on a free loopback port.

    It shares this process' interpreter: for measurements start `python -m worker.sandbox` instead.

    Args:
        flags: How it behaves at the start and after a reset; None for a strict provider that
            answers at once.

    Attributes:
        url: `http://127.0.0.1:PORT`.
    """

    def __init__(self, flags: Flags | None = None) -> None:
        self._listener = bind(HOST, 0)
        self._server = build_server(flags or Flags())
        self._thread = threading.Thread(target=self._server.run, args=([self._listener],), name="sandbox", daemon=True)
        self.url = url_of(self._listener)
        # trust_env off: a proxy of the environment would be asked for 127.0.0.1.
        self._http = httpx.Client(base_url=self.url, timeout=30, trust_env=False)

    def __enter__(self) -> Self:
        # The socket listens since it was bound, so there is nothing to wait for: early requests are
        # served a moment later.
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()
        # The server ends by itself within a second; joining it keeps its sockets out of the next
        # test.
        self._server.should_exit = True
        self._thread.join()

    def stats(self, *, numbers: str = "1", log: bool = True) -> dict[str, Any]:
        """The statistics, as `GET /_stats` gives them.

        Args:
            numbers: `1` for messages per number, `repeated` for those above one, `0` for none.
            log: Whether to list recent calls.
        """
        return self._answer(self._http.get("/_stats", params={"numbers": numbers, "log": str(int(log))}))

    def control(self, **patch: object) -> dict[str, Any]:
        """Change flags while it runs; returns those in force.

        Raises:
            ValueError: An unknown flag or a value out of bounds; nothing changed.
        """
        return self._answer(self._http.post("/_control", json=patch))

    def reply(self, phone: str, text: str, **more: object) -> None:
        """Add a reply of a subscriber; `more` is as `POST /_replies` takes it.

        Raises:
            ValueError: No number, or a field that there is not.
        """
        self._answer(self._http.post("/_replies", json={"phone": phone, "text": text, **more}))

    def reset(self) -> dict[str, Any]:
        """Forget everything and go back to the flags of the start."""
        return self._answer(self._http.post("/_reset"))

    @staticmethod
    def _answer(response: httpx.Response) -> dict[str, Any]:
        if response.status_code == httpx.codes.BAD_REQUEST:
            raise ValueError(response.json()["error"])
        answer: dict[str, Any] = response.raise_for_status().json()
        return answer
