"""A web process on a ledger of fakeredis, and a browser's way of asking it."""

from collections.abc import Callable, Iterator
from typing import Any

import fakeredis
import pytest
from argon2 import PasswordHasher
from starlette.testclient import TestClient

from config.settings import Settings
from smsline.admin import Admin
from smsline.client import Client
from smsline.ledger import api_keys, users
from smsline.ledger.link import Ledger
from worker.web.app import build_app
from worker.web.context import Web

PASSWORD = "correct horse battery"
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
"""The real cost is a tenth of a second for each test that signs in."""

OWN = {"sec-fetch-site": "same-origin"}

Site = Callable[..., TestClient]
SignIn = Callable[..., TestClient]


@pytest.fixture
def web_ledger() -> Ledger:
    """An empty ledger."""
    return Ledger(fakeredis.FakeRedis(server=fakeredis.FakeServer()), "t")


@pytest.fixture
def site(web_ledger: Ledger) -> Iterator[Site]:
    """`site(loopback=…, peer=…, **settings)`: a browser in front of a web process.

    `site.sign_in` is `signed_in` below.
    """
    opened: list[TestClient] = []

    def made(*, loopback: bool = True, peer: str = "127.0.0.1", host: str = "127.0.0.1:8390", **web: Any) -> TestClient:
        others = {name: web.pop(name) for name in ("accounts", "region_default", "texts") if name in web}
        settings = Settings.model_validate({"web": web, "redis_url": "redis://127.0.0.1:1/0", **others})
        client = Client(redis_url=settings.redis_url, ledger=web_ledger)
        about = Web(settings, client, Admin(redis_url=settings.redis_url, ledger=web_ledger), web_ledger, loopback)
        browser = TestClient(
            build_app(about), base_url=f"http://{host}", client=(peer, 50_000), follow_redirects=False, headers=OWN
        )
        opened.append(browser)
        return browser

    yield made
    for browser in opened:
        browser.close()


@pytest.fixture
def signed_in(web_ledger: Ledger, site: Site) -> Callable[..., TestClient]:
    """`signed_in("read")`: a browser whose user of that role has signed in."""

    def made(role: str, **about: Any) -> TestClient:
        users.add(web_ledger, role, role, CHEAP.hash(PASSWORD))
        browser = site(**about)
        answer = browser.post("/sign-in", data={"name": role, "password": PASSWORD})
        assert answer.status_code == 303, answer.text
        return browser

    return made


Api = Callable[..., TestClient]


@pytest.fixture
def api(site: Site, web_ledger: Ledger) -> Api:
    """`api("send", …)`: a program with a key of these scopes; `lanes=`, `per_s=` as the key's."""

    def made(*scopes: str, **may: Any) -> TestClient:
        name = f"key{web_ledger.redis.hlen(web_ledger.keys.api_keys)}"
        token = api_keys.create(web_ledger, name, scopes=scopes or api_keys.SCOPES, **may)
        program = site()
        program.headers = {"authorization": f"Bearer {token}"}
        return program

    return made
