"""The OpenAPI 3.1 description: one line a route, schemas made from the types of the answers."""

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from smsline.admin import DeadGroup, NumberPage
from smsline.health import AccountHealth
from smsline.job import MAX_KEY_CHARS
from smsline.ledger.dead import DEAD_STATES
from smsline.ledger.jobs import Result, Status
from smsline.ledger.suppression import SCOPES
from smsline.ledger.webhooks import EVENT_TYPES, LONGEST_URL, ListedWebhook
from smsline.names import LANES
from smsline.row_values import MAX_PARAM_CHARS, MAX_PARAMS, MAX_REF_CHARS
from smsline.states import JobState
from worker.web.api.intake import LineReject
from worker.web.api.jobs import MOST_JOBS
from worker.web.api.problems import MEDIA_TYPE, Problem
from worker.web.api.suppressions import MOST_NUMBERS
from worker.web.context import web_of

Schema = dict[str, Any]

TEXT: Final[Schema] = {"type": "string"}
KEY: Final[Schema] = {"type": "string", "maxLength": MAX_KEY_CHARS}
COUNT: Final[Schema] = {"type": "integer", "minimum": 0}
TEMPLATE: Final[Schema] = {"type": "string", "pattern": "^[A-Za-z0-9_.:-]{1,64}$"}
LANE: Final[Schema] = {"type": "string", "enum": list(LANES)}
PARAMS: Final[Schema] = {
    "type": "array",
    "items": {"type": "string", "maxLength": MAX_PARAM_CHARS},
    "maxItems": MAX_PARAMS,
}
POSITIVE: Final[Schema] = {"type": "number", "exclusiveMinimum": 0}
DEAD_STATE: Final[Schema] = {"type": "string", "enum": ["", *DEAD_STATES]}
JOB_ID: Final[Schema] = {"type": "string", "pattern": "^[a-z0-9]{8,40}$"}

_OPTIONS: Final[Schema] = {
    "lane": LANE,
    "ttl_s": {
        **POSITIVE,
        "description": "Seconds after the start in which it may still be sent; the lane's when left out.",
    },
    "key": {**KEY, "description": "Idempotency key; the header Idempotency-Key says the same."},
    "account": {**TEXT, "description": "Send by this account only."},
    "sign": {**TEXT, "description": "Signature; the account's own when left out."},
    "sender": {**TEXT, "description": "Sender id for global numbers."},
    "extend": {**TEXT, "description": "Extend code, digits."},
    "window": {
        **TEXT,
        "description": "Hours in which it goes out: 09:00-20:00 of the recipient's day, or 09:00-20:00 Europe/Paris.",
    },
}

_FLAGS: Final[Mapping[str, str]] = {
    "allow_unassigned": "Take numbers in ranges that are not known (yet).",
    "allow_blank": "Take params that are empty, or that an export left for a missing value.",
}

MESSAGE: Final[Schema] = {
    "type": "object",
    "required": ["to", "template"],
    "additionalProperties": False,
    "properties": {
        "to": {**TEXT, "description": "The number, as +8613711112222."},
        "template": {**TEMPLATE, "description": "The provider's template id."},
        "params": {**PARAMS, "description": "The template's values, in order."},
        "ref": {**TEXT, "maxLength": MAX_REF_CHARS, "description": "Your own name for it, given back in the results."},
        **_OPTIONS,
        **{name: {"type": "boolean", "description": told} for name, told in _FLAGS.items()},
    },
}

SELECTION: Final[Schema] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {**dict.fromkeys(("code", "job", "account", "state"), TEXT), "all": {"type": "boolean"}},
    "description": "All conditions hold at once. Without one, all must be true.",
}


SUPPRESSION: Final[Schema] = {
    "type": "object",
    "required": ["numbers"],
    "additionalProperties": False,
    "properties": {
        "numbers": {"type": "array", "items": TEXT, "minItems": 1, "maxItems": MOST_NUMBERS},
        "scope": {"type": "string", "enum": list(SCOPES), "description": "What is stopped; all when left out."},
        "reason": {**TEXT, "description": "Why, for people."},
    },
}

WEBHOOK: Final[Schema] = {
    "type": "object",
    "required": ["name", "url", "events"],
    "additionalProperties": False,
    "properties": {
        "name": {"type": "string", "pattern": "^[a-z0-9][a-z0-9_-]{0,39}$"},
        "url": {"type": "string", "format": "uri", "maxLength": LONGEST_URL},
        "events": {"type": "array", "items": {"type": "string", "enum": list(EVENT_TYPES)}, "minItems": 1},
    },
}


class Operation(NamedTuple):
    """One method of one path.

    Attributes:
        method: HTTP's, in lower case.
        path: With its parameters in braces.
        scope: What a key needs.
        summary: One sentence.
        answer: Schema of the answer's JSON, or media types to schemas.
        status: Of a good answer.
        query: Parameter to schema; those that are required are in `needed`.
        needed: Required query parameters.
        body: Media type to schema, or None.
        refusals: Statuses of problems besides 401, 403, 429 and 503.
    """

    method: str
    path: str
    scope: str
    summary: str
    answer: Schema
    status: int = 200
    query: Mapping[str, Schema] = MappingProxyType({})
    needed: tuple[str, ...] = ()
    body: Schema | None = None
    refusals: tuple[int, ...] = ()


def ref(name: str) -> Schema:
    """A reference to a named schema."""
    return {"$ref": f"#/components/schemas/{name}"}


def object_of(**fields: Schema) -> Schema:
    """An object that has exactly these fields."""
    return {"type": "object", "required": list(fields), "properties": fields}


def list_of(schema: Schema) -> Schema:
    """An array."""
    return {"type": "array", "items": schema}


OPERATIONS: Final = (
    Operation(
        *("post", "/v1/messages", "send", "Send one message to one number.", object_of(job=JOB_ID), 201),
        body={"application/json": MESSAGE},
        refusals=(409, 413, 422),
    ),
    Operation(
        *("post", "/v1/jobs", "send", "Send a campaign: CSV or JSON lines, streamed, one recipient a row."),
        object_of(
            job=JOB_ID,
            accepted=COUNT,
            rejected=COUNT,
            rejects=list_of(ref("LineReject")),
            duplicates=COUNT,
            repeats=list_of(ref("LineReject")),
        ),
        201,
        query={
            "template": TEMPLATE,
            **_OPTIONS,
            "pace": {**POSITIVE, "description": "Recipients a second at most."},
            "at": {**TEXT, "description": "Epoch seconds, or a time with its offset, before which nothing is sent."},
            "param": {**PARAMS, "description": "A value of the template for all rows; repeat it, in order."},
            "phone_column": {**TEXT, "description": "CSV: the column with the numbers, where it has no usual name."},
            "encoding": {**TEXT, "description": "CSV: what its text is written in, such as cp1252 or gb18030."},
            **{
                name: {"type": "string", "enum": ["true", "false"], "description": told}
                for name, told in {"stream": "Send before the last row has come.", **_FLAGS}.items()
            },
        },
        needed=("template",),
        body={
            "text/csv": {**TEXT, "description": "A header with a column phone, and param1…, ref if wanted."},
            "application/x-ndjson": {**TEXT, "description": 'Lines of {"phone": "+86…", "params": ["…"], "ref": "…"}.'},
        },
        refusals=(408, 409, 415, 422),
    ),
    Operation(
        *("get", "/v1/jobs", "read", "List jobs, newest first."),
        object_of(jobs=list_of(ref("Status")), after={"type": ["string", "null"]}),
        query={
            "state": {"type": "string", "enum": list(JobState)},
            "limit": {"type": "integer", "minimum": 1, "maximum": MOST_JOBS},
            "after": {**TEXT, "description": "The cursor that the page before ended with."},
        },
        refusals=(422,),
    ),
    Operation("get", "/v1/jobs/{job}", "read", "How a job stands.", ref("Status"), refusals=(404, 422)),
    Operation(
        *("get", "/v1/jobs/{job}/results", "read", "What became of every recipient, streamed."),
        {"application/x-ndjson": TEXT, "text/csv": TEXT},
        query={"format": {"type": "string", "enum": ["ndjson", "csv"]}, "state": TEXT, "code": TEXT},
        refusals=(404, 422),
    ),
    *(
        Operation("post", f"/v1/jobs/{{job}}/{act}", "operate", told, ref("Status"), refusals=(404, 409, 422))
        for act, told in (
            ("pause", "Send nothing more until it is resumed."),
            ("resume", "Go on."),
            ("cancel", "Never send what is still waiting."),
        )
    ),
    Operation(
        *("get", "/v1/dead", "read", "What is in the dead letter, by account and code."),
        object_of(groups=list_of(ref("DeadGroup"))),
        query=dict.fromkeys(("code", "job", "account", "state"), TEXT),
        refusals=(422,),
    ),
    *(
        Operation(
            *("post", f"/v1/dead/{act}", "operate", told, object_of(**{f"{done}": COUNT})),
            body={"application/json": SELECTION},
            refusals=(409, 413, 422),
        )
        for act, done, told in (
            ("requeue", "requeued", "Send a selection again, once the cause is gone."),
            ("drop", "dropped", "Take a selection out of the dead letter for good."),
        )
    ),
    Operation(
        *("get", "/v1/accounts", "read", "Health of every account."),
        object_of(accounts=list_of(ref("AccountHealth"))),
        refusals=(422,),
    ),
    Operation(
        *("post", "/v1/accounts/{name}/resume", "operate", "Lift every park of an account."),
        object_of(resumed=COUNT),
        refusals=(404, 422),
    ),
    Operation(
        *("get", "/v1/replies", "read", "What people have answered, streamed, oldest first."),
        {"application/x-ndjson": TEXT, "text/csv": TEXT},
        query={
            "since": {
                **TEXT,
                "description": "Epoch seconds, or a time with its offset; all that are kept when left out.",
            },
            "format": {"type": "string", "enum": ["ndjson", "csv"]},
        },
        refusals=(422,),
    ),
    Operation(
        *("get", "/v1/suppressions", "read", "Every entry of the suppression list, streamed."),
        {"application/x-ndjson": TEXT, "text/csv": TEXT},
        query={"format": {"type": "string", "enum": ["ndjson", "csv"]}},
        refusals=(422,),
    ),
    Operation(
        *("post", "/v1/suppressions", "operate", "Stop texting numbers."),
        object_of(added=COUNT),
        body={"application/json": SUPPRESSION},
        refusals=(413, 422),
    ),
    Operation(
        *("delete", "/v1/suppressions", "operate", "Take numbers off the list."),
        object_of(removed=COUNT),
        query={"number": {**TEXT, "description": "Repeat it for several."}},
        needed=("number",),
        refusals=(422,),
    ),
    Operation(
        *("get", "/v1/webhooks", "read", "Endpoints of webhooks, and how each fares."),
        object_of(webhooks=list_of(ref("ListedWebhook"))),
        refusals=(422,),
    ),
    Operation(
        *(
            "post",
            "/v1/webhooks",
            "operate",
            "Add an endpoint; its secret is shown once.",
            object_of(name=TEXT, secret=TEXT),
        ),
        201,
        body={"application/json": WEBHOOK},
        refusals=(409, 413, 422),
    ),
    Operation(
        *("delete", "/v1/webhooks", "operate", "Remove an endpoint.", object_of(removed=TEXT)),
        query={"name": TEXT},
        needed=("name",),
        refusals=(404, 422),
    ),
    Operation(
        *("post", "/v1/webhooks/{name}/replay", "operate", "Send kept events again, each under the id it had."),
        object_of(replayed=COUNT),
        query={"since": {"type": "string", "format": "date-time"}},
        needed=("since",),
        refusals=(404, 422),
    ),
    Operation(
        "get", "/v1/numbers/{number}", "read", "What happened to a number.", ref("NumberPage"), refusals=(404, 422)
    ),
    Operation(
        *("get", "/v1/codes/{code}", "read", "What a provider's code means and what to do."),
        object_of(codes=list_of({"type": "object"})),
        query={"provider": TEXT},
        refusals=(404, 422),
    ),
)


def openapi(request: Request) -> Response:
    """The description; it needs no key, there is no secret in it."""
    return Response(_document(web_of(request).version), media_type="application/json")


@cache
def _document(version: str) -> bytes:
    # From the types of the answers themselves, so that the description cannot lag behind.
    _, schemas = msgspec.json.schema_components(
        (Status, Result, DeadGroup, AccountHealth, NumberPage, LineReject, ListedWebhook, Problem),
        ref_template="#/components/schemas/{name}",
    )
    paths: dict[str, Schema] = {}
    for each in OPERATIONS:
        paths.setdefault(each.path, {})[each.method] = _operation(each)
    document = {
        "openapi": "3.1.0",
        "info": {
            "title": "smsline",
            "version": version,
            "description": "SMS jobs: sent, followed, mended. See docs/api.md.",
        },
        "security": [{"key": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "bearerFormat": "sl_live_…"}},
            "schemas": schemas,
        },
    }
    return msgspec.json.encode(document)


def _operation(each: Operation) -> Schema:
    # Taken from the path: written a second time they could differ from it.
    named = [part.strip("{}") for part in each.path.split("/") if part.startswith("{")]
    parameters = [{"name": name, "in": "path", "required": True, "schema": TEXT} for name in named]
    parameters += [
        {"name": name, "in": "query", "required": name in each.needed, "schema": schema}
        for name, schema in each.query.items()
    ]
    if each.body and each.path in {"/v1/messages", "/v1/jobs"}:
        parameters.append({"name": "Idempotency-Key", "in": "header", "required": False, "schema": KEY})
        parameters += [
            {"name": name, "in": "header", "required": False, "schema": TEXT} for name in ("traceparent", "tracestate")
        ]
    content = each.answer if "text/csv" in each.answer else {"application/json": each.answer}
    answers: Schema = {str(each.status): {"description": "Done.", "content": _content(content)}}
    # These four may meet any request: key, scope, rate, Redis.
    for status in sorted({*each.refusals, 401, 403, 429, 503}):
        answers[str(status)] = {"description": "See the problem.", "content": {MEDIA_TYPE: {"schema": ref("Problem")}}}
    told: Schema = {
        "summary": each.summary,
        "description": f"Scope: {each.scope}.",
        "parameters": parameters,
        "responses": answers,
    }
    return told | ({"requestBody": {"required": True, "content": _content(each.body)}} if each.body else {})


def _content(schemas: Schema) -> Schema:
    return {media: {"schema": schema} for media, schema in schemas.items()}


routes: Final = [Route("/v1/openapi.json", openapi)]
