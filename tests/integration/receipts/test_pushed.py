"""Receipts and replies that are pushed, and replies that are pulled.

Each counts once, and a reply decides within a second.
"""

import json
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from smsline import words
from smsline.ledger import due, pages
from smsline.ledger.link import Ledger
from smsline.numbers import e164
from tests.support.provider import UNLIMITED, FakeProvider, Message
from tests.support.scene import Scene, make_scene
from tests.support.world import FIRST, some_numbers
from worker.providers.base import Broken, Refused, Reply, ReplyPage
from worker.receipts import pushed, replies
from worker.runtime.bootstep import register

REPLIES = "PullSmsReplyStatus"


@dataclass(slots=True)
class Answering(FakeProvider):
    """A provider that queues replies too; `broken` are answers to the next pulls."""

    said: list[Reply] = field(default_factory=list)
    broken: deque[bytes | Broken] = field(default_factory=deque)

    @property
    def replies_action(self) -> str:
        """The action of a pull."""
        return REPLIES

    @property
    def replies_limit(self) -> int:
        """Rows in a page."""
        return 100

    def pull_replies(self) -> bytes | Broken:
        """The next replies, taken off the queue."""
        if self.broken:
            return self.broken.popleft()
        page, self.said = self.said[: self.replies_limit], self.said[self.replies_limit :]
        return json.dumps([reply._asdict() for reply in page]).encode()

    def count_replies(self, raw: bytes) -> int | None:
        """Rows of a page."""
        return None if raw.startswith(b"refused") else len(json.loads(raw))

    def read_replies(self, raw: bytes) -> ReplyPage | Refused | Broken:
        """A page as `pull_replies` gives it."""
        if raw.startswith(b"refused"):
            return Refused("FailedOperation.X", "", "r")
        return ReplyPage(tuple(Reply(**row) for row in json.loads(raw)))


@pytest.fixture
def scene(ledger: Ledger) -> Iterator[Scene]:
    """A line whose account's provider pushes and queues replies."""
    provider = Answering(limits={**UNLIMITED, REPLIES: 1e6})
    made = make_scene(ledger, {"main": provider}, linger_ms=0)
    replies.begin(made.engine)
    yield made
    ledger.redis.delete(ledger.keys.replies_due)  # a service that runs has it for ever


def status(message: Message, *, ok: bool = True, code: str = "DELIVRD", number: int = 0) -> dict[str, str]:
    """A receipt as Tencent pushes it."""
    return {
        "user_receive_time": "2026-11-28 17:00:00",
        "nationcode": "86",
        "mobile": str(number or message.number)[2:],
        "report_status": "SUCCESS" if ok else "FAIL",
        "errmsg": code,
        "sid": message.serial,
    }


def push(scene: Scene, kind: pages.Kind, body: object) -> None:
    """A push arrives, and a worker is woken."""
    pages.push(scene.ledger, "main", kind, json.dumps(body).encode())
    assert scene.due(scene.ledger.keys.pushed_due) == ["main"]
    pushed.read_pushed(scene.engine, "main")
    assert not scene.ledger.redis.exists(scene.ledger.keys.pushed("main"))
    assert scene.due(scene.ledger.keys.pushed_due) == []
    scene.check()


def say(scene: Scene, text: str, *, at_s: int = 1) -> None:
    """A person answers, by push."""
    push(scene, "reply", {"nationcode": "86", "mobile": str(FIRST)[2:], "sign": "S", "text": text, "time": at_s})


def pull(scene: Scene) -> None:
    """Replies are pulled, and read."""
    assert scene.due(scene.ledger.keys.replies_due) == ["main"]
    replies.pull_replies(scene.engine, "main")
    pushed.read_pushed(scene.engine, "main")


def test_a_receipt_by_push_and_by_pull_counts_once(scene: Scene) -> None:
    """Whichever comes first; the counts say what happened."""
    job = scene.submit(some_numbers(3))
    scene.run()
    push(scene, "status", [status(message) for message in scene.provider.out[:2]])
    assert scene.counts(job) == {"total": 3, "accepted": 1, "delivered": 2}
    scene.provider.deliver()
    scene.later(6)
    push(scene, "status", [status(scene.provider.out[2])])
    assert scene.counts(job) == {"total": 3, "delivered": 3}
    (health,) = scene.ask.accounts()
    assert (health["receipts"], health["late_receipts"]) == (3, 3)


def test_a_forged_push_changes_nothing(scene: Scene) -> None:
    """What a strange receipt or reply cannot do.

    A serial of ours with another number, a serial that is not ours, and a suppression that no
    message of ours earned.
    """
    job = scene.submit([FIRST])
    scene.run()
    (message,) = scene.provider.out
    forged = [
        status(message, ok=False, code="MX:0012", number=FIRST + 1),
        {**status(message, ok=False, code="MX:0012"), "sid": "5000:never"},
    ]
    push(scene, "status", forged)
    assert scene.counts(job) == {"total": 1, "accepted": 1}
    assert list(scene.ask.suppressed()) == []
    push(scene, "status", [status(message)])
    assert scene.counts(job) == {"total": 1, "delivered": 1}


def test_without_a_listener_the_counts_are_the_same(scene: Scene) -> None:
    """For an hour nothing is pushed: the pulls bring what the pushes would have."""
    job = scene.submit(some_numbers(5))
    scene.run()
    push(scene, "status", [status(scene.provider.out[0])])
    scene.advance(3600)
    scene.provider.deliver()
    scene.until(lambda: scene.status(job)["closed_at"], within_s=60)
    assert scene.counts(job) == {"total": 5, "delivered": 5}


def test_pulls_are_rare_while_a_push_lives(scene: Scene) -> None:
    """Two in a minute, however much is sent; when it falls silent they are as frequent as ever.

    A forged one counts for nothing.
    """
    forged = {
        "nationcode": "86",
        "mobile": str(FIRST)[2:],
        "report_status": "SUCCESS",
        "errmsg": "DELIVRD",
        "sid": "5000:1",
    }

    def minute(*, pushes: bool) -> tuple[int, float]:
        before, began_ms = scene.provider.pulls, scene.ledger.now_ms()
        for number in range(FIRST, FIRST + 10):
            scene.submit([number])
            scene.run()
            push(scene, "status", [status(scene.provider.out[-1]) if pushes and number % 2 else forged])
            scene.later(6)
        # A busy machine's minute is longer by the seconds that it works, and
        # pulls go by those, too.
        return scene.provider.pulls - before, 60 + (scene.ledger.now_ms() - began_ms) / 1000

    assert minute(pushes=False)[0] > 6
    pulls, seconds = minute(pushes=True)
    assert pulls <= 1 + seconds / 30
    minute(pushes=False)
    assert minute(pushes=False)[0] > 6


def test_a_page_that_comes_while_pages_are_read_is_read_too(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reader that was about to end does not take the new page's place in the schedule."""
    job = scene.submit(some_numbers(2))
    scene.run()
    first, second = (json.dumps([status(message)]).encode() for message in scene.provider.out)
    pages.push(scene.ledger, "main", "status", first)
    drop = pages.drop

    def drop_late(*given: object) -> None:
        monkeypatch.setattr(pages, "drop", drop)
        drop(*given)  # type: ignore[arg-type]
        monkeypatch.setattr(pages, "pushed", lambda *_: [])
        pages.push(scene.ledger, "main", "status", second)

    monkeypatch.setattr(pages, "drop", drop_late)
    pushed.read_pushed(scene.engine, "main")
    monkeypatch.undo()
    assert scene.due(scene.ledger.keys.pushed_due) == ["main"]
    pushed.read_pushed(scene.engine, "main")
    assert scene.counts(job) == {"total": 2, "delivered": 2}


def test_what_was_pushed_while_no_worker_ran_is_read_before_the_first_call(scene: Scene) -> None:
    """An opt-out among it holds for the campaign that was handed over meanwhile."""
    body = {"nationcode": "86", "mobile": str(FIRST)[2:], "sign": "S", "text": "TD", "time": 1}
    pages.push(scene.ledger, "main", "reply", json.dumps(body).encode())
    job = scene.submit([FIRST])
    register(scene.engine)
    scene.send_all()
    assert scene.counts(job) == {"total": 1, "suppressed": 1}
    scene.ledger.redis.delete(scene.ledger.keys.stats_due)  # as `replies_due`


@pytest.mark.parametrize("way", ["push", "pull"])
def test_td_stops_advertisements_and_no_code(scene: Scene, way: str) -> None:
    """From the reply on no account sends it advertisements; one-time passwords and notices go."""
    waiting = scene.submit([FIRST], start_s=scene.engine.now_ms() / 1000 + 60)
    if way == "push":
        say(scene, "\uff34\uff24。")
    else:
        scene.provider.said.append(Reply(FIRST, "退订", 1, "S"))  # type: ignore[attr-defined]
        pull(scene)
    advertisement, code = scene.submit([FIRST]), scene.otp(FIRST)
    notice = scene.submit([FIRST], lane="notify")
    scene.later(61)
    assert scene.counts(advertisement) == scene.counts(waiting) == {"total": 1, "suppressed": 1}
    assert scene.counts(code) == scene.counts(notice) == {"total": 1, "accepted": 1}
    (entry,) = scene.ask.suppressed()
    assert (entry["scope"], entry["source"]) == ("marketing", "reply main")
    assert entry["reason"] in {"the word TD", "the word 退订"}


def test_start_undoes_what_a_reply_has_done_and_nothing_else(scene: Scene) -> None:
    """What a person has put on the list stays."""
    say(scene, "TD")
    scene.ask.suppress([e164(FIRST)], scope="notify")
    say(scene, "start!", at_s=2)
    assert [entry["source"] for entry in scene.ask.suppressed()] == ["person"]


def test_replies_are_kept_shown_and_counted_once(scene: Scene) -> None:
    """Pushed and pulled it is one reply.

    What only looks like an opt-out is kept for a person, and acts on nothing.
    """
    say(scene, "TD", at_s=7)
    scene.provider.said += [Reply(FIRST, "TD", 7, "S"), Reply(FIRST, "怎么退订", 8), Reply(FIRST, "好的", 9)]  # type: ignore[attr-defined]
    pull(scene)
    # Sorted: replies that came within one millisecond have no order.
    kept = sorted((row["text"], row["does"]) for row in scene.ask.replies())
    assert kept == [("TD", "stop"), ("好的", ""), ("怎么退订", "near")]
    assert list(scene.ask.replies(since_s=scene.engine.now_ms() / 1000 + 60)) == []


def test_pulls_go_on_until_the_queue_is_empty_and_wait_after_trouble(scene: Scene) -> None:
    """A full page is followed by the next at once; a refusal waits 10 min, a lost answer less."""
    scene.provider.said += [Reply(FIRST + n, f"hello {n}") for n in range(150)]  # type: ignore[attr-defined]
    pull(scene)
    assert len(list(scene.ask.replies())) == 150
    scene.advance(5)
    scene.provider.broken.append(b"refused")  # type: ignore[attr-defined]
    pull(scene)
    assert "FailedOperation.X" in scene.ask.accounts()[0]["last_error"]
    scene.advance(300)
    assert scene.due(scene.ledger.keys.replies_due) == []
    scene.advance(301)
    scene.provider.broken.append(Broken(maybe_sent=True, code="http.ReadTimeout", detail=""))  # type: ignore[attr-defined]
    pull(scene)
    scene.advance(6)
    pull(scene)


def test_the_table_of_words_can_be_changed(scene: Scene, tmp_path: Path) -> None:
    """A file takes a word out, adds one, and gives another scope."""
    table = tmp_path / "words.tsv"
    table.write_text("word\tdoes\tscope\tprefix\tlanguage\nN\tignore\t\t86\tzh\n再见\tstop\tnotify\t86\tzh\n", "utf-8")
    words.load_words(table)
    try:
        say(scene, "N")
        assert list(scene.ask.suppressed()) == []
        say(scene, "再见", at_s=2)
        assert [entry["scope"] for entry in scene.ask.suppressed()] == ["notify"]
        table.write_text("word\tdoes\tscope\tprefix\tlanguage\nN\tstop\t\t86\tzh\n", "utf-8")
        with pytest.raises(words.BadWords, match="line 2: scope"):
            words.load_words(table)
    finally:
        words.clear_words()


def test_the_scheduler_can_read_who_is_due(ledger: Ledger) -> None:
    """What is pushed, and whose replies are to be pulled, is asked for as other due sets are."""
    for key in (ledger.keys.pushed_due, ledger.keys.replies_due):
        ledger.redis.zadd(key, {"main": 1})
        assert due.members(ledger, key, 2, most=9) == ["main"]
        ledger.redis.delete(key)
