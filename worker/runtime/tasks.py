"""What all tasks have in common: an error ends one message and never a process.

No log shows what the message held.
"""

import logging
from typing import Any, Final

from celery import Task
from celery.exceptions import Ignore, Reject, Retry
from redis.exceptions import RedisError

from smsline.errors import OtherVersion
from smsline.ledger.refusals import explain

# Before a message that could not be worked on goes back to the queue: on RabbitMQ it comes again at
# once.
PAUSE_S: Final = 2.0

log = logging.getLogger(__name__)


class GuardedTask(Task):  # type: ignore[misc]  # Celery ships no types
    """A task whose errors are told here, in one line, without its arguments.

    A wake-up that fails is simply over: what it was to do is still due in the ledger. A task that
    carries something of its own has `keeps_message`, and its message goes back to the queue while
    Redis is away, or the ledger is another version's.
    """

    keeps_message = False

    def __call__(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - Celery's own
        """Run the task."""
        try:
            return super().__call__(*args, **kwargs)
        except (Ignore, Reject, Retry):
            raise
        except (RedisError, OtherVersion) as error:
            log.warning("%s cannot use Redis (%s)", self.name, explain(error))
            if self.keeps_message:
                self.app.engine.sleep(PAUSE_S)
                raise Reject(reason="the ledger cannot be used", requeue=True) from None
        except Exception:
            log.exception("%s broke; what it was to do stays due", self.name)
        return None
