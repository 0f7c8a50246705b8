"""An account with some of its settings changed, checked as settings are."""

from typing import Any

from pydantic import ValidationError

from config.accounts import Account
from config.problems import errors_of


def changed(account: Account, **settings: Any) -> Account:
    """The account with these settings in place of its own.

    Raises:
        pydantic.ValidationError: A setting that cannot be.
    """
    return Account.model_validate(account.model_dump(exclude_unset=True) | settings)


def refusal(account: Account, **settings: Any) -> tuple[str, str]:
    """The field that is refused when these settings replace the account's own, and the rule.

    Raises:
        AssertionError: None is, or several are.
    """
    try:
        changed(account, **settings)
    except ValidationError as error:
        (found,) = errors_of(error)
        return str(found["loc"][0]), found["msg"]
    raise AssertionError("nothing was refused")
