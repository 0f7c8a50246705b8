"""Wording: what an account says of a job's template, signature and params."""

from typing import Any

import pytest

from config.accounts import Account
from worker.providers.base import Broken, Content
from worker.routing.templates import each_worded, worded

TENCENT = {"provider": "tencent", "secret_id": "id", "secret_key": "key", "sdk_app_id": "1"}
ALIBABA = {"provider": "alibaba", "site": "mainland", "secret_id": "id", "secret_key": "key"}


def account(base: dict[str, Any], **more: Any) -> Account:
    """An account of one template."""
    return Account.model_validate({**base, **more})


@pytest.mark.parametrize(
    ("base", "own", "params", "expected"),
    [
        (TENCENT, "9", ("1", "2"), ("1", "2")),
        (TENCENT, "9(code, minutes)", ("1", "2"), ("1", "2")),
        (TENCENT, "9(minutes, code)", ("code=1", "minutes=2"), ("2", "1")),
        (TENCENT, "9(code)", ("a=b",), ("a=b",)),
        (ALIBABA, "SMS_9(code, minutes)", ("1", "2"), ("code=1", "minutes=2")),
        (ALIBABA, "SMS_9(code, minutes)", ("minutes=2", "code=1"), ("code=1", "minutes=2")),
        (ALIBABA, "SMS_9(code)", ("5=5",), ("code=5=5",)),
        (ALIBABA, "SMS_9", (), ()),
    ],
)
def test_params_come_in_the_template_s_order_and_form(
    base: dict[str, Any], own: str, params: tuple[str, ...], expected: tuple[str, ...]
) -> None:
    """By name when all are written with the template's names, else by order.

    Named where the provider wants names.
    """
    said = worded(account(base, templates={"5678": own}), Content("5678", params))
    assert isinstance(said, Content)
    assert (said.template, said.params) == (own.split("(", maxsplit=1)[0], expected)
    assert each_worded(account(base, templates={"5678": own}), Content("5678"), [params, params]) == [expected] * 2


def test_without_a_table_all_is_as_the_job_says() -> None:
    """But the signature, which is the account's where the job has none."""
    main = account(TENCENT, sign="A")
    assert worded(main, Content("5678", ("1",))) == Content("5678", ("1",), "A")
    assert worded(main, Content("5678", ("1",), "B")) == Content("5678", ("1",), "B")


@pytest.mark.parametrize(
    ("template", "params", "code"), [("other", (), "text.Unknown"), ("5678", ("1",), "text.Params")]
)
def test_what_cannot_be_said_is_not_sent(template: str, params: tuple[str, ...], code: str) -> None:
    """Nothing went out, and the params are not repeated."""
    main = account(TENCENT, templates={"5678": "9(code, minutes)"})
    for said in (worded(main, Content(template, params)), each_worded(main, Content(template), [params])):
        assert isinstance(said, Broken)
        assert (said.maybe_sent, said.code) == (False, code)
