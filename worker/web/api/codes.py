"""What a provider's code means; needs no Redis but for the key."""

from dataclasses import asdict
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from smsline import codes
from smsline.errors import BadInput, NotFound
from worker.web.api.callers import Caller
from worker.web.api.endpoint import answer, endpoint


@endpoint("read", "provider")
def explain(request: Request, _: Caller) -> Response:
    """Every reading of a code, the likeliest first."""
    code, provider = request.path_params["code"], request.query_params.get("provider", "")
    if provider and provider not in codes.providers():
        raise BadInput("provider", provider, f"must be one of {', '.join(codes.providers())}")
    matches = codes.explain(code, provider or None)
    if not matches:
        # A mistyped code is the likeliest reason.
        close = codes.close_codes(code, provider or None)
        raise NotFound(f"no table knows this code{f'; did you mean {close[0]}?' if close else ''}")
    rows = [
        asdict(match.row) | {"does": codes.what_smsline_does(match.row), "how": match.how, "asked": match.asked}
        for match in matches
    ]
    return answer({"codes": rows})


routes: Final = [Route("/v1/codes/{code}", explain)]
