"""One request to an endpoint: posted once, within a time, without redirects or proxies."""

from typing import Final

import httpcore
import httpx

from worker.transport.deadline import DeadlineTransport, wire_request
from worker.transport.retry_after import retry_after_s
from worker.webhooks.addresses import AddressRefused, only_public
from worker.webhooks.retries import EndpointAnswer

# For a whole request, from the lookup's end to the end of the answer's head.
TIMEOUT_S: Final = 15.0

# Bytes of an answer's body that are read, so that the connection can be used again; it says nothing
# that is needed.
MOST_READ: Final = 4_096


class Poster:
    """Posts events.

    Args:
        requests: How many are under way at once, at most.
        allow_private: Whether private and loopback addresses may be connected to.
    """

    def __init__(self, *, requests: int, allow_private: bool) -> None:
        # No httpx.Client around it: that would follow redirects and use proxies if asked to, keep
        # cookies, and take half of the time.
        self._transport = DeadlineTransport(pool_size=requests, lookup=None if allow_private else only_public())

    def post(
        self, url: str, body: bytes, headers: dict[str, str], *, now_s: float, timeout_s: float = TIMEOUT_S
    ) -> EndpointAnswer:
        """Post one event; whatever goes wrong is an answer, too.

        Args:
            url: The endpoint's.
            body: The event.
            headers: Of the request.
            now_s: The present, epoch s, against which an answer's date is read.
            timeout_s: For the whole request.
        """
        try:
            to = httpx.URL(url)
            answer, done = self._transport.ask(
                wire_request("POST", to, to.raw_path, headers=headers, body=body, timeout_s=timeout_s)
            )
            try:
                # Read, so that the connection can be used again; so much at most, or an endpoint
                # could hold a thread by its body.
                read = 0
                for piece in answer.iter_stream():
                    read += len(piece)
                    if read > MOST_READ:
                        break
            finally:
                done()
        except AddressRefused as error:
            return EndpointAnswer(0, str(error), refused=True)
        except (httpx.InvalidURL, httpcore.UnsupportedProtocol, UnicodeError) as error:
            return EndpointAnswer(0, type(error).__name__)
        except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError) as error:
            told = f"no answer within {timeout_s:g} s" if isinstance(error, httpcore.TimeoutException) else ""
            return EndpointAnswer(0, told or f"{type(error).__name__}: {error}"[:200])
        found = {name.decode("latin-1"): value.decode("latin-1") for name, value in answer.headers}
        return EndpointAnswer(answer.status, f"HTTP {answer.status}", retry_after_s(found, now_s=now_s))

    def close(self) -> None:
        """Close kept-alive connections."""
        self._transport.close()
