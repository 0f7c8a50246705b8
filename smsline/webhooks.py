"""Endpoints of webhooks as a person manages them. A part of `Admin`."""

from collections.abc import Sequence

from smsline.access import Access
from smsline.calls import reachable
from smsline.ledger import webhooks
from smsline.ledger.jobs import iso
from smsline.ledger.webhooks import ListedWebhook, WebhookDelivery, WebhookFailure


class Webhooks(Access):
    """Adds endpoints, removes them, shows how they fare, and tells them again."""

    def webhooks(self) -> list[ListedWebhook]:
        """Endpoints by name, and how each fares."""
        with reachable():
            return webhooks.listed(self._ledger)

    def add_webhook(self, name: str, url: str, events: Sequence[str]) -> str:
        """Let events be posted to a URL.

        Args:
            name: 1 to 40 small letters, digits, `-` or `_`.
            url: Where events are posted, http or https.
            events: Types of events: `job.closed`, `recipients.final`, `account.parked`,
                `account.resumed`, `reply.received`, `number.opted_out`.

        Returns:
            The secret that events are signed with. It can never be shown again.

        Raises:
            BadInput: A value breaks its rule.
            Conflict: There is an endpoint of this name.
        """
        with reachable():
            secret = webhooks.add(self._ledger, name, url, events)
        # The path of a URL may be a secret of its receiver.
        self._note("webhook.add", {"endpoint": name, "host": webhooks.host_of(url), "events": list(events)})
        return secret

    def remove_webhook(self, name: str) -> None:
        """Remove an endpoint; what was not delivered to it never is.

        Raises:
            NotFound: There is no such endpoint.
        """
        with reachable():
            webhooks.remove(self._ledger, name)
        self._note("webhook.remove", {"endpoint": name})

    def test_webhook(self, name: str) -> str:
        """Send an endpoint an event for trial, which also ends its suspension.

        Returns:
            The event's id, for `webhook_delivery`.

        Raises:
            NotFound: There is no such endpoint.
        """
        with reachable():
            event = webhooks.send_test(self._ledger, name)
        self._note("webhook.test", {"endpoint": name})
        return event

    def webhook_delivery(self, event: str) -> WebhookDelivery:
        """What became of an event so far."""
        with reachable():
            return webhooks.delivery(self._ledger, event)

    def webhook_failures(self, name: str = "", *, limit: int = 100) -> list[WebhookFailure]:
        """Events whose last try was in vain, the newest first; of one endpoint, or of all.

        Raises:
            NotFound: There is no such endpoint.
        """
        with reachable():
            return webhooks.failures(self._ledger, name=name, limit=limit)

    def replay_webhook(self, name: str, *, since_s: float) -> int:
        """Send an endpoint every kept event again that happened since then; ends its suspension.

        Each keeps the id it had.

        Args:
            name: The endpoint's.
            since_s: Epoch seconds.

        Returns:
            How many events.

        Raises:
            NotFound: There is no such endpoint.
        """
        with reachable():
            count = webhooks.replay(self._ledger, name, since_ms=int(since_s * 1000))
        self._note("webhook.replay", {"endpoint": name, "since": iso(since_s * 1000)}, count)
        return count
