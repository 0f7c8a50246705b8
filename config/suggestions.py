"""Suggest the setting that a misspelt name was probably meant to be."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass

from config.accounts import Account
from config.routes import RouteSettings
from config.sources import NamePath
from smsline.names import LANES


@dataclass(frozen=True, slots=True)
class SettingNames:
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
        if len(path) == 1:
            # One underscore where two divide the parts is the usual mistake: `linger_ms_otp` was
            # meant as `linger_ms__otp`, `accounts_main_sign` as `accounts__main__sign`.
            for setting in self.per_lane:
                if (lane := path[0].removeprefix(f"{setting}_")) in LANES:
                    return (setting, lane)
            for group, names in self.groups.items():
                if (name := path[0].removeprefix(f"{group}_")) in names:
                    return (group, name)
            account = path[0].removeprefix("accounts_")
            # A name may hold underscores itself, so the field is found by the end.
            field = next((field for field in Account.model_fields if account.endswith(f"_{field}")), None)
            if field and account != path[0]:
                return ("accounts", account.removesuffix(f"_{field}"), field)
        return self._nearly_the_same(path)

    def nameless_account(self, path: NamePath) -> str:
        """What to add to a rule when an account's setting stands where its name should."""
        if len(path) == 2 and path[0] == "accounts" and path[1] in Account.model_fields:
            return f"; between accounts and {path[1]} stands the account's name"
        return ""

    def _nearly_the_same(self, path: NamePath) -> NamePath | None:
        # Compared with the names that could stand in the same place alone: `sign` of an account
        # is no `site` of a route.
        beside: tuple[str, ...] = ()
        match path[:-1]:
            case ():
                beside = self.top
            case ("accounts", _):
                beside = tuple(Account.model_fields)
            case ("routes", _):
                beside = tuple(RouteSettings.model_fields)
            case (name,) if name in self.per_lane:
                beside = LANES
            case (name,):
                beside = self.groups.get(name, ())
        close = difflib.get_close_matches(path[-1], beside, n=1)
        return (*path[:-1], close[0]) if close else None
