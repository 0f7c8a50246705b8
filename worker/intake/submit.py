"""Take the payload of the Celery task `smsline.submit` into the inbox.

It serves producers that do not import smsline.
"""

import logging
from collections.abc import Mapping
from hashlib import blake2b
from typing import Final

from redis.exceptions import ConnectionError as ConnectionBroken
from redis.exceptions import RedisError

from smsline.calls import Calls
from smsline.errors import BadInput, Conflict, OtherVersion, Unconfirmed
from smsline.job import JobSpec, Recipient, Rejected, RowRules, rules_of
from smsline.ledger import inbox
from smsline.ledger.talk import carry
from smsline.names import PAYLOAD_VERSION
from smsline.parts import nothing_good, parts
from smsline.tracing import submitting
from smsline.upload import Upload
from worker.engine import Engine

log = logging.getLogger(__name__)

# Refused rows that a line of the log names: more would be cut off by what collects logs.
_TOLD_ROWS: Final = 20


def submit_payload(engine: Engine, payload: object, message_id: str) -> str | None:
    """Write a payload's job into the inbox; the same message twice is the same job.

    Args:
        engine: The process' engine.
        payload: As docs/payload.md describes it.
        message_id: The Celery message's id, from which the job's id is made.

    Returns:
        The job's id; None when the payload was refused, which is logged and kept, because its
        producer does not wait for an answer.

    Raises:
        redis.exceptions.RedisError: Redis is away; the message is to come again.
        OtherVersion: The ledger is not this version's; the message is to come again.
    """
    try:
        return _submit(engine, payload, message_id)
    except (BadInput, Conflict) as error:
        log.error("smsline.submit message %s was refused: %s", message_id, error)  # noqa: TRY400 - its message says it all
        inbox.keep_refusal(engine.ledger, message_id, str(error))
    except (RedisError, OtherVersion):
        raise  # nothing is wrong with the message
    except Exception as error:
        # Whatever it is, it would be the same when the message came again; its text
        # may quote the payload.
        log.exception("smsline.submit message %s was refused, because reading it broke", message_id)
        inbox.keep_refusal(engine.ledger, message_id, f"reading it broke: {type(error).__name__}; see the worker's log")
    return None


def _submit(engine: Engine, payload: object, message_id: str) -> str:
    spec, rows, rules = _read(payload, engine.settings.region_default)
    # A message that is delivered again has the same id, and so the same job: it
    # goes on where it stopped.
    redis = engine.ledger.redis
    try:
        with submitting(spec) as traced:
            upload = Upload(Calls(engine.ledger.keys, rules.region, "other"), traced, job_id_of(message_id))
            tally = upload.tally
            carry(redis, upload.begin())
            refused: list[Rejected] = []
            read = (_row(row) for row in rows)
            for part in parts(read, tally, rules=rules, known=upload.known, on_rejected=refused.append):
                carry(redis, upload.put(part))
            if not tally.good + tally.held:
                raise nothing_good(tally)
            job = carry(redis, upload.end())[0].job
    except Unconfirmed as error:
        # Redis may or may not have written: the message comes again, and finds the same job.
        raise ConnectionBroken(str(error)) from error
    if tally.bad:
        # Row by row: the producer has gone, and what is not said here is said nowhere.
        told = "; ".join(f"row {each.row}, {each.phone}: {each.field} {each.reason}" for each in refused[:_TOLD_ROWS])
        more = f"; and {tally.bad - _TOLD_ROWS} more" if tally.bad > _TOLD_ROWS else ""
        log.warning("job %s: %d of %d rows were refused: %s%s", job, tally.bad, tally.rows, told, more)
    return job


def _read(payload: object, region: str | None) -> tuple[JobSpec, list[object], RowRules]:
    if not isinstance(payload, Mapping):
        raise BadInput("payload", type(payload).__name__, "must be an object")
    fields = dict(payload)
    version, rows = fields.pop("v", None), fields.pop("to", None)
    if version != PAYLOAD_VERSION:
        raise BadInput("v", version, f"must be {PAYLOAD_VERSION}")
    if not isinstance(rows, list) or not rows:
        raise BadInput("to", type(rows).__name__, "must be a list with at least one number")
    if "start_s" in fields:  # the ledger's name of it: beside `at` one of both would be passed over
        raise BadInput("start_s", "…", "is not a field of a job; its start is called at")
    if "at" in fields:
        fields["start_s"] = fields.pop("at")
    return JobSpec.checked(fields), rows, rules_of(fields, region)


def _row(row: object) -> str | Recipient:
    if not isinstance(row, Mapping) or not row.keys() <= {"phone", "params", "ref"}:
        return row  # type: ignore[return-value]  # whatever else it is, the row's check refuses it by name
    params = row.get("params")
    return Recipient(
        phone=row.get("phone", ""),
        params=tuple(params) if isinstance(params, list) else params,
        ref=row.get("ref", ""),
    )


def job_id_of(message_id: str) -> str:
    """A job id that is the same for a message delivered twice, which is one job then."""
    return "m" + blake2b(message_id.encode(), digest_size=10).hexdigest()
