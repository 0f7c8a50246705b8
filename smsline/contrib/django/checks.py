"""What `manage.py check` says of smsline's settings; with `--deploy` also whether Redis answers."""

from typing import Any, Final

from django.conf import settings
from django.core import checks
from django.utils.module_loading import import_string

from smsline import Client
from smsline.contrib.django import conf
from smsline.errors import BadInput, NotFound, SmslineError

TAG: Final = "smsline"
_GATEWAY: Final = "smsline.contrib.django.two_factor.Gateway"


def register() -> None:
    """Have Django run the checks."""
    checks.register(check_settings, TAG)
    checks.register(check_redis, TAG, deploy=True)


def check_settings(**_: Any) -> list[checks.CheckMessage]:  # noqa: ANN401 - a check's signature
    """E001 a value of SMSLINE breaks its rule; E002 a hook that is in use has no template."""
    found = [checks.Error(str(problem), id="smsline.E001") for problem in conf.problems()]
    # What the hooks in use will send. A hook that is in the base classes is in use, however the
    # project named its adapter.
    needed = list[tuple[str, str]]()
    if adapter := getattr(settings, "ACCOUNT_ADAPTER", ""):
        hooks = [base.__module__ for base in import_string(adapter).__mro__]
        if "smsline.contrib.django.allauth" in hooks:
            needed.append(("verification", "the account adapter"))
    if getattr(settings, "TWO_FACTOR_SMS_GATEWAY", "") == _GATEWAY:
        needed.append(("two_factor", "two-factor's gateway"))
    return found or [
        checks.Error(
            f"SMSLINE['TEMPLATES'] has no {purpose!r}, which {user} sends.",
            hint="Name a template's id.",
            id="smsline.E002",
        )
        for purpose, user in needed
        if conf.text_for(purpose) is None
    ]


def check_redis(**_: Any) -> list[checks.CheckMessage]:  # noqa: ANN401 - as above
    """W001 the ledger's Redis does not answer."""
    try:
        with Client.from_env(conf.environ()) as client:
            # A question that any ledger answers, and that writes nothing: no job can have this id.
            client.status("0" * 18)
    except NotFound:
        return []
    except BadInput:
        return []  # E001 has told
    except SmslineError as error:
        return [checks.Warning(str(error), id="smsline.W001")]
    return []
