"""Rules of the web process as a whole: where it listens, its probes, its headers, its metrics."""

import asyncio
import socket
import threading
from itertools import count
from types import SimpleNamespace
from typing import Any, cast

import pytest
import uvicorn
from redis.exceptions import ConnectionError as Gone

from config.settings import Settings
from smsline.ledger import accounts, users
from smsline.ledger.link import Ledger
from tests.support.waiting import LONG_S, wait_until
from tests.unit.web.conftest import Site
from worker.listening import bind
from worker.web import headers_in_time, live
from worker.web.serve import TooOpen, is_loopback, refuse_the_open

EVERYWHERE = "0.0.0.0"  # noqa: S104 - said, not bound
PROXY = {"trusted_proxy_addresses": "10.0.0.0/8", "trusted_proxy_header": "X-User"}


@pytest.mark.parametrize(
    ("host", "own"), [("127.0.0.1", True), ("::1", True), ("localhost", True), (EVERYWHERE, False), ("10.1.2.3", False)]
)
def test_only_this_machine(web_ledger: Ledger, host: str, own: bool) -> None:
    """Without users and a trusted proxy it listens on this machine only, and says what to do."""
    assert is_loopback(host) is own
    if own:
        refuse_the_open(Settings(), web_ledger, host)
    else:
        with pytest.raises(TooOpen, match="smsline users add"):
            refuse_the_open(Settings(), web_ledger, host)


def test_beyond_this_machine(web_ledger: Ledger) -> None:
    """A user, or a proxy that signs users in, opens it to others; half a proxy does not."""
    refuse_the_open(Settings.model_validate({"web": PROXY}), web_ledger, EVERYWHERE)
    half = Settings.model_validate({"web": {"trusted_proxy_header": "X-User"}})
    with pytest.raises(TooOpen):
        refuse_the_open(half, web_ledger, EVERYWHERE)
    users.add(web_ledger, "anna", "read", "hash")
    refuse_the_open(Settings(), web_ledger, EVERYWHERE)


def test_probes(site: Site, web_ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without Redis the process lives and is not ready."""
    browser = site()
    assert (browser.get("/livez").status_code, browser.get("/readyz").status_code) == (200, 200)

    def gone() -> None:
        raise Gone

    monkeypatch.setattr(web_ledger.redis, "ping", gone)
    assert (browser.get("/livez").status_code, browser.get("/readyz").status_code) == (200, 503)


def test_pages_without_redis(site: Site, web_ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """They say so and what to do, signed in or not, and are no fault of this process.

    A live page tells that its figures stand still, and since when.
    """
    browser = site()

    def gone(*_: object, **__: object) -> None:
        raise Gone("Error 111 connecting to 10.0.0.7:6379")

    monkeypatch.setattr(web_ledger.redis, "execute_command", gone)
    for path in ("/", "/jobs", "/sign-in"):
        page = browser.get(path)
        assert (page.status_code, page.headers["retry-after"]) == (503, "1")
        assert "python -m worker check" in page.text
        assert "10.0.0.7" not in page.text

    ticks, looks = count(step=2), iter(["<p>7 waiting</p>"])

    def draw() -> str:
        for drawn in looks:
            return drawn
        raise Gone

    monkeypatch.setattr(live, "time", SimpleNamespace(monotonic=lambda: next(ticks)))
    monkeypatch.setattr(live, "FRESH_S", 0)

    class Open:
        async def is_disconnected(self) -> bool:
            return False

    async def told() -> list[str]:
        events = live.Live()._events(cast("Any", Open()), "job", draw)
        return [await anext(events), await anext(events)]

    fresh, stale = asyncio.run(told())
    assert fresh == "data: <p>7 waiting</p>\n\n"
    assert "Redis cannot be reached" in stale
    assert stale.endswith("data: <p>7 waiting</p>\n\n")


def test_headers(site: Site) -> None:
    """Every answer forbids what is not ours, inline script and style too, and is kept nowhere."""
    for path in ("/livez", "/metrics", "/nothing-there"):
        headers = site().get(path).headers
        policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
        assert policy["default-src"] == "'none'"
        assert {policy["script-src"], policy["style-src"], policy["connect-src"]} == {"'self'"}
        assert "unsafe" not in headers["content-security-policy"]
        assert (headers["cache-control"], headers["x-content-type-options"]) == ("no-store", "nosniff")


def test_metrics(site: Site, web_ledger: Ledger) -> None:
    """Prometheus text with a help and a type for each family.

    What is parked or held says since when and why.
    """
    accounts.register(web_ledger, {"main": "tencent", 'a"b': "tencent"})
    accounts.park(web_ledger, "main", "", "FailedOperation.X", probe_ms=1000)
    held = {"held_ms": web_ledger.now_ms() - 5_000, "probe_ms": 0, "code": "http.502"}
    web_ledger.redis.hset(web_ledger.keys.breaker('a"b'), mapping=held)
    lines = site().get("/metrics").text.splitlines()

    assert any(line.startswith('smsline_held_since_seconds{account="a\\"b",code="http.502"} 5') for line in lines)
    assert 'smsline_account_up{account="main"} 0' in lines
    assert 'smsline_account_up{account="a\\"b"} 0' in lines
    assert any(
        line.startswith('smsline_parked_since_seconds{account="main",template="",code="Failed') for line in lines
    )
    named = {line.split()[2] for line in lines if line.startswith("# TYPE")}
    assert named == {line.split()[2] for line in lines if line.startswith("# HELP")}
    assert all(line.partition("{")[0].split()[0] in named for line in lines if not line.startswith("#"))


def test_who_may_scrape(site: Site) -> None:
    """This machine, or who brings the token; behind a trusted proxy the proxy's caller counts."""
    token = {"authorization": "Bearer long-enough-token"}
    far = site(peer="10.9.9.9", loopback=False, metrics_token="long-enough-token")
    assert [far.get("/metrics").status_code, far.get("/metrics", headers=token).status_code] == [401, 200]
    assert (
        site(peer="10.9.9.9", loopback=False).get("/metrics", headers={"authorization": "Bearer "}).status_code == 401
    )

    proxied = site(trusted_proxy_addresses="127.0.0.1")
    assert proxied.get("/metrics", headers={"x-forwarded-for": "9.9.9.9"}).status_code == 401
    assert site().get("/metrics", headers={"x-forwarded-for": "9.9.9.9"}).status_code == 200


def test_requests_that_never_begin(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection without a request, one whose head does not end or is endless is closed.

    Others are served.
    """
    listener = bind("127.0.0.1", 0)
    made = uvicorn.Config(site().app, http=headers_in_time.HeadersInTime, ws="none", lifespan="off", log_config=None)
    server = uvicorn.Server(made)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        wait_until(lambda: server.started)

        def said(*pieces: bytes) -> bytes:
            with socket.create_connection(listener.getsockname(), timeout=LONG_S) as caller:
                for piece in pieces:
                    caller.sendall(piece)
                try:
                    return b"".join(iter(lambda: caller.recv(65_536), b""))
                except ConnectionResetError:
                    return b""

        whole = b"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
        assert said(whole[:20], whole[20:]).startswith(b"HTTP/1.1 200")
        assert said(b"GET /livez HTTP/1.1\r\nX: " + b"x" * headers_in_time.LONGEST_HEAD) == b""
        monkeypatch.setattr(headers_in_time, "HEAD_S", 0.05)
        assert said() == said(whole[:20]) == b""
    finally:
        server.should_exit = True
        thread.join()


@pytest.mark.parametrize("name", ["x%0d%0aSet-Cookie:%20a=b", "%22;filename=a.exe", "..%2f..%2fetc"])
def test_a_name_in_a_path_reaches_no_header(site: Site, name: str) -> None:
    """A job's id names its file of results: what is none is refused before it is in a header."""
    answer = site().get(f"/jobs/{name}/results.csv")
    assert answer.status_code in {404, 422}
    assert not {"set-cookie", "content-disposition"} & set(answer.headers)


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"])
def test_methods_that_no_page_has(site: Site, method: str) -> None:
    """They do nothing, nor does one's name in a header or a form's field change a request."""
    browser = site()
    assert browser.request(method, "/suppressed").status_code == 405
    answer = browser.get("/suppressed?_method=" + method, headers={"x-http-method-override": method})
    assert (answer.status_code, "Suppressed" in answer.text) == (200, True)
