"""Rules of the console's pages: what they show, and to whom.

Nothing that came from outside becomes markup.
"""

import csv
import time
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from smsline.client import Client
from smsline.job import Recipient
from smsline.ledger import accounts, dead, replies, suppression, webhooks
from smsline.ledger.audit import acts
from smsline.ledger.link import Ledger
from smsline.ledger.replies import NewReply
from smsline.ledger.suppression import Suppression
from smsline.numbers import mask
from smsline.receipt import Receipt
from tests.support.provider import FakeProvider
from tests.unit.web.conftest import SignIn, Site
from worker.providers.base import ReceiptPage, Refused
from worker.web import live

PHONE = "+8613900001111"
EVIL = '"><script>alert(1)</script><img src=x onerror=alert(1)>'

PAGES = (
    "/",
    "/jobs",
    "/numbers",
    "/dead",
    "/accounts",
    "/suppressed",
    "/replies",
    "/codes",
    "/webhooks",
    "/access",
    "/audit",
)


@pytest.fixture
def job(web_ledger: Ledger) -> Callable[..., str]:
    """`job(phones…, ref=…)`: a campaign in the ledger."""

    def made(*phones: str, ref: str = "", template: str = "5678") -> str:
        rows = [Recipient(phone, ref=ref) for phone in phones or (PHONE,)]
        return Client(ledger=web_ledger).campaign(to=rows, template=template)

    return made


@pytest.mark.parametrize("path", PAGES)
def test_every_page_opens(site: Site, job: Callable[..., str], path: str) -> None:
    """With little in the ledger, and with nothing; a menu leads to all of them."""
    browser = site()
    assert browser.get(path).status_code == 200
    job()
    shown = browser.get(path)
    assert shown.status_code == 200
    assert all(f'href="{other}"' in shown.text for other in PAGES)


@pytest.mark.parametrize("path", [*PAGES, "/sign-in"])
def test_no_page_breaks_its_own_policy(site: Site, job: Callable[..., str], path: str) -> None:
    """Nothing inline, nothing of another host, and little enough for a bad line."""
    job()
    text = site().get(path).text
    for forbidden in ("<style", " style=", " onclick", "javascript:", "http://", "https://", "hx-on"):
        assert forbidden not in text
    assert "<script" not in text.replace('<script src="/static/', "")
    assert len(text) < 40_000


def test_what_comes_from_outside_stays_text(site: Site, job: Callable[..., str], web_ledger: Ledger) -> None:
    """Refs, codes, messages, reasons, names of filters: all is escaped, wherever it is shown."""
    name = job(ref=EVIL[:64])
    accounts.register(web_ledger, {"main": "tencent"})
    accounts.park(web_ledger, "main", "", EVIL, probe_ms=1, message=EVIL)
    accounts.note_error(web_ledger, "main", EVIL)
    accounts.note_unknown(web_ledger, "main", EVIL)
    suppression.add(web_ledger, [Suppression(8613900001111, reason=EVIL, source="person")])
    web_ledger.redis.hset(web_ledger.keys.job(name), mapping={"template": EVIL, "dead": 1})
    web_ledger.redis.hset(web_ledger.keys.dead, f"main {EVIL.replace(' ', '/')} {name} x", 1)
    dead.recount(web_ledger)
    replies.keep(web_ledger, NewReply("main", 8613900001111, EVIL, 1, EVIL, EVIL, "", None, ""), retention_ms=1e9)
    browser = site()
    paths = ["/", "/jobs", f"/jobs/{name}", "/accounts", "/suppressed", f"/numbers/{PHONE}", "/dead", "/replies"]
    asked = [f"/{page}" for page in ("codes?q=", "jobs?template=", "dead?code=", "audit?who=", "numbers/", "jobs/")]
    for path in (*paths, *(f"{start}{EVIL}" for start in asked), f"/sign-in?next={EVIL}"):
        text = browser.get(path).text
        assert "<script>alert" not in text, path
        assert "<img src=x" not in text, path


def test_a_notice_is_ours(site: Site) -> None:
    """No link can put words or markup at the top of a page."""
    browser = site()
    assert "1,200 recipients will be sent again" in browser.get("/dead?done=requeued&count=1200").text
    assert "The job is paused: 1 recipient waits until" in browser.get("/jobs?done=paused&count=1").text
    for query in (
        "done=Your account is hacked",
        "done=requeued&count=<b>9",
        "done=requeued&count=99999999999999999999",
    ):
        assert 'role="status"' not in browser.get(f"/dead?{query}").text


def test_a_jobs_page(site: Site, job: Callable[..., str], web_ledger: Ledger) -> None:
    """Progress, levers that say how many they touch, recipients by state.

    Each act is done, told and written down.
    """
    name = job(PHONE, "+8613900002222")
    browser = site()
    page = browser.get(f"/jobs/{name}").text
    assert "Pause 2 waiting" in page
    assert f'href="/jobs/{name}/results.csv"' in page
    answer = browser.post(f"/jobs/{name}/pause")
    assert answer.headers["location"] == f"/jobs/{name}?done=paused&count=2"
    assert "Resume 2 waiting" in browser.get(f"/jobs/{name}").text
    assert name in browser.get("/").text  # paused, it may be all that waits
    assert "2 recipients</b> that wait will never be sent to" in browser.get(f"/jobs/{name}/cancel").text
    browser.post(f"/jobs/{name}/cancel")
    assert [(act["act"], act["who"], act["how"], act["count"]) for act in acts(web_ledger)] == [
        ("job.cancel", "local", "page", 2),
        ("job.pause", "local", "page", 2),
    ]
    assert browser.post(f"/jobs/{name}/resume").status_code == 409
    assert browser.get("/jobs/0mwqw8p80dsryzgyvm").status_code == 404


def test_read_only(signed_in: SignIn, job: Callable[..., str], web_ledger: Ledger) -> None:
    """A reader sees no lever, and the server refuses each of them.

    Numbers are masked until revealed, which is written down.
    """
    name = job()
    suppression.add(web_ledger, [Suppression(8613900001111)])
    reader = signed_in("read")
    page = reader.get(f"/jobs/{name}").text
    assert "/pause" not in page
    assert mask(PHONE) in page
    assert PHONE not in page + reader.get("/suppressed").text + reader.get(f"/jobs/{name}/results.csv").text
    for path in (f"/jobs/{name}/pause", f"/jobs/{name}/cancel", f"/jobs/{name}/requeue", "/dead", "/suppressed"):
        assert reader.post(path, data={"act": "requeue", "all": "1", "seen": "1", "numbers": PHONE}).status_code == 403
    assert reader.post("/accounts/main/resume").status_code == 403
    assert reader.post(f"/numbers/{PHONE}", data={"act": "allow"}).status_code == 403
    assert reader.get("/campaigns/new").status_code == 403

    assert PHONE in reader.post(f"/jobs/{name}").text
    assert PHONE in reader.post("/suppressed/reveal").text
    assert [(act["act"], act["who"]) for act in acts(web_ledger)][:2] == [("numbers.reveal", "read")] * 2


def test_what_pages_cost(
    site: Site, job: Callable[..., str], web_ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A look costs by what is shown, and who looks together reads once.

    Overview, job and metrics read sums of the dead letter.
    """
    now_s = time.monotonic()
    # However long the looks take here, they are within the second for which one is good.
    monkeypatch.setattr(live, "time", SimpleNamespace(monotonic=lambda: now_s))
    name = job()
    web_ledger.redis.hset(web_ledger.keys.job(name), "dead", 1)
    web_ledger.redis.hset(web_ledger.keys.dead, f"main CODE.X {name} x", 1)
    dead.recount(web_ledger)
    monkeypatch.setattr(dead, "groups", lambda *_: pytest.fail("every job's dead letters were read"))
    browser, asked = site(), list[object]()
    for path in ("/", f"/jobs/{name}", "/metrics", "/dead", f"/dead?job={name}"):
        assert "CODE.X" in browser.get(path).text or path == "/"
    execute = web_ledger.redis.execute_command

    def counted(*command: object, **how: object) -> object:
        asked.append(command)
        return execute(*command, **how)

    monkeypatch.setattr(web_ledger.redis, "execute_command", counted)
    for _ in range(10):
        browser.get("/")
    # What the first look found is shown to the others; each asks only whether there are users.
    assert len(asked) <= 10


def test_results(signed_in: SignIn, job: Callable[..., str], web_ledger: Ledger) -> None:
    """Who may act downloads whole numbers, and that is written down; a formula in a ref is text."""
    name = job(ref="=1+1")
    answer = signed_in("operate").get(f"/jobs/{name}/results.csv")
    (row,) = csv.DictReader(answer.text.splitlines())
    assert (row["phone"], row["ref"]) == (PHONE, "'=1+1")
    assert answer.headers["content-disposition"] == f'attachment; filename="{name}.csv"'
    assert (acts(web_ledger)[0]["act"], acts(web_ledger)[0]["count"]) == ("results.download", 1)


def test_the_list_of_jobs(site: Site, job: Callable[..., str]) -> None:
    """Filtered by what is asked; a value that makes no sense finds nothing, and breaks nothing."""
    first, second = job(template="1111"), job(template="2222")
    browser = site()
    shown = browser.get("/jobs?template=2222&state=open&lane=marketing").text
    assert (first in shown, second in shown) == (False, True)
    assert second not in browser.get("/jobs?until=2001-01-01").text
    for query in ("since=soon", "after=x.y", "after=99999999999999999999.z", "after=\u00b2.x", "state=none"):
        assert browser.get(f"/jobs?{query}").status_code == 200
    for path in ("/audit?before=1-2-3", "/audit?before=\u00b2", "/replies?before=\u00b2"):
        assert browser.get(path).status_code == 200


def test_dead_letters_are_counted_first(site: Site, web_ledger: Ledger) -> None:
    """Nothing is done before the count was shown.

    A choice of nothing does nothing, and one of anything must be meant.
    """
    web_ledger.redis.hset(web_ledger.keys.dead, "main CODE.X 0mwqw8p80dsryzgyvm x", 7)
    web_ledger.redis.hset(web_ledger.keys.dead, "main - 0mwqw8p80dsryzgyvm u", 3)
    dead.recount(web_ledger)
    browser = site()
    assert "10 recipients" in browser.get("/dead").text
    assert "Requeue 7 recipients?" in browser.post("/dead", data={"act": "requeue", "pick": "main CODE.X dead"}).text
    assert "Drop 3 recipients?" in browser.post("/dead", data={"act": "drop", "pick": "main - unknown"}).text
    assert "Drop 10 recipients?" in browser.post("/dead", data={"act": "drop", "all": "1"}).text
    assert "Nothing was chosen" in browser.post("/dead", data={"act": "requeue"}).text
    assert acts(web_ledger) == []
    for pick in ("", "main", " CODE.X dead", "main CODE.X ", "main CODE.X"):
        assert browser.post("/dead", data={"act": "drop", "pick": pick, "seen": "1"}).status_code == 422
    assert browser.post("/dead", data={"act": "burn", "all": "1"}).status_code == 422
    browser.post("/dead", data={"act": "requeue", "pick": "main CODE.X dead", "seen": "1"})
    assert acts(web_ledger)[0]["about"] == {"code": "CODE.X", "account": "main", "state": "dead"}


def test_a_number(site: Site, web_ledger: Ledger) -> None:
    """Found in any usual spelling, suppressed and allowed again from its page.

    What is no number says why.
    """
    browser = site()
    assert browser.get("/numbers?q=+86 139 0000 1111").headers["location"].startswith("/numbers/")
    assert "No message to it is kept" in browser.get("/numbers/+86 139 0000 1111").text
    browser.post(f"/numbers/{PHONE}", data={"act": "suppress"})
    assert "On the suppression list" in browser.get(f"/numbers/{PHONE}").text
    browser.post(f"/numbers/{PHONE}", data={"act": "allow"})
    assert suppression.count(web_ledger) == 0
    assert browser.get("/numbers/12").status_code == 422


def test_what_a_number_answered(signed_in: SignIn, web_ledger: Ledger) -> None:
    """Its replies, in any of its spellings.

    A reader sees number and text masked until they are revealed, which is written down.
    """
    reply = NewReply("main", 8613900001111, "call +8613900002222", 1, "", "", "stop", "marketing", "TD")
    replies.keep(web_ledger, reply, retention_ms=86_400_000)
    reader = signed_in("read")
    hidden = reader.get(f"/numbers/{PHONE}").text
    assert (mask(PHONE) in hidden, "+8613900002222" in hidden, "by the word TD" in hidden) == (True, False, True)
    assert f">{PHONE}<" not in hidden
    assert "+8613900002222" in reader.post(f"/numbers/{PHONE}/reveal").text
    assert [act["act"] for act in acts(web_ledger)][:2] == ["numbers.reveal", "number.look"]
    assert reader.post(f"/numbers/{PHONE}/ask", data={"account": "main"}).status_code == 403


def test_a_provider_is_asked_about_a_number(signed_in: SignIn, web_ledger: Ledger) -> None:
    """Where the service is configured: what it says of that number alone, in words.

    Refusals too; each question is written down.
    """
    account = {"provider": "tencent", "secret_id": "i", "secret_key": "k", "sdk_app_id": "1", "sign": "s"}
    browser = signed_in("operate", accounts={"main": account})
    said = Receipt(8613900001111, "s:1", False, "MK:0024", 1_790_000_000, "")
    page = ReceiptPage((said, said._replace(number=8613900009999, serial="s:2")), 0, 2)
    answers: list[ReceiptPage | Refused] = [page, Refused("FailedOperation.X", "no", "r")]

    class Telling(FakeProvider):
        def ask(self, *_: object, **__: object) -> ReceiptPage | Refused:
            return answers.pop(0)

    browser.app.state.web.asking.providers = {"main": Telling()}  # type: ignore[attr-defined]
    shown = browser.post(f"/numbers/{PHONE}/ask", data={"account": "main"}).text
    assert ("The phone was off" in shown, "s:1" in shown, "s:2" in shown) == (True, True, False)
    refused = browser.post(f"/numbers/{PHONE}/ask", data={"account": "main"})
    assert (refused.status_code, "FailedOperation.X" in refused.text) == (503, True)
    assert browser.post(f"/numbers/{PHONE}/ask", data={"account": "other"}).status_code == 404
    asked = [act["about"]["account"] for act in acts(web_ledger) if act["act"] == "number.ask"]
    assert asked == ["other", "main", "main"]


def test_accounts_go_on(site: Site, web_ledger: Ledger) -> None:
    """A parked account says why, and is resumed by its button."""
    accounts.register(web_ledger, {"main": "tencent"})
    accounts.park(web_ledger, "main", "", "FailedOperation.InsufficientBalanceInSmsPackage", probe_ms=1000)
    browser = site()
    assert "Resume, lift 1 park" in browser.get("/accounts").text
    assert "account main is parked" in browser.get("/").text
    assert browser.post("/accounts/main/resume").headers["location"] == "/accounts?done=account-resumed&count=1"


def test_replies(signed_in: SignIn, web_ledger: Ledger) -> None:
    """Newest first, with what was done; readers see masked numbers until revealed; text is text."""
    for at_s, text in ((1, EVIL), (2, "TD")):
        reply = NewReply("main", 8613900001111, text, at_s, "", "", "stop", "marketing", "TD")
        replies.keep(web_ledger, reply, retention_ms=86_400_000)
    reader = signed_in("read")
    page = reader.get("/replies").text
    assert (PHONE in page, mask(PHONE) in page, "<script>alert" in page) == (False, True, False)
    assert "by the word TD" in page
    assert PHONE in reader.post("/replies").text
    assert acts(web_ledger)[0]["about"] == {"list": "replies"}


def test_webhooks(signed_in: SignIn, web_ledger: Ledger) -> None:
    """How an endpoint fares, never its secret.

    Telling again and removing need the role, and are in the trail.
    """
    secret = webhooks.add(web_ledger, "shop", "https://shop.example/hook", ["job.closed"])
    reader = signed_in("read")
    shown = reader.get("/webhooks").text
    assert "shop" in shown
    assert secret not in shown
    assert "Tell shop again" not in shown
    assert reader.post("/webhooks/shop/remove").status_code == 403
    operator = signed_in("operate")
    asked = operator.post("/webhooks/shop/replay", data={"hours": "24"}).text
    assert "Tell shop 0 events again?" in asked
    assert "at most <b>0 recipients</b>" in asked
    assert acts(web_ledger)[0]["act"] != "webhook.replay"
    answer = operator.post("/webhooks/shop/replay", data={"hours": "24", "seen": "1"})
    assert "0 events are sent again" in operator.get(answer.headers["location"]).text
    assert operator.post("/webhooks/shop/replay", data={"hours": "x"}).status_code == 422
    assert "never delivered. It cannot be undone" in operator.post("/webhooks/shop/remove").text
    operator.post("/webhooks/shop/remove", data={"seen": "1"})
    assert webhooks.listed(web_ledger) == []
    assert [act["act"] for act in acts(web_ledger)][:2] == ["webhook.remove", "webhook.replay"]


def test_the_suppression_list_is_changed_when_that_was_seen(site: Site, web_ledger: Ledger) -> None:
    """How many numbers it is about is said first, each once; a bad one leaves nothing half done."""
    browser = site()
    two = {"numbers": f"{PHONE}\n+86 139 0000 1111; +33612345678", "scope": "marketing", "act": "add"}
    asked = browser.post("/suppressed", data=two).text
    assert ("Suppress 2 numbers?" in asked, suppression.count(web_ledger)) == (True, 0)
    assert browser.post("/suppressed", data={**two, "numbers": f"{PHONE},12", "seen": "1"}).status_code == 422
    assert suppression.count(web_ledger) == 0
    browser.post("/suppressed", data={**two, "seen": "1"})
    assert suppression.count(web_ledger) == 2
    assert "Take 1 number off the list?" in browser.post("/suppressed", data={"numbers": PHONE, "act": "remove"}).text
    browser.post("/suppressed", data={"numbers": PHONE, "act": "remove", "seen": "1"})
    assert suppression.count(web_ledger) == 1


def test_codes(site: Site) -> None:
    """Any spelling is found; a near miss is suggested; a provider's codes are listed."""
    browser = site()
    assert "What to do" in browser.get("/codes?q=error: mk:0024").text
    assert "Did you mean" in browser.get("/codes?q=isv.BUSINESS_LIMIT_CONTROLL").text
    assert "isv." in browser.get("/codes?provider=alibaba&verdict=park").text
