"""A bare loop: signed requests through the engine's HTTP client, and nothing else.

`python -m bench.baselines.loop URL NUMBERS FIRST THREADS` makes the calls, 200 numbers in each, and
exits 0 when every answer had status 200.
"""

import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import msgspec

from bench.sandbox import APP, SECRET_ID, SECRET_KEY, SIGN
from worker.providers.base import Call, Content
from worker.providers.http import HttpRequest, HttpResponse, HttpxPort, host_of
from worker.providers.tencent import wire
from worker.providers.tencent.client import CONTENT_TYPE, SERVICE, VERSION
from worker.providers.tencent.signing import sign

PER_CALL: Final = 200
CONTENT: Final = Content("5678", ("20",), SIGN, "", "")
TIMEOUT_S: Final = 10.0


def main(url: str, numbers: int, first: int, threads: int) -> int:
    """Make the calls.

    Args:
        url: The provider's.
        numbers: How many, from `first` on.
        first: The first one, E.164 integer.
        threads: Calls in flight.

    Returns:
        How many calls failed.
    """
    port = HttpxPort(url, pool_size=threads + 4)
    batches = (range(at, min(at + PER_CALL, first + numbers)) for at in range(first, first + numbers, PER_CALL))
    with ThreadPoolExecutor(threads) as pool:
        return sum(pool.map(lambda batch: not _post(port, host_of(url), batch), _as_needed(batches)))


def _as_needed(batches: Iterator[range]) -> list[range]:
    """The batches; ranges hold no numbers, so all of them fit anywhere."""
    return list(batches)


def _post(port: HttpxPort, host: str, batch: range) -> bool:
    """One signed SendSms; whether it was answered with 200."""
    call = Call(numbers=batch, content=CONTENT, context="bench", timeout_s=TIMEOUT_S)
    body = msgspec.json.encode(wire.send_params(call, sdk_app_id=APP))
    signature = sign(
        body,
        secret_id=SECRET_ID,
        secret_key=SECRET_KEY,
        service=SERVICE,
        host=host,
        content_type=CONTENT_TYPE,
        timestamp_s=int(time.time()),
    )
    headers = {"x-tc-version": VERSION, "x-tc-region": "ap-guangzhou", "x-tc-action": "SendSms", **signature}
    reply = port.send(HttpRequest(TIMEOUT_S, body, headers))
    return isinstance(reply, HttpResponse) and reply.status == 200


if __name__ == "__main__":
    sys.exit(min(1, main(sys.argv[1], *map(int, sys.argv[2:5]))))
