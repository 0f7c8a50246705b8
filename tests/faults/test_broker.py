"""A broker that loses everything it held, at the worst moment.

The scheduler finds what is due, and nothing else is missed.
"""

from tests.faults.support.service import Service
from tests.support.waiting import wait_until


def queues(service: Service) -> list[bytes]:
    """Celery's lists and unacknowledged messages, which share the Redis with the ledger."""
    found = [*service.ledger.redis.keys("smsline.*"), *service.ledger.redis.keys("unacked*")]
    return [key for key in found if not key.startswith(service.ledger.keys.prefix.encode())]


def test_every_message_is_lost(service: Service) -> None:
    """Nudges and wake-ups are lost again and again: a moment is lost, no job."""
    jobs = [service.campaign(400), service.otp()]
    assert queues(service)
    service.ledger.redis.delete(*queues(service))
    service.worker()

    def flush_until_sent() -> bool:
        if held := queues(service):
            service.ledger.redis.delete(*held)
        return len(service.sent()) > 0

    wait_until(flush_until_sent, what="the first message")
    service.wait_closed(*jobs)
    assert service.account(jobs) == {"delivered": 401}


def test_every_message_comes_three_times(service: Service) -> None:
    """A wake-up that is delivered twice, or long after, finds its work claimed or done."""
    worker = service.worker().wait_ready()
    worker.stop()
    jobs = [service.campaign(400), *(service.otp() for _ in range(5))]
    for name in ("smsline.otp", "smsline.marketing"):
        for message in service.ledger.redis.lrange(name, 0, -1):
            service.ledger.redis.lpush(name, message, message)
    worker.go_on()
    service.wait_closed(*jobs)
    assert service.account(jobs) == {"delivered": 405}
