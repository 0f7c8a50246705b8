"""The HTTP API is as it describes itself."""

from collections.abc import Iterator
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.web.conftest import Api
from worker.web.api.openapi import OPERATIONS
from worker.web.app import ROUTES


def routes_of_the_api() -> Iterator[tuple[str, str]]:
    """Method and path of every route of the API but the description itself."""
    for route in ROUTES:
        path = str(getattr(route, "path", ""))
        for method in sorted(getattr(route, "methods", None) or ()):
            if path.startswith("/v1/") and path != "/v1/openapi.json" and method != "HEAD":
                yield method.lower(), path


def test_every_route_is_described() -> None:
    """And nothing is described that is not there."""
    assert sorted(routes_of_the_api()) == sorted((each.method, each.path) for each in OPERATIONS)


def test_the_server_is_as_described(api: Api) -> None:
    """Whatever a program sends, the answer's status, media type and body are as described."""
    # Here, where it is used: every process of the suite would take seconds to import it.
    import schemathesis  # noqa: PLC0415
    from schemathesis.core.result import Ok  # noqa: PLC0415
    from schemathesis.specs.openapi.checks import ignored_auth, positive_data_acceptance  # noqa: PLC0415

    headers = dict(api().headers)
    schema = schemathesis.openapi.from_asgi("/v1/openapi.json", api().app)
    found = [result.ok() for result in schema.get_all_operations() if isinstance(result, Ok)]
    assert len(found) == len(OPERATIONS)

    @settings(max_examples=2 * len(found), deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.one_of([operation.as_strategy() for operation in found]))
    def holds(case: Any) -> None:
        # A schema cannot say all that makes a number or a file: what fits it may still be refused,
        # by a problem. The second check would send without the key, but these headers stay;
        # `test_no_key` does it.
        case.call_and_validate(headers=headers, excluded_checks=[positive_data_acceptance, ignored_auth])

    holds()
