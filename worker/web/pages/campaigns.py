"""New campaign: upload a file, map its columns, see what it would do, start it."""

from collections.abc import Mapping
from typing import Any, Final

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from smsline import job_values
from smsline.errors import BadInput, Conflict
from smsline.job import DEFAULT_TTL_S
from smsline.names import LANES
from smsline.row_values import MAX_PARAMS
from worker.web.campaigns.check import CampaignPlan, Check, Rows, check
from worker.web.campaigns.sheet import ENCODINGS, guess, mapped
from worker.web.campaigns.store import StoredUpload
from worker.web.context import web_of
from worker.web.pages.auth import act, page, served
from worker.web.pages.notices import done
from worker.web.pages.rendering import render
from worker.web.pages.visitor import Visitor
from worker.web.times import UTC, on_the_clock_s, zone_of, zones

# How far in the past a start may be: a form takes its time to be filled in and looked at.
LATE_S: Final = 300.0

# Params that can be mapped without more of the file's columns being called so.
SHOWN_PARAMS: Final = 5


@page("operate")
def start_page(request: Request, _: Visitor) -> Response:
    """The first step."""
    mb = web_of(request).settings.web.upload_mb
    return render(request, "campaign_new.html", upload_mb=mb, encodings=ENCODINGS)


async def upload(request: Request) -> Response:
    """Take the file. It goes to disk as it comes, and is never in memory as a whole."""
    form = await request.form(max_files=1, max_fields=10)

    def take(visitor: Visitor) -> Response:
        """Keep the form's file for this visitor, and lead on to what was found in it."""
        file = form.get("file")
        if not isinstance(file, UploadFile) or not file.filename:
            raise BadInput("file", "", "choose a file")
        named, encoding = file.filename[-100:], str(form.get("encoding", ""))
        kept = web_of(request).files.take(file.file, owner=visitor.name, name=named, encoding=encoding)
        return RedirectResponse(f"/campaigns/{kept.token}", 303)

    try:
        return await run_in_threadpool(served, request, "operate", take)
    finally:
        # Starlette's own copy of the file, which is on disk too.
        await form.close()


@page("operate")
def prepare(request: Request, visitor: Visitor) -> Response:
    """The second step: what the columns are, and what is to be sent."""
    token, files = request.path_params["token"], web_of(request).files
    if job := files.job_of(token, visitor.name):
        return RedirectResponse(f"/jobs/{job}", 303)
    kept = files.get(token, visitor.name)
    # A guess to be looked at: nothing is checked until the form comes back.
    columns = guess(kept.sheet.columns)
    given = {
        "phone": str(columns.phone),
        "lane": "marketing",
        "zone": UTC,
        "ref": "" if columns.ref is None else str(columns.ref),
    }
    given |= {f"param{number}": str(at) for number, at in enumerate(columns.params, 1)}
    return _prepared(request, kept, given)


@act()
def go(request: Request, visitor: Visitor, form: FormData) -> Response:
    """Check the file as the form says; start when that was seen and is still so."""
    web, token = web_of(request), request.path_params["token"]
    if job := web.files.job_of(token, visitor.name):
        return RedirectResponse(f"/jobs/{job}", 303)
    kept = web.files.get(token, visitor.name)
    given = {name: str(value).strip() for name, value in form.items() if isinstance(value, str)}
    try:
        columns, plan = mapped(given, len(kept.sheet.columns)), _plan_of(given, web.ledger.now_ms() / 1000)
        if given.get("act") != "start":
            found = check(
                kept.sheet, columns, plan, settings=web.settings, ledger=web.ledger, providers=web.asking.providers
            )
            return _prepared(request, kept, given, found=found, plan=plan)
        # Read anew and not kept from the check: the file may have a million rows.
        rows = Rows(kept.sheet, columns, found := Check())
        client, counts = web.client.acting(visitor.actor), list[int]()
        job = client.campaign(
            to=rows,
            key=f"console {kept.token}",  # pressed twice, it starts once
            on_rejected=rows.on_rejected,
            on_summary=lambda summary: counts.append(summary.added + summary.held),
            **plan.options,
        )
    except (BadInput, Conflict) as error:
        told = f"{error.field}: {error.rule}" if isinstance(error, BadInput) else str(error)
        return _prepared(request, kept, given, told=told, status=422)
    # Only when it has started: after an error the same file is there to be tried again.
    web.files.started(kept, job)
    return done(f"/jobs/{job}", "started", counts[0])


def _prepared(
    request: Request,
    kept: StoredUpload,
    given: Mapping[str, str],
    *,
    found: Check | None = None,
    plan: CampaignPlan | None = None,
    told: str = "",
    status: int = 200,
) -> Response:
    accounts = [account["account"] for account in web_of(request).admin.accounts()]
    used = sum(1 for number in range(1, MAX_PARAMS + 1) if given.get(f"param{number}"))
    return render(
        request,
        "campaign_prepare.html",
        status,
        upload=kept,
        given=given,
        found=found,
        plan=plan,
        told=told,
        zones=zones(),
        lanes=LANES,
        accounts=accounts,
        params=range(1, max(SHOWN_PARAMS, min(MAX_PARAMS, used + 1)) + 1),
    )


def _plan_of(given: Mapping[str, str], now_s: float) -> CampaignPlan:
    """The form's settings.

    Raises:
        BadInput: One of them cannot be.
    """
    options: dict[str, Any] = {name: given.get(name, "") for name in ("template", "sign", "sender", "account")}
    if not options["template"]:
        raise BadInput("template", "", "is needed: the provider's template id")
    wanted = given.get("lane", "marketing")
    lane = next((known for known in LANES if known == wanted), None)
    if lane is None:
        raise BadInput("lane", wanted, f"must be one of {', '.join(LANES)}")
    pace = _number(given, "pace")
    options |= {"lane": lane, "pace": pace or None, "ttl_s": _number(given, "ttl_s") or None}
    options["window"] = job_values.window({"window": _window_of(given)}, lane)
    start_s = now_s
    if at := given.get("at", ""):
        start_s = options["at"] = on_the_clock_s(at, zone_of(given.get("zone", UTC)), "start")
        if start_s < now_s - LATE_S:
            raise BadInput("start", at, "is in the past; leave it empty to start at once")
    named = {name: options[name] for name in ("template", "lane", "account", "sign")}
    return CampaignPlan(options, pace=pace, start_s=start_s, ttl_s=options["ttl_s"] or DEFAULT_TTL_S[lane], **named)


def _window_of(given: Mapping[str, str]) -> str:
    """The form's hours of sending, as the client takes them.

    Raises:
        BadInput: One of the two is missing, or they are none.
    """
    opens, closes, zone = (given.get(name, "") for name in ("opens", "closes", "window_zone"))
    if not (opens or closes):
        return ""
    if not (opens and closes):
        raise BadInput("hours of sending", opens or closes, "need both ends, or none for any hour")
    return f"{opens[:5]}-{closes[:5]} {zone}".strip()


def _number(given: Mapping[str, str], name: str) -> float:
    text = given.get(name, "")
    try:
        value = float(text) if text else 0.0
    except ValueError:
        value = -1.0
    if not 0 <= value < 1e9:  # false for NaN too
        raise BadInput(name, text, "must be a number")
    return value


routes: Final = [
    Route("/campaigns/new", start_page),
    Route("/campaigns/upload", upload, methods=["POST"]),
    Route("/campaigns/{token}", prepare, methods=["GET"]),
    Route("/campaigns/{token}", go, methods=["POST"]),
]
