"""The setting `SMSLINE` of a Django project, checked."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from string import Formatter
from typing import Any, Final

from django.conf import settings

from smsline.calls import Target, arguments_of
from smsline.errors import BadInput
from smsline.job import JobSpec
from smsline.names import DEFAULT_NAMESPACE

# What the hooks send, and the values that a template's params may use.
PURPOSES: Final[dict[str, tuple[str, ...]]] = {
    "verification": ("code", "minutes"),
    "unknown_account": (),
    "account_exists": (),
    "two_factor": ("code", "minutes"),
}

_NAMES: Final = ("REDIS_URL", "BROKER_URL", "NAMESPACE", "REGION", "TEMPLATES")
_CONNECTION: Final = {
    "REDIS_URL": "SMSLINE_REDIS_URL",
    "BROKER_URL": "SMSLINE_BROKER_URL",
    "NAMESPACE": "SMSLINE_NAMESPACE",
    "REGION": "SMSLINE_REGION_DEFAULT",
}


@dataclass(frozen=True, slots=True)
class TextSetting:
    """What is sent for a purpose.

    Attributes:
        params: The template's values, with `{code}` and the like in them.
        job: Template and options of the job, as `Client.send` takes them.
    """

    params: tuple[str, ...]
    job: Mapping[str, Any]

    def filled(self, values: Mapping[str, str]) -> list[str]:
        """The params with the values in their places."""
        # Safe, though it is `format`: the params come from the settings, and `problems` let names
        # alone into their braces.
        return [param.format_map(values) for param in self.params]


def environ() -> dict[str, str]:
    """The process' environment, with the connection of the setting SMSLINE in its variables."""
    said = _setting()
    return dict(os.environ) | {name: str(said[key]) for key, name in _CONNECTION.items() if said.get(key)}


def text_for(purpose: str) -> TextSetting | None:
    """What is to be sent for a purpose, or None when the project says nothing of it.

    Raises:
        BadInput: The setting breaks a rule.
    """
    given = _setting().get("TEMPLATES", {}).get(purpose)
    return None if given is None else _text(purpose, given)


def problems() -> list[BadInput]:
    """What is wrong with the setting."""
    found: list[BadInput] = []
    # All of them, not the first: `manage.py check` is run once and then mended.
    said = getattr(settings, "SMSLINE", {})
    if not isinstance(said, Mapping):
        return [BadInput("SMSLINE", type(said).__name__, "must be a dict")]
    found += [_unknown("SMSLINE", name, _NAMES) for name in said if name not in _NAMES]
    templates = said.get("TEMPLATES", {})
    if not isinstance(templates, Mapping):
        return [*found, BadInput("SMSLINE['TEMPLATES']", type(templates).__name__, "must be a dict")]
    for purpose, given in templates.items():
        try:
            if purpose not in PURPOSES:
                raise _unknown("SMSLINE['TEMPLATES']", purpose, tuple(PURPOSES))
            _text(purpose, given)
        except BadInput as error:
            found.append(error)
    try:
        given = arguments_of(environ())
        Target.of(given["broker_url"], given["redis_url"], given["namespace"] or DEFAULT_NAMESPACE, given["region"])
    except BadInput as error:
        found.append(error)
    return found


def _setting() -> Mapping[str, Any]:
    said = getattr(settings, "SMSLINE", {})
    return said if isinstance(said, Mapping) else {}


def _text(purpose: str, given: object) -> TextSetting:
    where = f"SMSLINE['TEMPLATES']['{purpose}']"
    known = PURPOSES[purpose]
    # A template id alone stands for the usual case: its one param is the code.
    if isinstance(given, str):
        given = {"template": given, "params": [f"{{{name}}}" for name in known[:1]]}
    if not isinstance(given, Mapping):
        raise BadInput(
            where, type(given).__name__, "must be a template id, or a dict with `template` and options of a job"
        )
    params = given.get("params", [])
    if isinstance(params, str) or not isinstance(params, Sequence) or not all(isinstance(each, str) for each in params):
        raise BadInput(f"{where}['params']", "…", "must be a list of text")
    for param in params:
        for _, name, spec, conversion in Formatter().parse(param):
            if name is not None and (name not in known or spec or conversion):
                usable = ", ".join(f"{{{each}}}" for each in known) or "no value"
                raise BadInput(f"{where}['params']", param, f"may use {usable}")
    # otp unless said otherwise: the person who asked for one of these texts is waiting for it.
    job = {"lane": "otp", **{name: value for name, value in given.items() if name != "params"}}
    try:
        JobSpec.checked(job)
    except BadInput as error:
        raise BadInput(f"{where}['{error.field}']", error.value, error.rule) from None
    return TextSetting(tuple(params), job)


def _unknown(where: str, name: object, known: Sequence[str]) -> BadInput:
    close = get_close_matches(str(name), known, n=1)
    hint = f"did you mean {close[0]}?" if close else f"there is {', '.join(known)}"
    return BadInput(where, name, f"is not known; {hint}")
