"""A producer as a process, which can be killed and can be of another version.

Its first argument says what it submits.

`campaign URL KEY FIRST COUNT ORDER EVERY_S` hands a campaign over, a part of 1,000 every EVERY_S
seconds, in ORDER `forward` or in another one; it writes a line for each part and the job's id at
the end. `stream URL FIRST EVERY_S` hands over an otp every EVERY_S seconds until it is told to stop
by the end of its input; then it writes key, number and job of each.
"""

import random
import sys
import threading
import time
from collections.abc import Iterator

from smsline import Client, Unavailable, Unconfirmed

PART = 1_000


def campaign(client: Client, key: str, numbers: list[int], every_s: float) -> None:
    """Hand over a campaign; continued when there is one under this key."""

    def rows() -> Iterator[str]:
        for place, number in enumerate(numbers):
            if place % PART == 0:
                print("part", flush=True)
                time.sleep(every_s)
            yield f"+{number}"

    while True:
        try:
            job = client.campaign(to=rows(), template="5678", key=key, ttl_s=3600)
        except (Unavailable, Unconfirmed):
            time.sleep(0.2)
        else:
            print("job", job, flush=True)
            return


def stream(client: Client, first: int, every_s: float) -> None:
    """Hand over one otp after the other."""
    over = threading.Event()

    def watch() -> None:
        sys.stdin.read()
        over.set()

    threading.Thread(target=watch, daemon=True).start()
    rows: list[str] = []
    while not over.wait(every_s):
        key, number = f"old-{len(rows)}", first + len(rows)
        try:
            job = client.send(to=f"+{number}", template="1234", params=["482913"], lane="otp", ttl_s=120, key=key)
        except (Unavailable, Unconfirmed):
            continue
        rows.append(f"{key} {number} {job}")
    print(*rows, sep="\n", flush=True)


def main(what: str, url: str, *more: str) -> None:
    """Hand over."""
    client = Client(redis_url=url)
    if what == "stream":
        stream(client, int(more[0]), float(more[1]))
    else:
        key, first, count, order, every_s = more
        numbers = list(range(int(first), int(first) + int(count)))
        if order != "forward":
            random.Random(order).shuffle(numbers)
        campaign(client, key, numbers, float(every_s))
    client.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
