"""Carriers: receipts right, twice, early, of strangers.

They also answer questions, or are silent until a question is given up.
"""

from collections.abc import Sequence

from smsline.ledger import receipts as ledger_receipts
from tests.faults.support.actors.stage import NUMBERS, Stage
from tests.faults.support.hands import ACCOUNT
from tests.faults.support.model import Letter, serial_of
from tests.support.world import FIRST
from worker.providers.base import Receipt
from worker.receipts import apply, resolve


class Carriers:
    """All that say what became of a message.

    Attributes:
        heard: Every receipt that came.
    """

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.heard: list[Letter] = []

    def report(self, pick: int, *, ok: bool, named: bool, wrong: bool) -> None:
        """A receipt of any call ever begun, early or late, with or without its context.

        If `wrong`, it has the wrong number.
        """
        if not self.stage.sent:
            return
        attempt, number = self.stage.sent[pick % len(self.stage.sent)]
        account = self.stage.model.attempts[attempt].account
        given = NUMBERS[(number - FIRST + 1) % len(NUMBERS)] if wrong else number
        self._receive(Letter(account, serial_of(attempt, number), given, ok, attempt if named else None))

    def report_again(self, pick: int) -> None:
        """A receipt that came before."""
        if self.heard:
            self._receive(self.heard[pick % len(self.heard)])

    def report_stranger(self, pick: int) -> None:
        """A receipt of a message that is not ours."""
        number = NUMBERS[pick % len(NUMBERS)]
        self._receive(Letter(ACCOUNT, f"stranger:{number}", number, ok=True, attempt=10**9))

    def _receive(self, letter: Letter) -> None:
        self.heard.append(letter)
        apply.apply_receipts(self.stage.engine, letter.account, [self._receipt(letter)])
        self.stage.model.receive(letter)
        self.stage.check()

    def _receipt(self, letter: Letter) -> Receipt:
        context = "" if letter.attempt is None else self.stage.engine.context(letter.attempt)
        code = "DELIVRD" if letter.ok else "MK:0001"
        return Receipt(letter.number, letter.serial, ok=letter.ok, code=code, received_at_s=0, context=context)

    def answer(self, pick: int, known: Sequence[bool], *, over: bool) -> None:
        """A worker asks what became of an unsure call, and some of it is known.

        When it is `over`, the lane decides about the rest.
        """
        stage, members = self.stage, sorted(self.stage.seen.due.get("unsure", ()))
        if not members:
            return
        attempt = int(members[pick % len(members)])
        stage.make_due(stage.ledger.keys.unsure_due, str(attempt))
        if over:
            stage.ledger.redis.hset(stage.ledger.keys.attempt(attempt), "unsure_ms", 1)
        open_, account = stage.model.open_of(attempt), stage.model.attempts[attempt].account
        told = {
            spot.number: Letter(account, serial_of(attempt, spot.number), spot.number, ok=True, attempt=attempt)
            for spot, tell in zip(sorted(open_), known, strict=False)
            if tell
        }
        stage.provider.history = {number: [self._receipt(letter)] for number, letter in told.items()}
        resolve.look(stage.engine, attempt)
        stage.model.match_early(account, [spot.number for spot in open_])
        for number in sorted({spot.number for spot in stage.model.open_of(attempt)} & told.keys()):
            stage.model.receive(told[number])
        if over or not stage.model.open_of(attempt):
            stage.model.horizon(attempt)
        stage.check()

    def stay_silent(self, pick: int) -> None:
        """No receipt comes in time."""
        stage = self.stage
        found = sorted((place, spot) for place, spot in stage.seen.places.items() if stage.model.letters[spot] == "a")
        if found:
            (block, position), spot = found[pick % len(found)]
            silent = [(position, spot.number)]
            account = stage.model.through[spot]
            ledger_receipts.give_up(stage.ledger, account, block, silent, now_s=1_790_000_000)
            stage.model.letters[spot] = "u"
            stage.check()
