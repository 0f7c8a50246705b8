"""The collector: jobs are checked as the real client checks them, kept, and sent nowhere."""

import pytest

from smsline import BadInput, Recipient, Unavailable
from smsline.testing import Collector


def test_jobs_are_kept_with_what_was_said() -> None:
    """A test sees lane, template, numbers and params of each job."""
    line = Collector()
    job = line.send(to="+8613711112222", template="1234", params=["482913"], lane="otp")
    assert [kept.id for kept in line.jobs] == [job]
    assert (line.jobs[0].lane, line.jobs[0].phones, line.jobs[0].params) == ("otp", ["+8613711112222"], [("482913",)])
    assert "482913" not in repr(line.jobs[0])


def test_bad_input_is_refused_as_by_the_client() -> None:
    """The same errors, so that a producer's test meets them."""
    with pytest.raises(BadInput, match="lane"):
        Collector().send(to="+8613711112222", template="1234", lane="bulk")


def test_a_job_ends_when_the_test_says_so() -> None:
    """`finish` decides what became of a job, whole or number by number."""
    line = Collector()
    job = line.campaign(to=["+8613711112222", Recipient("+8613711113333", ref="b"), "+8613711112222"], template="5678")
    line.finish(job, "undelivered", phone="+8613711113333")
    assert line.status(job)["counts"]["waiting"] == 1
    line.finish(job)
    assert line.wait(job)["state"] == "closed"
    assert [(row["ref"], row["state"]) for row in line.results(job)] == [("", "delivered"), ("b", "undelivered")]


def test_a_key_gives_the_same_job() -> None:
    """Idempotency holds in tests too."""
    line = Collector()
    first = line.send(to="+8613711112222", template="1234", key="k")
    assert line.send(to="+8613711112222", template="1234", key="k") == first


def test_an_outage_can_be_pretended() -> None:
    """A producer can test what it does when the line cannot be reached."""
    with pytest.raises(Unavailable):
        Collector(unavailable=True).send(to="+8613711112222", template="1234")
