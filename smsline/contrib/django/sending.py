"""Sending after the transaction's commit, so that no text speaks of what was rolled back."""

from typing import Unpack

from django.db import transaction

from smsline.calls import checked_message
from smsline.contrib.django import conf
from smsline.contrib.django.clients import client
from smsline.errors import BadInput
from smsline.job import JobOptions, new_job_id


def send_on_commit(
    *,
    to: str,
    template: str,
    ref: str = "",
    using: str | None = None,
    robust: bool = False,
    **job: Unpack[JobOptions],
) -> str:
    """Send a message once the current transaction is committed; at once when there is none.

    The values are checked now, so that a bad one still rolls back. Without a database transaction
    the call is `Client.send`.

    Args:
        to: The number, `+8613711112222`.
        template: The provider's template id.
        ref: Your own name for it, given back in the results.
        using: The database whose transaction is meant; None for the default one.
        robust: Whether an error of the send is logged by Django instead of raised, for it can no
            longer roll back.
        **job: See `JobOptions`.

    Returns:
        The id that the job will have. Keep it with what the message is about: `client().send(...,
        job_id=...)` repeats the call.

    Raises:
        BadInput: A value breaks its rule.
        Unavailable: After the commit: nothing was taken.
        Unconfirmed: After the commit: the job may have been taken.
    """
    sender, job_id = client(), new_job_id()
    # Checked twice, now and by `send`: after the commit an error can no longer roll anything back.
    checked_message({"template": template, **job}, to=to, ref=ref, region=sender.region)

    def send() -> None:
        sender.send(to=to, template=template, ref=ref, job_id=job_id, **job)

    transaction.on_commit(send, using=using, robust=robust)
    return job_id


def send_text(purpose: str, to: str, *, ttl_s: float | None = None, values: dict[str, str] | None = None) -> str | None:
    """Send what SMSLINE['TEMPLATES'] has for a purpose, on commit.

    Args:
        purpose: Such as `verification`.
        to: The number.
        ttl_s: Seconds in which the message is of use, unless the setting says otherwise.
        values: What the template's params may use.

    Returns:
        The job's id; None when the project has no text for this purpose.
    """
    text = conf.text_for(purpose)
    if text is None:
        return None
    # The project's own ttl_s stands above what the hook would set.
    job = {"ttl_s": ttl_s, **text.job, "params": text.filled(values or {})}
    return send_on_commit(to=to, **job)


def required(purpose: str, job: str | None) -> None:
    """Refuse a purpose that a hook cannot do without.

    Raises:
        BadInput: The project has no text for it.
    """
    if job is None:
        raise BadInput("SMSLINE['TEMPLATES']", purpose, "is needed: the id of the template that is sent")
