"""Rules of request bodies: too long, too slow, and left in the middle."""

import asyncio
from collections.abc import Iterable

import pytest
from starlette.exceptions import HTTPException
from starlette.types import Message, Receive, Scope, Send

from worker.web import body_limits
from worker.web.body_limits import BodyLimits


async def _reads(pieces: Iterable[bytes | None], *, most: int | None) -> int | str:
    """What a handler meets that reads a body of these pieces; None is a silence without end."""
    left = iter(pieces)

    async def receive() -> Message:
        piece = next(left, b"")
        if piece is None:
            await asyncio.Event().wait()
        return {"type": "http.request", "body": piece or b"", "more_body": bool(piece)}

    read: list[int | str] = []

    async def handler(_: Scope, receive: Receive, __: Send) -> None:
        try:
            taken = 0
            while (message := await receive())["more_body"]:
                taken += len(message["body"])
            read.append(taken)
        except HTTPException as error:
            read.append(f"{error.status_code} {(error.headers or {}).get('connection')}")

    async def send(_: Message) -> None:
        """No answer comes."""

    scope = {"type": "http", "method": "POST", "path": "/x", "headers": []}
    await BodyLimits(handler, lambda _: most)(scope, receive, send)
    return read[0]


@pytest.mark.parametrize(
    ("pieces", "most", "met"),
    [
        ([b"a" * 10] * 5, 50, 50),
        ([b"a" * 10] * 6, 50, "413 close"),
        ([b"a" * 10] * 500, None, 5000),
        ([b"a", None], None, "408 close"),
    ],
)
def test_bodies(monkeypatch: pytest.MonkeyPatch, pieces: list[bytes | None], most: int | None, met: int | str) -> None:
    """As long as its path allows; a silence of half a minute ends it, and its connection."""
    monkeypatch.setattr(body_limits, "SILENCE_S", 0.05)
    assert asyncio.run(_reads(pieces, most=most)) == met


def test_a_body_that_trickles(monkeypatch: pytest.MonkeyPatch) -> None:
    """Below a kilobyte a second on average it is ended, however regularly it comes."""
    now = iter(range(0, 10_000, 10))
    monkeypatch.setattr("time.monotonic", lambda: next(now))
    assert asyncio.run(_reads([b"a"] * 100, most=None)) == "408 close"
    assert asyncio.run(_reads([b"a" * 65_536] * 100, most=None)) == 100 * 65_536
