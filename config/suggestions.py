"""Suggest the setting that a misspelt name was probably meant to be."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass

from config.accounts import Account
from config.routes import Route
from config.sources import NamePath
from smsline.names import LANES


@dataclass(frozen=True, slots=True)
class Known:
    """The names there are.

    Attributes:
        top: Settings at the top level.
        per_lane: Those that have a value for each lane.
        groups: Those that are tables of settings, with the names in them.
    """

    top: tuple[str, ...]
    per_lane: frozenset[str]
    groups: Mapping[str, tuple[str, ...]]

    def meant(self, path: NamePath) -> NamePath | None:
        """The setting that an unknown name comes close to, or None."""
        return self._with_two_underscores(path) or self._nearly_the_same(path)

    def nameless_account(self, path: NamePath) -> str:
        """What to add to a rule when an account's setting stands where its name should."""
        if len(path) == 2 and path[0] == "accounts" and path[1] in Account.model_fields:
            return f"; between accounts and {path[1]} stands the account's name"
        return ""

    def _beside(self, path: NamePath) -> tuple[str, ...]:
        """The names that could have stood in the last place of a path."""
        match path[:-1]:
            case ():
                return self.top
            case ("accounts", _):
                return tuple(Account.model_fields)
            case ("routes", _):
                return tuple(Route.model_fields)
            case (name,) if name in self.per_lane:
                return LANES
            case (name,):
                return self.groups.get(name, ())
            case _:
                return ()

    def _nearly_the_same(self, path: NamePath) -> NamePath | None:
        close = difflib.get_close_matches(path[-1], self._beside(path), n=1)
        return (*path[:-1], close[0]) if close else None

    def _with_two_underscores(self, path: NamePath) -> NamePath | None:
        """`linger_ms_otp` was meant as `linger_ms__otp`, `accounts_main_sign` as `accounts__main__sign`."""
        if len(path) != 1:
            return None
        for setting in self.per_lane:
            if (lane := path[0].removeprefix(f"{setting}_")) in LANES:
                return (setting, lane)
        for group, names in self.groups.items():
            if (name := path[0].removeprefix(f"{group}_")) in names:
                return (group, name)
        account = path[0].removeprefix("accounts_")
        field = next((field for field in Account.model_fields if account.endswith(f"_{field}")), None)
        return ("accounts", account.removesuffix(f"_{field}"), field) if field and account != path[0] else None
