"""Routes: which accounts send a lane's numbers of some countries, in which shares, and who stands in for them."""

import re
from collections.abc import Mapping
from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from config.fields import Name, Prefixes, split
from smsline.names import Lane

Weight = Annotated[int, Field(ge=1, le=1_000_000)]

_WEIGHED: Final = re.compile(r"([^:]+?)\s*:\s*([^:]*)")


def _weighed(value: object) -> object:
    """`"lyon:70,paris:30"`, a list of such, or a table of weights, as a table; a name without a weight has 1."""
    parts = split(value)
    if not isinstance(parts, list | tuple):
        return parts
    found: dict[str, object] = {}
    for part in parts:
        match = _WEIGHED.fullmatch(str(part))
        name, weight = (match[1], match[2]) if match else (str(part), "1")
        if name in found:
            raise ValueError(f"names {name!r} twice")
        found[name] = weight
    return found


def _some(weights: dict[str, int]) -> dict[str, int]:
    if not weights:
        raise ValueError("must name at least one account")
    return weights


Lanes = Annotated[tuple[Lane, ...], BeforeValidator(split)]
Weights = Annotated[dict[Name, Weight], BeforeValidator(_weighed), AfterValidator(_some)]
Names = Annotated[tuple[Name, ...], BeforeValidator(split)]


class Route(BaseModel):
    """Accounts for some numbers of some lanes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    prefixes: Prefixes = ()
    """Country prefixes of the numbers it is for; empty is for every number. The longest match decides."""

    lanes: Lanes = ()
    """Lanes it is for; empty is for all. Among equally long matches a route that names the lane decides."""

    accounts: Weights
    """Accounts that share the numbers, and their weights: 70 and 30 are seven numbers of ten and three."""

    fallback: Names = ()
    """Accounts that stand in for them, the first before the second."""

    def named(self) -> tuple[str, ...]:
        """Every account it names, each as often as it does."""
        return (*self.accounts, *self.fallback)


def stray(routes: Mapping[str, Route], known: Mapping[str, object]) -> tuple[str, str] | None:
    """The first route that names an account which does not exist, or one twice, and the rule; None when all is well."""
    for name, route in routes.items():
        for account in route.named():
            if account not in known:
                return name, f"names the account {account!r}, which is not configured"
            if route.named().count(account) > 1:
                return name, f"names the account {account!r} twice"
    return None
