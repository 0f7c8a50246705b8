"""Run by test_pages.py inside the project of docs/django.md, as another file of its tests."""

import re

import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core import checks
from django.db import transaction
from django.test import Client, override_settings
from django.utils.module_loading import import_string
from two_factor.plugins.phonenumber.models import PhoneDevice

from smsline import BadInput
from smsline.contrib.django import async_client, client, send_on_commit
from smsline.testing import Collector


def test_the_project_passes_its_checks() -> None:
    """Those of Django, allauth and two-factor among them."""
    assert checks.run_checks(tags=["smsline"]) == []


@pytest.mark.parametrize(
    ("setting", "problem"),
    [
        ({"TEMPLATE": {}}, "E001.*TEMPLATE.*did you mean TEMPLATES"),
        ({"TEMPLATES": {"verfication": "1"}}, "E001.*verfication.*did you mean verification"),
        ({"TEMPLATES": {"verification": {"template": "1", "params": ["{token}"]}}}, "E001.*may use {code}, {minutes}"),
        ({"TEMPLATES": {"verification": {"template": "1", "lane": "fast"}}}, r"E001.*\['lane'\].*must be one of otp"),
        ({"TEMPLATES": {"verification": 1234}}, "E001.*must be a template id"),
        ({"REDIS_URL": "http://redis:6379"}, "E001.*redis_url.*redis://"),
        ({"TEMPLATES": {"two_factor": "1"}}, "E002.*no 'verification', which the account adapter sends"),
        ({"TEMPLATES": {"verification": "1"}}, "E002.*no 'two_factor', which two-factor's gateway sends"),
        ("redis://x", "E001.*must be a dict"),
    ],
)
def test_a_setting_that_cannot_be_is_told_by_check(setting: object, problem: str) -> None:
    """With the name that was meant, before the first request."""
    with override_settings(SMSLINE=setting):
        found = checks.run_checks(tags=["smsline"])
    (said,) = [f"{each.id} {each.msg}" for each in found]
    assert re.search(problem, said), said


def test_only_a_deployment_is_asked_for_its_redis() -> None:
    """A warning, because Redis may come later than the code."""
    with override_settings(SMSLINE={**settings.SMSLINE, "REDIS_URL": "redis://127.0.0.1:1/0"}):
        assert checks.run_checks(tags=["smsline"]) == []
        (warning,) = checks.run_checks(tags=["smsline"], include_deployment_checks=True)
    assert warning.id == "smsline.W001"
    assert "cannot be reached" in warning.msg


def test_what_is_rolled_back_is_not_sent(smsline_collector: Collector) -> None:
    """And a bad value is told inside the transaction, though the send comes after it."""
    with transaction.atomic():
        send_on_commit(to="+8613711112222", template="1")
        transaction.set_rollback(True)
    assert smsline_collector.jobs == []
    with pytest.raises(BadInput, match="lane"), transaction.atomic():
        send_on_commit(to="+8613711112222", template="1", lane="fast")
    with transaction.atomic():
        job = send_on_commit(to="+8613711112222", template="1")
        assert smsline_collector.jobs == []
    assert [each.id for each in smsline_collector.jobs] == [job]


def test_a_send_that_fails_after_the_commit_may_be_repeated(smsline_collector: Collector) -> None:
    """Under the id that was returned; `robust` has Django log the error."""
    smsline_collector.unavailable = True
    with transaction.atomic():
        job = send_on_commit(to="+8613711112222", template="1", robust=True)
    assert smsline_collector.jobs == []
    smsline_collector.unavailable = False
    assert client().send(to="+8613711112222", template="1", job_id=job) == job


def test_a_phone_device_gets_its_token(smsline_collector: Collector) -> None:
    """The real device of two-factor: its token, its number, and for how long it is believed."""
    user = get_user_model().objects.create(username="bo")
    device = PhoneDevice.objects.create(user=user, number="+8613711112222", method="sms", key="00" * 20)
    device.generate_challenge()
    (job,) = smsline_collector.jobs
    assert (job.phones, job.lane, job.template, job.spec.ttl_s) == (["+8613711112222"], "otp", "1236", 180.0)
    assert device.verify_token(int(job.params[0][0]))
    with pytest.raises(NotImplementedError, match="makes no calls"):
        import_string(settings.TWO_FACTOR_SMS_GATEWAY)().make_call(device=device, token="1")


def test_a_stranger_is_not_texted_unless_there_is_a_template(smsline_collector: Collector) -> None:
    """Allauth asks for it when a person signs in with a number of no account."""
    Client().post("/accounts/login/", {"login": "+6591234567"})
    adapter = import_string(settings.ACCOUNT_ADAPTER)()
    adapter.send_unknown_account_sms("+6591234567")
    assert smsline_collector.jobs == []
    templates = {**settings.SMSLINE["TEMPLATES"], "unknown_account": {"template": "1237", "lane": "notify"}}
    with override_settings(SMSLINE={**settings.SMSLINE, "TEMPLATES": templates}):
        adapter.send_unknown_account_sms("+6591234567")
    assert [(each.template, each.lane, each.params) for each in smsline_collector.jobs] == [("1237", "notify", [()])]


def test_clients_follow_the_settings() -> None:
    """One per process, made anew when a test overrides SMSLINE."""
    assert client() is client()
    assert async_client() is async_client()
    with override_settings(SMSLINE={"REDIS_URL": "redis://127.0.0.1:1/7"}):
        other = client()
        assert other._target.redis_url == "redis://127.0.0.1:1/7"
    assert client() is not other
