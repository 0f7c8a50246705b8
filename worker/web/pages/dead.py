"""Dead letters by code: meaning and advice; requeue or drop, counted before it is done."""

from dataclasses import dataclass
from typing import Final

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from smsline.admin import DeadGroup
from smsline.errors import BadInput
from smsline.ledger.dead import DEAD_STATES, NO_CODE, DeadFilter, some_jobs
from worker.web.context import web_of
from worker.web.pages.auth import act, page
from worker.web.pages.notices import done
from worker.web.pages.rendering import render
from worker.web.pages.visitor import Visitor

ACTS: Final = {"requeue": "requeued", "drop": "dropped"}
FILTERS: Final = ("code", "job", "account", "state")
JOBS_SHOWN: Final = 3


@dataclass(frozen=True, slots=True)
class TickedGroup:
    """One group that was ticked: dead letters of a code at an account in a state.

    Of one job, if the page was filtered by it.
    """

    account: str
    code: str
    state: str
    job: str

    def holds(self, group: DeadGroup) -> bool:
        """Whether a group is the one."""
        return (self.account, self.code, self.state) == (group["account"], group["code"] or NO_CODE, group["state"])


@page()
def dead(request: Request, _: Visitor) -> Response:
    """The groups."""
    chosen = {name: request.query_params.get(name, "").strip() for name in FILTERS}
    web = web_of(request)
    groups = web.admin.dead_summary(**chosen)
    # Those of one job are of that job.
    jobs = {} if chosen["job"] else some_jobs(web.ledger, DeadFilter(**chosen), groups=len(groups), each=JOBS_SHOWN)
    return render(
        request,
        "dead.html",
        groups=groups,
        jobs=jobs,
        chosen=chosen,
        states=DEAD_STATES,
        total=sum(group["count"] for group in groups),
    )


@act()
def settle(request: Request, visitor: Visitor, form: FormData) -> Response:
    """Say how many recipients it is about, and do it when that was seen."""
    what, job = str(form.get("act", "")), str(form.get("job", "")).strip()
    if what not in ACTS:
        raise BadInput("act", what, f"must be one of {', '.join(ACTS)}")
    admin = web_of(request).admin.acting(visitor.actor)
    filters = {name: str(form.get(name, "")).strip() for name in FILTERS}
    groups = admin.dead_summary(**filters)
    if form.get("all"):
        picked = [TickedGroup(group["account"], group["code"] or NO_CODE, group["state"], job) for group in groups]
    else:
        picked = []
        for text in map(str, form.getlist("pick")):
            account, _, rest = text.partition(" ")
            code, _, state = rest.rpartition(" ")  # what is between them may have blanks
            if not (account and code and state):  # an empty one would mean any
                raise BadInput("pick", text, "must be an account, a code and a state")
            picked.append(TickedGroup(account, code, state, job))
    groups = [group for group in groups if any(each.holds(group) for each in picked)]
    count = sum(group["count"] for group in groups)
    # Counted and shown first: the groups may have grown since the page was drawn.
    if not form.get("seen"):
        return render(
            request, "dead_confirm.html", act=what, groups=groups, picked=picked, count=count, filters=filters
        )
    touched = 0
    # By groups and not by recipients: what joins a group meanwhile was meant as well.
    for each in picked:
        touched += getattr(admin, what)(code=each.code, job=each.job, account=each.account, state=each.state)
    return done(f"/dead?job={job}" if job else "/dead", ACTS[what], touched)


routes: Final = [Route("/dead", dead, methods=["GET"]), Route("/dead", settle, methods=["POST"])]
