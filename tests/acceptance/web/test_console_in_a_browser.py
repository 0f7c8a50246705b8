"""Rules of the console in a real browser.

Nothing is blocked or overflows, axe finds nothing, it is live, and works without script.
`SMSLINE_TEST_PICTURES=FOLDER` keeps a picture of every page; `SMSLINE_TEST_PICTURE=FILE` that of
the README.
"""

import math
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self

import pytest
import uvicorn

from config.settings import Settings
from smsline.client import Client
from smsline.job import Recipient
from smsline.ledger import accounts, api_keys, dead, replies, statistics, suppression, users, webhooks
from smsline.ledger.replies import NewReply
from smsline.ledger.suppression import Suppression
from smsline.names import LANES, lane_queue
from tests.support.redis_server import RedisServer
from tests.support.waiting import LONG_S, wait_until
from tests.unit.web.conftest import CHEAP, PASSWORD
from worker.listening import bind, url_of
from worker.web.app import build_app
from worker.web.serve import web_process

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Request, Route

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

CHROMIUM = Path("/usr/bin/chromium")
AXE = Path(__file__).parents[2] / "support" / "web" / "axe-4.14.1.min.js"
PICTURES = os.environ.get("SMSLINE_TEST_PICTURES", "")
PICTURE = os.environ.get("SMSLINE_TEST_PICTURE", "")
# The flags without which Chromium asks hosts beyond this machine.
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
FLAGS += ["--disable-component-update", "--disable-sync"]

pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason="there is no /usr/bin/chromium")

Scheme = Literal["light", "dark"]
SCREENS: list[tuple[int, int, Scheme]] = [(1280, 800, "light"), (390, 844, "dark")]
if PICTURES:
    SCREENS += [(1280, 800, "dark"), (390, 844, "light")]


class Console:
    """A web process and what is in its ledger.

    Attributes:
        url: Where it is.
        client: A producer's.
        jobs: A campaign that runs and one that is over.
    """

    def __init__(self, redis_url: str) -> None:
        settings = Settings.model_validate({"redis_url": redis_url, "namespace": "console"})
        listener = bind("127.0.0.1", 0)
        self.url = url_of(listener)
        self.web = web_process(settings, loopback=True)
        self.client = Client(redis_url=redis_url, namespace="console")
        config = uvicorn.Config(build_app(self.web), http="httptools", ws="none", lifespan="off", log_config=None)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [listener]})
        self.jobs = self._seeded()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = self._server.force_exit = True
        self._thread.join()
        self.client.close()
        self.web.ledger.close()

    def counts(self, job: str, **counts: int) -> None:
        """Let recipients of a job be in these states; the others wait."""
        ledger = self.web.ledger
        total = self.client.status(job)["counts"]["total"]
        ledger.redis.hset(ledger.keys.job(job), mapping={**counts, "waiting": total - sum(counts.values())})

    def _seeded(self) -> list[str]:
        ledger = self.web.ledger
        rows = [Recipient(f"+861390000{number:04}", ref=f"customer-{number}") for number in range(2400)]
        running = self.client.campaign(to=rows, template="spring-sale", pace=50, window="09:00-20:00")
        over = self.client.campaign(to=rows[:800], template="opening-hours", lane="notify")
        single = self.client.send(to="+8613911112222", template="login-code", params=["482913"], lane="otp")
        self.counts(running, delivered=1210, accepted=96, sending=40, undelivered=31, dead=12)
        self.counts(over, delivered=771, undelivered=11, dead=18)
        self.counts(single, delivered=1)
        now_ms = ledger.now_ms()
        for job in (over, single):
            ledger.redis.hset(ledger.keys.job(job), mapping={"closed_ms": now_ms, "calls": 4, "fee": 800})
        accounts.register(ledger, {"main": "tencent", "paris": "smspartner"})
        # Ahead of its time: no worker runs here, and the picture is of a service.
        ledger.redis.hset(ledger.keys.schedulers, mapping={lane_queue(lane): now_ms + 3_600_000 for lane in LANES})
        accounts.park(ledger, "main", "spring-sale", "FailedOperation.TemplateIncorrectOrUnapproved", probe_ms=60_000)
        accounts.note_unknown(ledger, "paris", "ZZ:9999")
        for code, job, count in (
            ("FailedOperation.PhoneNumberInBlacklist", f"{running} x", 12),
            ("FailedOperation.PhoneNumberInBlacklist", f"{over} x", 18),
            ("MK:0024", f"{running} f", 31),
            ("MK:0024", f"{over} f", 11),
        ):
            ledger.redis.hset(ledger.keys.dead, f"main {code} {job}", count)
        dead.recount(ledger)
        suppression.add(ledger, [Suppression(8613900000001, scope="marketing", source="reply", reason="TD")])
        reply = NewReply("main", 8613900000001, "TD", now_ms // 1000, "Shop", "", "stop", "marketing", "TD")
        for text, does in (("TD", "stop"), ("thanks!", ""), ("pls stop", "near"), ("START", "start")):
            number = 8613900000001 + (does == "start")
            replies.keep(ledger, reply._replace(text=text, does=does, number=number), retention_ms=86_400_000)
        webhooks.add(ledger, "shop", "https://shop.example/hook", ["job.closed", "recipients.final"])
        for minute in range(190, 0, -1):
            for state, share in (("accepted", 1.0), ("delivered", 0.9)):
                grown = round(share * (200 + 150 * math.sin(minute / 25)))
                ledger.redis.hincrby(ledger.keys.stats, f"r|main|marketing|{state}", grown)
            statistics.write_history(ledger, now_ms=now_ms - (minute - 1) * 60_000, keep_s=86_400)
        return [running, over]


@pytest.fixture(scope="module")
def console() -> Iterator[Console]:
    """A console with something in it."""
    with RedisServer() as server, Console(server.url) as made:
        yield made


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    """One Chromium for all tests of this file."""
    with sync_api.sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS, timeout=LONG_S * 1000)
        sync_api.expect.set_options(timeout=LONG_S * 1000)
        yield made
        made.close()


def paths_of(console: Console) -> dict[str, str]:
    """Every page, by the name of its picture."""
    running = console.jobs[0]
    names = ("jobs", "dead", "accounts", "suppressed", "replies", "webhooks", "numbers", "access", "audit", "sign-in")
    simple = {name: f"/{name}" for name in names}
    return {
        "overview": "/",
        **simple,
        "job": f"/jobs/{running}",
        "cancel": f"/jobs/{running}/cancel",
        "campaign": "/campaigns/new",
        "codes": "/codes?q=MK:0024",
        "code-list": "/codes?provider=tencent&verdict=park",
        "number": "/numbers/+8613900000001",
        "missing": "/jobs/0mwqw8p80dsryzgyvm",
    }


@pytest.mark.parametrize(("width", "height", "scheme"), SCREENS)
def test_every_page(browser: "Browser", console: Console, width: int, height: int, scheme: Scheme) -> None:
    """The page's own policy blocks nothing, nothing overflows the screen, axe finds nothing."""
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    asked: list[Request] = []
    page.on("requestfinished", lambda request: asked.append(request))  # noqa: PLW0108 - it must be a function of Python
    for name, path in paths_of(console).items():
        page.goto(console.url + path)
        if name == "overview":
            assert page.locator("figure .uplot canvas").count() == 1
            sizes = [request.sizes() for request in asked]
            assert sum(each["responseBodySize"] + each["responseHeadersSize"] for each in sizes) <= 100_000
        assert _axe(page) == [], name
        assert not page.evaluate("document.documentElement.scrollWidth > innerWidth"), (
            f"{name} is wider than the screen"
        )
        if PICTURES:
            page.screenshot(path=f"{PICTURES}/{name}-{width}-{scheme}.png", full_page=True)
        if PICTURE and (name, width, scheme) == ("overview", 1280, "light"):
            page.set_viewport_size({"width": 1120, "height": 900})
            page.screenshot(path=PICTURE)
            page.set_viewport_size({"width": width, "height": height})
    assert [text for text in said if "404" not in text] == []
    context.close()


def _axe(page: "Page") -> list[str]:
    page.evaluate(AXE.read_text(encoding="utf-8"))
    answer = page.evaluate("axe.run()")
    return [f"{each['id']}: {each['nodes'][0]['html'][:120]}" for each in answer["violations"]]


def test_progress_is_live(browser: "Browser", console: Console) -> None:
    """A change in the ledger is on the page within a moment, without loading it again.

    This holds where the scripts come slowly, too.
    """
    page = browser.new_page()

    def late(route: "Route") -> None:
        # Not wait_for_function: it asks again by eval, which the page's own policy forbids.
        page.evaluate("new Promise(done => { const look = () => setTimeout(window.htmx ? done : look); look(); })")
        route.continue_()

    page.route("**/hx-sse-*", late)
    page.goto(f"{console.url}/jobs/{console.jobs[1]}")
    sync_api.expect(page.get_by_text("771", exact=True)).to_be_visible()
    console.counts(console.jobs[1], delivered=777, undelivered=11, dead=12)
    sync_api.expect(page.get_by_text("777", exact=True)).to_be_visible()
    page.close()
    wait_until(lambda: console.web.live.streams == 0, what="the end of the page's stream")


def test_a_campaign_is_held_in_two_clicks(browser: "Browser", console: Console) -> None:
    """From the first page to the campaign, and Pause; without script, as everything else."""
    running = console.jobs[0]
    page = browser.new_context(java_script_enabled=False).new_page()
    page.goto(console.url)
    page.get_by_role("link", name=running).click()
    page.get_by_role("button", name="Pause 1,011 waiting").click()
    assert "1,011 recipients wait until it is resumed" in page.inner_text("main")
    assert console.client.status(running)["state"] == "paused"
    page.get_by_role("button", name="Resume 1,011 waiting").click()
    assert console.client.status(running)["state"] == "open"
    page.context.close()


def test_why_a_number_failed_in_two_clicks(browser: "Browser", console: Console) -> None:
    """From the first page to the dead letters, with a count before the act.

    Each code is shown with what it means and what to do.
    """
    page = browser.new_page()
    page.goto(console.url)
    page.get_by_role("link", name="Dead letters").first.click()
    assert "Take the number off your lists" in page.inner_text("main")
    page.get_by_role("checkbox", name="FailedOperation.PhoneNumberInBlacklist").check()
    page.get_by_role("button", name="Requeue").click()
    assert page.inner_text("h1") == "Requeue 30 recipients?"
    assert _axe(page) == []
    page.close()


def test_a_new_campaign(browser: "Browser", console: Console) -> None:
    """Upload, look, start: by keyboard alone."""
    page = browser.new_page()
    page.goto(f"{console.url}/campaigns/new")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.set_input_files(
        "#file", {"name": "may.csv", "mimeType": "text/csv", "buffer": "phone;name\n+8613900005555;王\n12;x\n".encode()}
    )
    page.get_by_role("button", name="Upload and look").press("Enter")
    page.get_by_label("Template").fill("spring-sale")
    page.get_by_label("Param 1").select_option(label="name")
    page.get_by_role("button", name="Check, send nothing").press("Enter")
    shown = page.inner_text("main")
    assert "王" in shown
    assert _axe(page) == []
    if PICTURES:
        page.screenshot(path=f"{PICTURES}/check-1280-light.png", full_page=True)
    page.get_by_role("button", name="Start: send to 1 recipient").press("Enter")
    assert "started with 1 recipient." in page.inner_text("main")
    page.close()


def test_who_signs_in(browser: "Browser", console: Console) -> None:
    """By keyboard alone, and back to the page that was asked for.

    Who may do what, with users and keys, is as sound as the rest.
    """
    ledger = console.web.ledger
    users.add(ledger, "anna", "admin", CHEAP.hash(PASSWORD))
    api_keys.create(ledger, "shop", scopes=["send", "read"], lanes=["otp"], templates=["1234"], per_s=50)
    page = browser.new_page(viewport={"width": 390, "height": 844})
    page.goto(f"{console.url}/access")
    page.get_by_label("Name").fill("anna")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    sync_api.expect(page.get_by_role("heading", name="Users and keys")).to_be_visible()
    assert _axe(page) == []
    assert not page.evaluate("document.documentElement.scrollWidth > innerWidth")
    if PICTURES:
        page.screenshot(path=f"{PICTURES}/signed-in-390-light.png", full_page=True)
    page.get_by_role("button", name="Sign out").press("Enter")
    assert page.url.endswith("/sign-in")
    page.close()
    users.remove(ledger, "anna")
