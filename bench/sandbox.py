"""The sandbox as the benches use it: a process on a free port, its statistics and controls."""

import socket
from dataclasses import dataclass
from typing import Any, Final, Self

import httpx

from bench.children import importable, python
from worker.supervisor.child import Child

SEND: Final = "SendSms"
SECRET_ID: Final = "sandbox-id"  # noqa: S105 - the sandbox's published credentials
SECRET_KEY: Final = "sandbox-key"  # noqa: S105
APP: Final = "1400000000"
SIGN: Final = "bench"


@dataclass(frozen=True, slots=True)
class Arrival:
    """One call as it reached the provider.

    Attributes:
        at_s: Epoch seconds.
        template: Of what.
        first: Its first number, masked; the last four digits are open.
    """

    at_s: float
    template: str
    first: str


class SandboxProcess:
    """A sandbox on a port.

    Args:
        port: Where it listens.
    """

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._http = httpx.Client(base_url=self.url, timeout=60, trust_env=False)

    def reset(self, **flags: object) -> None:
        """Forget everything; these flags, and else those of the start, hold from now on."""
        self._http.post("/_reset").raise_for_status()
        if flags:
            self._http.post("/_control", json=flags).raise_for_status()
            self._http.post("/_reset", params={"keep": "flags"}).raise_for_status()

    def stats(self, *, log: bool = False) -> dict[str, Any]:
        """What `/_stats` answers, without the messages per number."""
        answer = self._http.get("/_stats", params={"numbers": "0", "log": str(int(log))}).raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    def arrivals(self) -> list[Arrival]:
        """The sends it remembers, in the order of their arrival."""
        log = self.stats(log=True)["log"]
        return [Arrival(each["at"], each["template"], each["first"]) for each in log if each["action"] == SEND]

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def sandbox_child(port: int) -> Child:
    """A sandbox without limits of its own that delivers everything at once."""
    command = python("worker.sandbox", "--port", str(port), "--no-steering", "--limit", "*=0")
    return Child("sandbox", command, 5.0, environ=importable(), probe=lambda: _listens(port))


def free_port() -> int:
    """A port that is free at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 0.5).close()
    except OSError:
        return False
    return True


def window_s(stats: dict[str, Any]) -> float:
    """Seconds between the first and the last send."""
    return float(stats["last_at"][SEND]) - float(stats["first_at"][SEND])
