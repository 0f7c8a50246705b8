"""Callbacks: an app's receipts and replies are pushed to a URL, in its provider's form.

A push that is not answered as that provider wants is made twice more, then given up; pulls and
questions give the same all the same.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

import httpx

from worker.sandbox.book import PersonReply
from worker.sandbox.sandbox import Sandbox
from worker.sandbox.state import SandboxReceipt, push_queue

# Receipts in one push, at most.
ROWS: Final = 100
TRIES: Final = 3
LOOK_S: Final = 0.05
AGAIN_S: Final = 0.5


class PushForm(Protocol):
    """How one provider pushes."""

    def receipts(self, receipts: Sequence[SandboxReceipt]) -> list[object]:
        """The bodies that tell these receipts."""

    def reply(self, reply: PersonReply) -> object:
        """The body that tells a reply."""

    def taken(self, answer: Any) -> bool:  # noqa: ANN401 - JSON of a stranger
        """Whether an answer, which came with status 200, says that a push was taken."""


class Pusher:
    """Pushes what is due, from the loop that serves the sandbox; it starts with the first request.

    Args:
        sandbox: Whose receipts and replies.
        form_of: The form of an app's provider.
    """

    def __init__(self, sandbox: Sandbox, form_of: Callable[[str], PushForm]) -> None:
        self._sandbox = sandbox
        self._form_of = form_of
        self._task: asyncio.Task[None] | None = None

    def wake(self) -> None:
        """Begin, unless it has begun or there is nothing to push to."""
        if self._sandbox.world.pushing and (self._task is None or self._task.done()):
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        async with httpx.AsyncClient(timeout=10, trust_env=False) as http:
            while pushing := self._sandbox.world.pushing:
                # A list: a send may name another URL between two pushes.
                for app, callback in list(pushing.items()):
                    form = self._form_of(app)
                    # The push queue is apart from the pull queue: a push takes nothing away from a
                    # client that pulls.
                    while receipts := self._sandbox.world.take(push_queue(app), ROWS):
                        for body in form.receipts(receipts):
                            await _push(http, callback.status, body, form)
                    waiting = self._sandbox.book.to_push[app]
                    while waiting:
                        await _push(http, callback.reply, form.reply(waiting.popleft()), form)
                await asyncio.sleep(LOOK_S)


async def _push(http: httpx.AsyncClient, url: str, body: object, form: PushForm) -> bool:
    # A send may name one of the two URLs alone.
    for attempt in range(TRIES if url else 0):
        try:
            answer = await http.post(url, json=body)
            if answer.status_code == httpx.codes.OK and form.taken(answer.json()):
                return True
        except (httpx.HTTPError, ValueError):
            pass
        # Soon again, because tests wait for the last try.
        await asyncio.sleep(AGAIN_S * (attempt + 1))
    return False
