"""Callbacks: the sandbox pushes receipts and replies of an app to a URL, as the provider does (document, from line 7269).

A push that is not answered with result 0 is made twice more, then given up; pulls give the same receipts all the same.
"""

import asyncio
from datetime import datetime, timedelta, timezone
from typing import Final

import httpx

from worker.sandbox.numbers import country_of
from worker.sandbox.sandbox import Sandbox
from worker.sandbox.state import Receipt, push_queue

ROWS: Final = 100
"""Receipts in one push, at most."""
TRIES: Final = 3
LOOK_S: Final = 0.05
AGAIN_S: Final = 0.5

_BEIJING: Final = timezone(timedelta(hours=8))


class Pusher:
    """Pushes what is due, from the loop that serves the sandbox; it starts with the first request.

    Args:
        sandbox: Whose receipts and replies.
    """

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._task: asyncio.Task[None] | None = None

    def wake(self) -> None:
        """Begin, unless it has begun or there is nothing to push to."""
        if self._sandbox.flags.callbacks and (self._task is None or self._task.done()):
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        async with httpx.AsyncClient(timeout=10, trust_env=False) as http:
            while callbacks := self._sandbox.flags.callbacks:
                for app, url in callbacks.items():
                    # The push queue is apart from the pull queue: a push takes nothing away from a client that pulls.
                    while receipts := self._sandbox.world.take(push_queue(app), ROWS):
                        rows = [_status(receipt, self._sandbox.flags.echo_context) for receipt in receipts]
                        await _push(http, f"{url}/status", rows)
                    waiting = self._sandbox.book.to_push[app]
                    while waiting:
                        reply = waiting.popleft()
                        fields = {"extend": reply.extend, **_number(reply.number), "sign": reply.sign}
                        await _push(http, f"{url}/reply", {**fields, "text": reply.text, "time": reply.at_s})
                await asyncio.sleep(LOOK_S)


async def _push(http: httpx.AsyncClient, url: str, body: object) -> bool:
    for attempt in range(TRIES):
        try:
            answer = await http.post(url, json=body)
            if answer.status_code == httpx.codes.OK and answer.json().get("result") == 0:
                return True
        except (httpx.HTTPError, ValueError):
            pass
        # Soon again, because tests wait for the last try.
        await asyncio.sleep(AGAIN_S * (attempt + 1))
    return False


def _status(receipt: Receipt, echo_context: bool) -> dict[str, str]:  # noqa: FBT001 - a private helper of one caller
    return {
        "user_receive_time": f"{datetime.fromtimestamp(receipt.received_s, _BEIJING):%Y-%m-%d %H:%M:%S}",
        **_number(receipt.number),
        "report_status": "SUCCESS" if receipt.delivered else "FAIL",
        "errmsg": receipt.code,
        "description": "",
        "sid": receipt.serial,
        **({"ext": receipt.context} if echo_context else {}),
    }


def _number(number: int) -> dict[str, str]:
    country = country_of(number)
    code = country.calling_code if country else ""
    return {"nationcode": code, "mobile": str(number)[len(code) :]}
