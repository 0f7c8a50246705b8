"""Rules of signing in: roles, sessions, what slows guessing down, who is let in without."""

import re

import pytest
from starlette.routing import Route

from smsline.ledger import api_keys, sessions, users
from smsline.ledger.audit import acts
from smsline.ledger.link import Ledger
from smsline.passwords import fits
from tests.unit.web.conftest import CHEAP, PASSWORD, SignIn, Site
from worker.web.app import ROUTES
from worker.web.csrf import COOKIELESS
from worker.web.pages.auth import COOKIE, own_path

PROXY = {"trusted_proxy_addresses": "10.0.0.0/8", "trusted_proxy_header": "X-User"}


def test_open_at_this_machine_until_there_is_a_user(site: Site, web_ledger: Ledger) -> None:
    """Without users the console is open to this machine, and says so on every page.

    With the first one it is closed.
    """
    assert "Open to every process of this machine" in site().get("/access").text
    users.add(web_ledger, "anna", "read", "hash")
    answer = site().get("/access?x=1")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?next=%2Faccess%3Fx%3D1")


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8390", "127.0.0.1.evil.example"])
def test_another_name_for_this_machine(site: Site, host: str) -> None:
    """A site that lets its own name resolve to 127.0.0.1 is not taken for us."""
    assert site(host=host).get("/access").status_code == 303


def test_not_open_to_others(site: Site) -> None:
    """Beyond this machine all requests must sign in, even when the last user is gone."""
    browser = site(loopback=False, peer="10.9.9.9")
    assert browser.get("/access").status_code == 303
    assert "smsline users add" in browser.get("/sign-in").text


def test_a_session(signed_in: SignIn, web_ledger: Ledger) -> None:
    """The cookie is out of scripts' and other sites' reach, and ends.

    The ledger has only its digest. Signing out ends it.
    """
    browser = signed_in("admin")
    cookie = browser.post("/sign-in", data={"name": "admin", "password": PASSWORD}).headers["set-cookie"]
    for needed in ("HttpOnly", "SameSite=strict", "Max-Age=43200", "Path=/"):
        assert needed in cookie
    assert browser.get("/access").status_code == 200
    assert browser.get("/sign-in").headers["location"] == "/"
    token = browser.cookies[COOKIE]
    assert not [key for key in web_ledger.redis.scan_iter() if token.encode() in key]

    browser.post("/sign-out")
    browser.cookies.set(COOKIE, token)
    assert browser.get("/access").status_code == 303


def test_secure_behind_https(site: Site, web_ledger: Ledger) -> None:
    """Where the browser speaks https, with us or a trusted proxy, the cookie goes by https only."""
    users.add(web_ledger, "anna", "read", CHEAP.hash(PASSWORD))
    form = {"name": "anna", "password": PASSWORD}
    by_proxy = site(trusted_proxy_addresses="127.0.0.1").post(
        "/sign-in", data=form, headers={"x-forwarded-proto": "https"}
    )
    assert "Secure" in by_proxy.headers["set-cookie"]
    assert (
        "Secure" not in site().post("/sign-in", data=form, headers={"x-forwarded-proto": "https"}).headers["set-cookie"]
    )


def test_session_fixation(site: Site, web_ledger: Ledger) -> None:
    """A session is a new one at every sign-in; the one that the browser came with is over."""
    users.add(web_ledger, "anna", "admin", CHEAP.hash(PASSWORD))
    user = users.get(web_ledger, "anna")
    assert user
    planted = sessions.begin(web_ledger, user, ttl_s=60)
    browser = site()
    browser.cookies.set(COOKIE, planted)
    answer = browser.post("/sign-in", data={"name": "anna", "password": PASSWORD})
    assert planted not in answer.headers["set-cookie"]
    assert sessions.user_of(web_ledger, planted) is None


@pytest.mark.parametrize("forged", ["", "x", "a" * 43, '{"user":"admin"}', "../../admin", "é" * 9])
def test_forged_cookies(site: Site, web_ledger: Ledger, forged: str) -> None:
    """What is no token of ours is no user."""
    users.add(web_ledger, "admin", "admin", "hash")
    browser = site()
    assert browser.get("/access", headers=[(b"cookie", f"{COOKIE}={forged}".encode())]).status_code == 303


def test_what_ends_sessions(signed_in: SignIn, web_ledger: Ledger) -> None:
    """A new password and the user's removal end every session at once.

    A new role holds from the next request on.
    """
    browser = signed_in("admin")
    users.set_role(web_ledger, "admin", "read")
    assert browser.get("/access").status_code == 403
    users.set_password(web_ledger, "admin", CHEAP.hash("another long one"))
    assert browser.get("/access").status_code == 303
    users.remove(web_ledger, "admin")
    assert not fits(PASSWORD, "")


def test_slow_after_failures(site: Site, web_ledger: Ledger) -> None:
    """The sixth wrong password waits, the right one too; from elsewhere the user can sign in."""
    users.add(web_ledger, "anna", "read", CHEAP.hash(PASSWORD))
    wrong = {"name": "anna", "password": "wrong wrong wrong"}
    browser = site()
    assert [browser.post("/sign-in", data=wrong).status_code for _ in range(6)] == [401] * 5 + [429]
    answer = browser.post("/sign-in", data={**wrong, "password": PASSWORD})
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")
    assert site(peer="127.0.0.9").post("/sign-in", data={**wrong, "password": PASSWORD}).status_code == 303
    assert {act["act"] for act in acts(web_ledger)} == {"sign-in.failed", "sign-in"}


def test_an_unknown_user_looks_like_a_wrong_password(site: Site, web_ledger: Ledger) -> None:
    """The answer does not tell which users there are."""
    users.add(web_ledger, "anna", "read", CHEAP.hash(PASSWORD))
    answers = [site().post("/sign-in", data={"name": name, "password": "wrong"}) for name in ("anna", "berta")]
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.text.replace("berta", "anna") for answer in answers}) == 1


@pytest.mark.parametrize(
    ("asked", "led_to"),
    [
        ("/jobs?state=open", "/jobs?state=open"),
        ("//evil.example", "/"),
        ("https://evil.example", "/"),
        ("/\\evil.example", "/"),
    ],
)
def test_where_a_sign_in_leads(asked: str, led_to: str) -> None:
    """Back to the page that was asked for, and never to another host."""
    assert own_path(asked) == led_to


def test_a_trusted_proxy(site: Site, web_ledger: Ledger) -> None:
    """Its word counts from its address only; a user of the ledger has the role kept there."""
    users.add(web_ledger, "anna", "admin", "")
    near = site(loopback=False, peer="10.1.1.1", **PROXY)
    assert near.get("/access", headers={"x-user": "anna"}).status_code == 200
    assert near.get("/access", headers={"x-user": "guest"}).status_code == 403
    far = site(loopback=False, peer="192.168.1.1", **PROXY)
    assert far.get("/access", headers={"x-user": "anna", "x-forwarded-for": "10.1.1.1"}).status_code == 303
    assert site(**PROXY).get("/access").status_code == 303


@pytest.mark.parametrize(
    ("headers", "done"),
    [
        ({"sec-fetch-site": "same-origin"}, True),
        ({"sec-fetch-site": "cross-site"}, False),
        ({"sec-fetch-site": "same-site"}, False),
        ({"sec-fetch-site": "none"}, False),
        ({"sec-fetch-site": "cross-site", "origin": "http://127.0.0.1:8390"}, False),
        ({"origin": "http://127.0.0.1:8390"}, True),
        ({"origin": "http://evil.example"}, False),
        ({"origin": "null"}, False),
        ({}, False),
    ],
)
def test_cross_site_requests(signed_in: SignIn, web_ledger: Ledger, headers: dict[str, str], done: bool) -> None:
    """A form of another site does nothing, whichever user is signed in.

    Where a browser says nothing of it, Origin decides.
    """
    users.add(web_ledger, "berta", "read", "")
    browser = signed_in("admin")
    del browser.headers["sec-fetch-site"]
    answer = browser.post("/access/users/berta/remove", headers=headers, data={"seen": "1"})
    assert answer.status_code == (303 if done else 403)
    assert (users.get(web_ledger, "berta") is None) is done


def _acts() -> list[str]:
    """Every path of the console that takes a POST, with words in the places of its parameters."""
    acts = [each for each in ROUTES if isinstance(each, Route) and "POST" in (each.methods or ())]
    paths = [re.sub(r"\{[^}]*\}", "x", each.path) for each in acts]
    return [path for path in paths if not path.startswith(COOKIELESS) and not path.startswith("/sign-")]


def test_every_act_refuses_other_sites_and_readers(signed_in: SignIn, web_ledger: Ledger) -> None:
    """Whatever is added to the console: another site's form gets 403, and so does a reader.

    Who reads may only reveal.
    """
    reader = signed_in("read")
    revealing = {"/jobs/x", "/replies", "/suppressed/reveal", "/numbers/x/reveal"}
    assert len(_acts()) > 15
    before = len(acts(web_ledger))
    for path in _acts():
        assert reader.post(path, headers={"sec-fetch-site": "cross-site"}).status_code == 403, path
        assert (reader.post(path).status_code == 403) is (path not in revealing), path
    assert len(acts(web_ledger)) == before + 2  # of those that reveal, x is no number and no job


def test_what_cannot_be_undone_is_asked_first(signed_in: SignIn, web_ledger: Ledger) -> None:
    """One click removes no user and ends no key; the page before says what it means."""
    users.add(web_ledger, "berta", "read", "")
    api_keys.create(web_ledger, "shop", scopes=["read"])
    browser = signed_in("admin")
    for path, told in {"users/berta/remove": "can sign in no more", "keys/shop/revoke": "refused within"}.items():
        assert told in browser.post(f"/access/{path}").text
    assert "No user is left" not in browser.post("/access/users/berta/remove").text
    users.remove(web_ledger, "berta")
    assert "No user is left" in browser.post(f"/access/users/{users.listed(web_ledger)[0].name}/remove").text
    assert users.listed(web_ledger)
    assert [each.revoked_at for each in api_keys.listed(web_ledger)] == [None]
    assert (
        browser.post("/access/keys/shop/revoke", data={"seen": "1"}).headers["location"].startswith("/access?done=key-")
    )


@pytest.mark.parametrize("role", ["read", "operate"])
def test_below_the_role(signed_in: SignIn, web_ledger: Ledger, role: str) -> None:
    """The server refuses, whatever the page has shown."""
    users.add(web_ledger, "berta", "read", "")
    browser = signed_in(role)
    assert browser.get("/audit").status_code == 403
    assert browser.post("/access/users/berta/remove", data={"seen": "1"}).status_code == 403
    assert browser.post("/access/users/berta/role", data={"role": "admin"}).status_code == 403
    assert users.get(web_ledger, "berta")


def test_acts_of_an_admin_are_written_down(signed_in: SignIn, web_ledger: Ledger) -> None:
    """Who did what to whom, and from where."""
    users.add(web_ledger, "berta", "read", "")
    browser = signed_in("admin")
    browser.post("/access/users/berta/role", data={"role": "operate"})
    shown = browser.get("/audit").text
    assert "user.change" in shown
    newest = acts(web_ledger)[0]
    assert (newest["who"], newest["how"], newest["where"]) == ("admin", "page", "127.0.0.1")
    assert newest["about"]["role"] == "operate"


@pytest.mark.parametrize(
    "path", ["/static/../app.py", "/static/x/..%2f..%2fapp.py", "/static/x/%2e%2e/serve.py", "/static/x/a.html"]
)
def test_paths_that_climb(site: Site, path: str) -> None:
    """Only the console's own files are given out."""
    assert site().get(path).status_code == 404


def test_bodies_that_are_too_long(site: Site) -> None:
    """A form of more than a megabyte is refused, by its length if it says one, else as it comes."""
    browser = site()
    form = {"content-type": "application/x-www-form-urlencoded"}
    assert browser.post("/sign-in", content=b"x" * (1 << 20) + b"x", headers=form).status_code == 413
    pieces = (b"name=" + b"x" * 65536 for _ in range(20))
    answer = browser.post("/sign-in", content=pieces, headers=form)
    assert (answer.status_code, answer.headers["connection"]) == (413, "close")
