"""A person's view of the ledger that a client writes to."""

from smsline import Admin, Client


def admin_of(client: Client) -> Admin:
    """An admin on the client's own connection; closing the client closes it."""
    return Admin(ledger=client._ledger)
