"""Rules of the HTTP API: keys, messages, campaigns, jobs, dead letters, problems."""

import csv
import json
from typing import Any

import pytest
from redis.exceptions import ConnectionError as Gone

from smsline.ledger import accounts, api_keys
from smsline.ledger.audit import acts
from smsline.ledger.job_list import asked_of
from smsline.ledger.jobs import iso
from smsline.ledger.link import Ledger
from tests.unit.web.conftest import Api, Site
from worker.web.api import intake

PHONE = "+8613900001111"
MESSAGE = {"to": PHONE, "template": "1234", "params": ["482913"], "lane": "otp"}
CSV = {"content-type": "text/csv"}


def problem(answer: Any) -> dict[str, Any]:
    """The problem that an answer is."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    found: dict[str, Any] = answer.json()
    assert found["status"] == answer.status_code
    return found


@pytest.mark.parametrize("header", ["", "Basic eDp5", "Bearer ", "Bearer sl_live_none", "Bearer " + "x" * 4000])
def test_no_key(site: Site, header: str) -> None:
    """Without a valid key there is nothing; the open console at this machine opens no API."""
    assert problem(site().get("/v1/jobs", headers={"authorization": header}))["status"] == 401


def test_what_a_key_may(api: Api, web_ledger: Ledger) -> None:
    """Scopes, lanes and templates are held to; a revoked key is of no use within a second."""
    only = api("send", lanes=["otp"], templates=["1234"])
    assert only.post("/v1/messages", json=MESSAGE).status_code == 201
    assert problem(only.post("/v1/messages", json={**MESSAGE, "lane": "marketing"}))["field"] == "lane"
    assert problem(only.post("/v1/messages", json={"to": PHONE, "template": "1234"}))["field"] == "lane"
    assert problem(only.post("/v1/messages", json={**MESSAGE, "template": "9"}))["field"] == "template"
    assert problem(only.post("/v1/jobs?template=1234", content=f"phone\n{PHONE}\n", headers=CSV))["status"] == 403
    assert problem(only.get("/v1/jobs"))["status"] == 403
    assert problem(api("read").post("/v1/messages", json=MESSAGE))["status"] == 403
    api_keys.revoke(web_ledger, "key0")
    assert (
        api_keys.find(web_ledger, next(iter(web_ledger.redis.hgetall(web_ledger.keys.api_keys_revoked))).decode())
        is None
    )


def test_a_keys_rate(api: Api) -> None:
    """Beyond its requests a second it is told when to come again."""
    program = api("read", per_s=1)
    answers = [program.get("/v1/jobs") for _ in range(5)]
    late = [answer for answer in answers if answer.status_code == 429]
    assert late
    assert late[0].headers["retry-after"] == "1"


def test_a_message(api: Api, web_ledger: Ledger) -> None:
    """201 and the job, in the ledger under the caller's span; the same key is the same job."""
    program, span = api(), {"traceparent": f"00-{'ab' * 16}-{'cd' * 8}-01", "tracestate": "vendor=1"}
    answer = program.post("/v1/messages", json=MESSAGE, headers={"idempotency-key": "order-7", **span})
    assert answer.status_code == 201
    job = answer.json()["job"]
    asked = asked_of(web_ledger, job)
    assert asked
    assert (asked.traceparent, asked.tracestate) == tuple(span.values())
    status = program.get(f"/v1/jobs/{job}").json()
    assert (status["lane"], status["counts"]["waiting"]) == ("otp", 1)
    assert problem(program.post("/v1/messages", json=MESSAGE, headers={"idempotency-key": ""}))["status"] == 422
    again = program.post("/v1/messages", json={**MESSAGE, "key": "order-7"})
    assert (again.status_code, again.json()["job"]) == (201, job)
    assert (
        problem(program.post("/v1/messages", json={**MESSAGE, "key": "x"}, headers={"idempotency-key": "y"}))["field"]
        == "key"
    )


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"template": "1"}, "to"),
        ({"to": PHONE}, "template"),
        ({"to": 8613900001111, "template": "1"}, "to"),
        ({"to": "12", "template": "1"}, "to"),
        ({"to": PHONE, "template": 5}, "template"),
        ({"to": PHONE, "template": "1", "params": ["482913"] * 21}, "params"),
        ({"to": PHONE, "template": "1", "lane": "fast"}, "lane"),
        ({"to": PHONE, "template": "1", "ttl_s": -1}, "ttl_s"),
        ({"to": PHONE, "template": "1", "txt": "482913"}, "txt"),
        ({"to": PHONE, "template": "1", "job_id": "0mwqw8p80dsryzgyvm"}, "job_id"),
        ({"to": PHONE, "template": "1", "params": ["\ud83d"]}, "body"),
        ({"to": PHONE, "template": "1", "ttl_s": float("inf")}, "body"),
        ({"to": PHONE, "template": "1", "ttl_s": 10**400}, "ttl_s"),
        ({"to": PHONE, "template": "1", "key": "\ufffd"}, "key"),
        ([], "body"),
        ("{", "body"),
        ("[" * 100_000, "body"),
        ('{"a":' * 5_000 + "1" + "}" * 5_000, "body"),
        (json.dumps({"to": PHONE, "template": "1"})[:-1] + ', "t\\u006f": "+8613900001112"}', "body"),
    ],
)
def test_bad_messages(api: Api, body: Any, field: str) -> None:
    """A problem names field and rule, masks numbers, and repeats no param."""
    content = body if isinstance(body, str) else json.dumps(body)
    told = problem(api().post("/v1/messages", content=content))
    assert (told["status"], told["field"], bool(told["rule"])) == (422, field, True)
    assert ("half a character" in told["rule"]) == ("ud83d" in content)
    assert "482913" not in json.dumps(told)
    assert "13900001111" not in json.dumps(told)


def test_redis_away(api: Api, web_ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """503 with Retry-After; nothing was taken."""
    program = api()

    def gone(*_: object, **__: object) -> None:
        raise Gone

    monkeypatch.setattr(web_ledger.redis, "pipeline", gone)
    answer = program.post("/v1/messages", json=MESSAGE)
    assert problem(answer)["status"] == 503
    assert answer.headers["retry-after"] == "1"


def test_a_campaign_as_csv(api: Api, web_ledger: Ledger) -> None:
    """Good rows go out, bad ones come back with their line.

    By whom and how many stands in the audit trail.
    """
    rows = ["phone,ref", *(f"+86137{number:08},r{number}" for number in range(2500)), "12,bad", '"a,b', ""]
    answer = api().post("/v1/jobs?template=5678&pace=500", content="\n".join(rows), headers=CSV)
    assert answer.status_code == 201
    told = answer.json()
    assert (told["accepted"], told["rejected"], [reject["line"] for reject in told["rejects"]]) == (
        2500,
        2,
        [2502, 2503],
    )
    newest = acts(web_ledger)[0]
    assert (newest["act"], newest["who"], newest["how"], newest["count"]) == ("campaign.submit", "key0", "api", 2500)


def test_a_campaign_as_it_was_written(api: Api) -> None:
    """Another column, encoding, numbers and params in need of a word: as on the command line."""
    program, rows = api(), "name;kontakt;param1\nMüller;+8613900001111;\n".encode("cp1252")
    query = {"template": "1", "phone_column": "Kontakt", "encoding": "cp1252", "allow_blank": "true"}
    told = program.post("/v1/jobs", params=query, content=rows, headers=CSV).json()
    assert (told["accepted"], told["rejects"]) == (1, [])
    del query["allow_blank"]
    assert problem(program.post("/v1/jobs", params=query, content=rows, headers=CSV))["field"] == "to"
    del query["encoding"]
    told = problem(
        program.post(
            "/v1/jobs", params=query | {"allow_blank": "true"}, content=rows.replace(b";\n", b";\xfc\n"), headers=CSV
        )
    )
    assert "the first, line 2: row is not UTF-8 text" in told["rule"]
    query["allow_blank"] = "true"
    headers = {"content-type": "text/csv; charset=windows-1252"}
    assert program.post("/v1/jobs", params=query, content=rows, headers=headers).json()["accepted"] == 1
    answer = problem(program.post("/v1/jobs?template=1&phone_column=x", content=rows, headers=CSV))
    assert (answer["field"], "--" in answer["rule"]) == ("phone_column", False)


def test_a_campaign_as_json_lines(api: Api) -> None:
    """A row is an object with phone, params, ref; what is none is named by its line."""
    lines = [
        "\ufeff" + json.dumps({"phone": PHONE, "params": ["a"], "ref": "x"}),
        "",
        "{",
        json.dumps({"phone": 5}),
        json.dumps({"phone": "+8613711112223", "name": "Anna"}),
        json.dumps({"phone": "+8613711112224", "params": [5]}),
        json.dumps({"phone": "+8613711112225", "params": "abc"}),
        '{"phone": "+8613711112226", "phone": "+8613711112227"}',
        '{"phone":' + "[" * 100_000,
    ]
    program = api()
    answer = program.post(
        "/v1/jobs?template=5678&window=09:00-20:00+Europe/Paris&ttl_s=100000",
        content="\n".join(lines),
        headers={"content-type": "application/x-ndjson; charset=utf-8"},
    )
    told = answer.json()
    held = asked_of(program.app.state.web.ledger, told["job"])  # type: ignore[attr-defined]
    assert held is not None
    assert held.window == "09:00-20:00 Europe/Paris"
    assert [(reject["line"], reject["field"]) for reject in told["rejects"]] == [
        (3, "row"),
        (4, "phone"),
        (5, "name"),
        (6, "params"),
        (7, "params"),
        (8, "row"),
        (9, "row"),
    ]
    rows = [json.loads(line) for line in program.get(f"/v1/jobs/{told['job']}/results").text.splitlines()]
    assert [(row["phone"], row["ref"], row["state"]) for row in rows] == [(PHONE, "x", "waiting")]


def test_a_campaign_repeated(api: Api) -> None:
    """The same request under the same key makes one job, and is answered in the same words."""
    rows = "phone\n" + "".join(f"+86137{number:08}\n" for number in range(1200)) + "12\n+8613700000007\n"
    program, headers = api(), {**CSV, "idempotency-key": "may"}
    first, second = (program.post("/v1/jobs?template=5678", content=rows, headers=headers) for _ in range(2))
    assert first.json() == second.json()
    assert (first.json()["accepted"], first.json()["rejected"], first.json()["duplicates"]) == (1200, 1, 1)
    assert [(row["line"], row["rule"]) for row in first.json()["repeats"]] == [
        (1203, "is that of line 9, which says the same")
    ]
    assert len(program.get("/v1/jobs").json()["jobs"]) == 1


@pytest.mark.parametrize(
    ("query", "headers", "body", "status"),
    [
        ("", CSV, "phone\n", 422),
        ("template=1&pase=3", CSV, "phone\n", 422),
        ("template=1", {**CSV, "idempotency-key": ""}, f"phone\n{PHONE}\n", 422),
        ("template=1&template=2", CSV, f"phone\n{PHONE}\n", 422),
        ("template=1&pace=fast", CSV, "phone\n", 422),
        ("template=1&at=2030-05-01T09:00", CSV, "phone\n", 422),
        ("template=1&at=nan", CSV, "phone\n", 422),
        ("template=1&phone_column=nummer", CSV, "phone\n", 422),
        ("template=1&encoding=hex", CSV, "phone\n", 422),
        ("template=1&encoding=utf-8", {"content-type": "application/x-ndjson"}, "{}", 422),
        ("template=1", {}, "phone\n", 415),
        ("template=1", CSV, "number\n1\n", 422),
        ("template=1", CSV, "phone\n12\n", 422),
        ("template=1", CSV, "", 422),
        ("template=1", CSV, "phone\n" + "1" * (2 << 20), 422),
        ("template=1", {"content-type": "application/x-ndjson"}, "x" * (2 << 20), 422),
    ],
)
def test_bad_campaigns(api: Api, query: str, headers: dict[str, str], body: str, status: int) -> None:
    """What cannot be a campaign is refused whole; a line without an end is not read to its end."""
    program = api()
    assert problem(program.post(f"/v1/jobs?{query}", content=body, headers=headers))["status"] == status
    assert program.get("/v1/jobs").json()["jobs"] == []


def test_memory_of_a_campaign() -> None:
    """However long it is, no more of a body is held than a piece and a line."""
    pieces = iter([b"phone\n", *[b"+8613900001111\n" * 4096] * 8])
    rows, held = intake.ApiIntake(intake.csv_lines(intake.Body(lambda: next(pieces, b"")))), 0
    for _ in rows:
        held = max(held, len(rows._rows) - 1)
    assert (rows._position, held) == (8 * 4096, 1)


def test_too_many_campaigns_at_once(api: Api) -> None:
    """Beyond what a process takes at once, the next must come again; single messages go on."""
    program = api()
    limiter = program.app.state.web.uploads  # type: ignore[attr-defined] # the application's
    limiter.total_tokens = 0
    answer = program.post("/v1/jobs?template=1", content=f"phone\n{PHONE}\n", headers=CSV)
    assert (problem(answer)["status"], answer.headers["retry-after"]) == (503, "2")
    assert program.post("/v1/messages", json=MESSAGE).status_code == 201


def test_the_list_of_jobs(api: Api) -> None:
    """Page by page, newest first, each job once, whatever the filter."""
    program = api()
    made = [program.post("/v1/messages", json=MESSAGE).json()["job"] for _ in range(7)]
    program.post(f"/v1/jobs/{made[3]}/pause")
    seen: list[str] = []
    after = ""
    while True:
        page = program.get("/v1/jobs", params={"limit": 3, "after": after}).json()
        seen += [job["job"] for job in page["jobs"]]
        if (after := page["after"]) is None:
            break
    assert sorted(seen) == sorted(made)
    assert [job["job"] for job in program.get("/v1/jobs?state=paused").json()["jobs"]] == [made[3]]
    assert problem(program.get("/v1/jobs?state=done"))["field"] == "state"
    assert problem(program.get("/v1/jobs?limit=0"))["field"] == "limit"
    # Begun anew at the newest, a program that has mixed up its cursors would never end.
    assert problem(program.get("/v1/jobs?after=xyz"))["field"] == "after"
    # A mistake's value may be a number and is masked; a rule is ours.
    assert (
        "'+86139****1111': must be a number from 1" in problem(program.get(f"/v1/jobs?limit=%2B{PHONE[1:]}"))["detail"]
    )


def test_steering(api: Api, web_ledger: Ledger) -> None:
    """Pause, resume and cancel answer how the job stands, and are noted; the rest is a 409."""
    program = api()
    job = program.post("/v1/messages", json=MESSAGE).json()["job"]
    states = [program.post(f"/v1/jobs/{job}/{act}").json()["state"] for act in ("pause", "resume", "cancel")]
    assert states == ["paused", "open", "cancelled"]
    assert [act["act"] for act in acts(web_ledger)] == ["job.cancel", "job.resume", "job.pause"]
    assert problem(program.post(f"/v1/jobs/{job}/resume"))["status"] == 409
    assert problem(program.post("/v1/jobs/0mwqw8p80dsryzgyvm/pause"))["status"] == 404
    assert problem(program.post("/v1/jobs/none/pause"))["field"] == "job"


def test_results_as_csv(api: Api) -> None:
    """A ref that a spreadsheet would work out is written as text."""
    program = api()
    body = json.dumps({"phone": PHONE, "ref": '=HYPERLINK("http://evil.example")'})
    job = program.post("/v1/jobs?template=1", content=body, headers={"content-type": "application/x-ndjson"}).json()[
        "job"
    ]
    (row,) = csv.DictReader(program.get(f"/v1/jobs/{job}/results?format=csv").text.splitlines())
    assert (row["phone"], row["ref"]) == (PHONE, '\'=HYPERLINK("http://evil.example")')
    assert problem(program.get(f"/v1/jobs/{job}/results?format=xml"))["field"] == "format"


def test_the_dead_letter(api: Api) -> None:
    """A selection is named, or all of it is asked for; both at once, or nothing, is refused."""
    program = api()
    assert program.get("/v1/dead").json() == {"groups": []}
    assert program.post("/v1/dead/requeue", json={"code": "X"}).json() == {"requeued": 0}
    assert program.post("/v1/dead/drop", json={"all": True}).json() == {"dropped": 0}
    for body in ({}, {"code": "X", "all": True}, {"all": "yes"}, {"jobs": "x"}, {"code": 5}):
        assert problem(program.post("/v1/dead/requeue", json=body))["status"] == 422
    # A filter in the query would be passed over, and all of it requeued.
    assert problem(program.post("/v1/dead/requeue?code=X", json={"all": True}))["field"] == "code"


def test_accounts_and_codes(api: Api, web_ledger: Ledger) -> None:
    """Health and resume of accounts; a code explained, or what it may have meant."""
    accounts.register(web_ledger, {"main": "tencent"})
    accounts.park(web_ledger, "main", "", "FailedOperation.X", probe_ms=1000)
    program = api()
    assert program.get("/v1/accounts").json()["accounts"][0]["state"] == "parked"
    assert program.post("/v1/accounts/main/resume").json() == {"resumed": 1}
    assert problem(program.post("/v1/accounts/none/resume"))["status"] == 404
    found = program.get("/v1/codes/FailedOperation.InsufficientBalanceInSmsPackage").json()["codes"]
    assert found[0]["verdict"] == "park"
    assert problem(program.get("/v1/codes/X?provider=y"))["field"] == "provider"


def test_suppressions(api: Api) -> None:
    """Numbers go on the list with scope and reason, or off it, streamed; a bad one is named."""
    program = api()
    given = {"numbers": [PHONE], "scope": "marketing", "reason": "=asked"}
    assert program.post("/v1/suppressions", json=given).json() == {"added": 1}
    (entry,) = [json.loads(line) for line in program.get("/v1/suppressions").text.splitlines()]
    assert (entry["phone"], entry["scope"], entry["reason"]) == (PHONE, "marketing", "=asked")
    assert "'=asked" in program.get("/v1/suppressions?format=csv").text
    assert program.get(f"/v1/numbers/{PHONE}").json()["suppressed"] is True
    assert program.delete("/v1/suppressions", params={"number": PHONE}).json() == {"removed": 1}
    wrong: list[dict[str, Any]] = [{"numbers": []}, {"numbers": "x"}, {"numbers": ["12"]}, {"number": PHONE}]
    for body in (*wrong, {"numbers": [PHONE], "scope": "some"}):
        assert problem(program.post("/v1/suppressions", json=body))["status"] == 422


def test_webhooks(api: Api, web_ledger: Ledger) -> None:
    """Added with the secret shown once, listed without it, told again from a time on, removed.

    Every act is in the trail.
    """
    program = api()
    given = {"name": "shop", "url": "https://shop.example/hook", "events": ["job.closed"]}
    made = program.post("/v1/webhooks", json=given)
    assert (made.status_code, made.json()["secret"][:6]) == (201, "whsec_")
    assert problem(program.post("/v1/webhooks", json=given))["status"] == 409
    assert made.json()["secret"] not in program.get("/v1/webhooks").text
    (listed,) = program.get("/v1/webhooks").json()["webhooks"]
    assert (listed["url"], listed["state"]) == (given["url"], "active")
    since = {"since": "2026-01-01T00:00:00Z"}
    assert program.post("/v1/webhooks/shop/replay", params=since).json() == {"replayed": 0}
    assert problem(program.post("/v1/webhooks/shop/replay", params={"since": "2026-01-01T00:00"}))["field"] == "since"
    assert problem(program.post("/v1/webhooks/other/replay", params=since))["status"] == 404
    wrong: list[dict[str, Any]] = [
        {"name": "Shop"},
        {"url": "ftp://x/"},
        {"events": []},
        {"events": "job.closed"},
        {"to": "x"},
    ]
    for change in wrong:
        assert problem(program.post("/v1/webhooks", json={**given, **change}))["status"] == 422
    assert program.delete("/v1/webhooks", params={"name": "shop"}).json() == {"removed": "shop"}
    assert [act["act"] for act in acts(web_ledger)] == ["webhook.remove", "webhook.replay", "webhook.add"]


def test_what_is_not_there(api: Api) -> None:
    """Unknown paths and methods are problems too."""
    assert "/v1/openapi.json" in problem(api().get("/v1/nothing"))["detail"]
    assert "DELETE is not possible here; there is GET, HEAD, POST" in problem(api().delete("/v1/jobs"))["detail"]
    assert problem(api().post("/v1/messages", content=b"x" * (2 << 20)))["status"] == 413
    assert iso(0) is None
