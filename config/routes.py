"""Routes: which accounts send the numbers of some countries, in which shares.

And which accounts their traffic fails over to.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from config.fields import Name, Prefixes, split
from smsline.names import Lane

Weight = Annotated[int, Field(ge=1, le=1_000_000)]

# The name without a colon, so that `lyon:70:x` has the weight `70:x`, which is
# then refused by its value.
_WEIGHED: Final = re.compile(r"([^:]+?)\s*:\s*([^:]*)")


def _weighed(value: object) -> object:
    """`"lyon:70,paris:30"`, a list of such, or a table of weights, as a table.

    A name without a weight has 1.
    """
    parts = split(value)
    if not parts:
        raise ValueError("must name at least one account")
    if not isinstance(parts, list | tuple):
        return parts
    # A dict alone would let the last of two weights win in silence.
    found: dict[str, object] = {}
    for part in parts:
        match = _WEIGHED.fullmatch(str(part))
        name, weight = (match[1], match[2]) if match else (str(part), "1")
        if name in found:
            raise ValueError(f"names {name!r} twice")
        found[name] = weight
    return found


Lanes = Annotated[tuple[Lane, ...], BeforeValidator(split)]
Weights = Annotated[dict[Name, Weight], BeforeValidator(_weighed)]
Names = Annotated[tuple[Name, ...], BeforeValidator(split)]


class RouteSettings(BaseModel):
    """Accounts for some numbers of some lanes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    prefixes: Prefixes = ()
    """Country prefixes of the numbers it is for; empty is for every number.

    The longest match decides.
    """

    lanes: Lanes = ()
    """Lanes it is for; empty is for all.

    Among equally long matches a route that names the lane decides.
    """

    accounts: Weights
    """Accounts that share the numbers, and their weights.

    70 and 30 are seven numbers of ten and three.
    """

    fallback: Names = ()
    """Accounts that traffic fails over to, the first before the second."""

    def named(self) -> tuple[str, ...]:
        """Every account it names, each as often as it does."""
        return (*self.accounts, *self.fallback)


def stray(routes: Mapping[str, RouteSettings], known: Mapping[str, object]) -> tuple[str, str] | None:
    """The first route that names an account which does not exist, or one twice, and the rule.

    None when all is well.
    """
    # An account that is named twice would fail over to itself.
    for name, route in routes.items():
        for account in route.named():
            if account not in known:
                return name, f"names the account {account!r}, which is not configured"
            if route.named().count(account) > 1:
                return name, f"names the account {account!r} twice"
    return None
