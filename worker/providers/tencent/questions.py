"""What `smsline.questions` asks of Tencent, as rows of plain values."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final

from worker.providers.base import Broken, Refused
from worker.providers.tencent.api import Api
from worker.providers.tencent.caller import TencentCaller
from worker.providers.tencent.conversions import ConversionReport, report
from worker.providers.tencent.facts import CONVERSION, LIST_SIGNS, LIST_TEMPLATES, NUMBERS
from worker.providers.tencent.numbers_info import describe
from worker.providers.tencent.signatures import SIGNATURES
from worker.providers.tencent.templates import TEMPLATES

QUESTIONS: Final[Mapping[str, str]] = {
    "conversion": CONVERSION,
    "numbers": NUMBERS,
    "templates": LIST_TEMPLATES,
    "signatures": LIST_SIGNS,
}
"""What can be asked, and the action that it takes."""


def answer(caller: TencentCaller, what: str, args: Mapping[str, Any]) -> list[dict[str, Any]] | Refused | Broken:
    """Ask one of them; the token is taken already."""
    api = Api(caller, _Taken())
    match what:
        case "conversion":
            found: Any = report(api, args["serial"], at_s=args["at_s"])
        case "numbers":
            found = describe(api, args["phones"])
        case "templates":
            found = TEMPLATES.listed(api, international=args["international"], offset=args["offset"])
        case _:
            found = SIGNATURES.listed(api, international=args["international"], offset=args["offset"])
    if isinstance(found, (Refused, Broken)):
        return found
    rows = [found] if isinstance(found, ConversionReport) else found
    return [asdict(row) for row in rows]


class _Taken:
    """Lets every call through: its token was taken by who calls."""

    def admit(self, action: str) -> float:  # noqa: ARG002 - as `Gate`
        return 0.0

    def refused(self, action: str, answer: Refused | Broken) -> None:
        """Told by who calls."""
