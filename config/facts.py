"""What the settings must know of a provider before its adapter is imported.

Each provider declares it in its own folder.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, Literal, TypeAlias

# What an opt-out stops. Only a person sets `all`, which stops one-time passwords too.
OptOutScope: TypeAlias = Literal["marketing", "notify", "all"]

EVERYWHERE: Final = frozenset({"mainland", "global"})


@dataclass(frozen=True, slots=True)
class ActionLimit:
    """How often one action may be called.

    Attributes:
        per_second: Calls per second of one key.
        source: Where that is said, or why it was chosen.
    """

    per_second: float
    source: str


@dataclass(frozen=True, slots=True)
class SiteFacts:
    """What is different at one of a provider's sites.

    The attributes are those of `ProviderFacts`.
    """

    endpoint: str
    actions: Mapping[str, ActionLimit]
    takes: frozenset[str] = frozenset()
    text_regions: frozenset[str] = EVERYWHERE


@dataclass(frozen=True, slots=True)
class ProviderFacts:
    """One provider, as its `facts.py` declares it.

    Attributes:
        endpoint: Where it listens unless an account says otherwise.
        actions: The actions that are called, as the provider spells them, with the limit of each.
        region: The region sent unless an account says otherwise.
        needs: Settings not every provider has that an account of it must have.
        takes: Further ones that it may have; the others mean nothing to the provider and are
            refused.
        text_regions: Where an account's `texts` stand in for templates: `mainland`, `global`, both.
        named_params: Whether its templates' params have names.
        opt_outs: By which codes or receipt reasons it says that the recipient does not want these
            messages, and what each of them stops.
        sites: Where the provider has several sites, of which an account names one: site to what is
            different there.
        regions: Where an endpoint knows only some regions: a part of its host to these.
        codes: Its table of codes, where it does not come with `smsline/codes/data`; see
            docs/adding-a-provider.md.
        zone: IANA time zone of that table's days and hours.
        utc_offset_h: The zone's hours from UTC, for machines without a time zone database.
    """

    endpoint: str
    actions: Mapping[str, ActionLimit]
    region: str = ""
    needs: frozenset[str] = frozenset()
    takes: frozenset[str] = frozenset()
    text_regions: frozenset[str] = EVERYWHERE
    named_params: bool = False
    opt_outs: Mapping[str, OptOutScope] = field(default_factory=dict)
    sites: Mapping[str, SiteFacts] = field(default_factory=dict)
    regions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    codes: Path | None = None
    zone: str = "UTC"
    utc_offset_h: int = 0

    def at(self, site: str | None) -> SiteFacts:
        """What holds for an account of this site, or of a provider without sites."""
        # What every account needs is taken at every site, so a site lists only what is its own.
        found = self.sites.get(site or "", SiteFacts(self.endpoint, self.actions, text_regions=self.text_regions))
        return replace(found, takes=found.takes | self.needs | self.takes)

    def limits(self, site: str | None = None) -> dict[str, float]:
        """Calls per second by action, unless an account says otherwise."""
        return {action: limit.per_second for action, limit in self.at(site).actions.items()}

    def regions_at(self, endpoint: str) -> tuple[str, ...]:
        """The regions that an endpoint knows; empty where nothing is said of it."""
        return next((known for part, known in self.regions.items() if part in endpoint), ())

    def opt_out(self, code: str, reason: str = "") -> OptOutScope | None:
        """What a code, or the reason of a receipt, stops; None when it is no opt-out.

        Args:
            code: `CodeRow.code`, the spelling that the row is filed under.
            reason: `CodeRow.reason`.
        """
        return self.opt_outs.get(code) or (self.opt_outs.get(reason) if reason else None)
