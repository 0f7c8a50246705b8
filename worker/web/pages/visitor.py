"""The visitor of the console: whose request it is, and what they may do."""

from dataclasses import dataclass

from smsline.ledger.audit import Actor
from smsline.ledger.users import Role, may


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who looks.

    Attributes:
        name: Of the user.
        role: What they may do.
        address: Where they are.
        open: Whether they did not have to sign in, because there are no users.
        by_proxy: Whether a proxy signed them in, so that they cannot sign out here.
    """

    name: str
    role: Role
    address: str
    open: bool = False
    by_proxy: bool = False

    def may(self, wanted: Role) -> bool:
        """Whether they may do what this role may."""
        return may(self.role, wanted)

    @property
    def actor(self) -> Actor:
        """As they stand in the audit trail."""
        return Actor(self.name, "page", self.address)
