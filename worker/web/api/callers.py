"""Who calls the API: a key in the `Authorization` header, what it may do, and how often."""

from dataclasses import dataclass

from starlette.requests import Request

from smsline.ledger import api_keys
from smsline.ledger.api_keys import ApiKey, Scope
from smsline.ledger.audit import Actor
from worker.web.api.problems import ApiRefused
from worker.web.context import address_of, web_of


@dataclass(frozen=True, slots=True)
class Caller:
    """A valid key and where it is used."""

    key: ApiKey
    address: str

    @property
    def actor(self) -> Actor:
        """As it stands in the audit trail."""
        return Actor(self.key.name, "api", self.address)

    def may_send(self, lane: str, template: str) -> None:
        """Make sure that the key may send this.

        Raises:
            Refused: It may not.
        """
        for field, value, allowed in (("lane", lane, self.key.lanes), ("template", template, self.key.templates)):
            if allowed and value not in allowed:
                told = f"{field}: this key may use {', '.join(allowed)} only"
                raise ApiRefused(403, told, field=field)


def caller_of(request: Request, scope: Scope) -> Caller:
    """Who calls, when they may do what this scope allows.

    Raises:
        Refused: No key, no valid one, not this scope, or too many requests in this second.
        redis.exceptions.RedisError: Redis does not say.
    """
    web = web_of(request)
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "bearer" or not token.strip():
        raise ApiRefused(401, "give an API key: Authorization: Bearer sl_live_… (smsline keys create NAME --scope …)")
    # The ledger knows no token: only its digest is looked up.
    digest = api_keys.digest(token.strip())
    key = web.keyring.find(digest)
    if key is None:
        raise ApiRefused(401, "this API key is not known, is revoked, or has ended; smsline keys list has all")
    if scope not in key.scopes:
        raise ApiRefused(403, f"this needs the scope {scope}; the key {key.name} has {', '.join(key.scopes)}")
    # After the scope: a key that may not do this at all need not be counted.
    if key.per_s and not api_keys.within_rate(web.ledger, digest, key.per_s):
        raise ApiRefused(429, f"the key {key.name} may ask {key.per_s} times a second", retry_after_s=1)
    return Caller(key, address_of(request))
