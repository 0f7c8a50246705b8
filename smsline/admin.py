"""What a person asks of the service: jobs, what is dead and why, accounts, and the levers."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypedDict

from redis.exceptions import RedisError

from smsline import codes, questions, suppressed
from smsline.calls import reachable
from smsline.errors import Conflict, NotFound, Unavailable
from smsline.health import AccountHealth, health_of
from smsline.ledger import accounts, breaker, dead, hours, number_page, presence, replies, suppression
from smsline.ledger.hours import NeverSent
from smsline.ledger.job_list import list_jobs
from smsline.ledger.jobs import Status
from smsline.ledger.late_calls import late_calls
from smsline.ledger.number_page import NumberMessage
from smsline.ledger.odds import odds_of
from smsline.ledger.refusals import explain, is_refusal
from smsline.ledger.replies import KeptReply
from smsline.ledger.suppression import Scope
from smsline.numbers import e164, parse_number
from smsline.questions import SignatureInfo, TemplateInfo
from smsline.states import State
from smsline.suppressed import SuppressedNumber
from smsline.webhooks import Webhooks


class DeadGroup(TypedDict):
    """Dead letters with the same code at the same account, and what the code means."""

    provider: str
    account: str
    code: str
    state: str
    count: int
    jobs: list[str]
    verdict: str
    meaning: str
    advice: str


class DeadRow(TypedDict):
    """One recipient in the dead letter."""

    job: str
    phone: str
    ref: str
    account: str
    provider: str
    state: str
    code: str
    attempts: int
    final_at: str | None


class NumberEvent(NumberMessage):
    """A message to a number, with what its code means and what to do; both empty without a code."""

    meaning: str
    advice: str


class NumberPage(TypedDict):
    """All that is known of a number; messages and replies newest first."""

    phone: str
    suppressed: bool
    suppressions: list[SuppressedNumber]
    messages: list[NumberEvent]
    replies: list[KeptReply]


class Admin(Webhooks):
    """Everything besides sending: all jobs, dead letters, accounts and the suppression list.

    For tools that people use.

    Made as a `Client` is: `Admin.from_env()`, or `Admin(redis_url=...)`.
    """

    def jobs(self, *, limit: int = 50, state: str = "") -> list[Status]:
        """The newest jobs, newest first; only those in `state` when given."""
        with reachable():
            return list_jobs(self._ledger, limit=limit, state=state)

    def dead_groups(self, *, code: str = "", job: str = "", account: str = "", state: str = "") -> list[DeadGroup]:
        """What is in the dead letter, by account, code and state, most first.

        Each group has what its code means, and what to do.
        """
        with reachable():
            pick = dead.DeadFilter(code, job, account, dead.check_state(state))
            return self._told(dead.groups(self._ledger, pick))

    def dead_summary(self, *, code: str = "", job: str = "", account: str = "", state: str = "") -> list[DeadGroup]:
        """The same at a price that does not grow with the dead letter.

        `jobs` is empty, or the one that is asked for.
        """
        with reachable():
            pick = dead.DeadFilter(code, job, account, dead.check_state(state))
            return self._told(dead.of_jobs(self._ledger, [job], pick) if job else dead.summary(self._ledger, pick))

    def dead_rows(self, *, code: str = "", job: str = "", account: str = "", state: str = "") -> Iterator[DeadRow]:
        """Every recipient in the dead letter, streamed."""
        with reachable():
            for group, row in dead.rows(self._ledger, dead.DeadFilter(code, job, account, dead.check_state(state))):
                yield DeadRow(
                    job=group.job,
                    phone=row["phone"],
                    ref=row["ref"],
                    account=group.account,
                    provider=row["provider"],
                    state=row["state"],
                    code=row["code"],
                    attempts=row["attempts"],
                    final_at=row["final_at"],
                )

    def requeue(
        self,
        *,
        code: str = "",
        job: str = "",
        account: str = "",
        state: str = "",
        on_progress: Callable[[int], None] | None = None,
    ) -> int:
        """Send undelivered, dead and unknown recipients again, once the cause is gone.

        Doing it twice sends once.

        Returns:
            How many will be sent again.

        Raises:
            Conflict: Some of a job cannot be sent again: its deadline has passed, it was cancelled,
                or its params are erased.
        """
        pick = dead.DeadFilter(code, job, account, dead.check_state(state))
        with self._acting():
            done = dead.settle(self._ledger, "requeue", pick, on_progress=on_progress)
        self._note("dead.requeue", {"code": code, "job": job, "account": account, "state": state}, done.recipients)
        # Told as an error though most may be on their way: a script that sees success would
        # forget those that are not.
        if done.hindered:
            shown = "; ".join(f"job {job}: {_WHY.get(why, why)}" for job, why in list(done.hindered.items())[:5])
            more = "; …" if len(done.hindered) > 5 else ""
            raise Conflict(f"{done.recipients} requeued; not requeued: {shown}{more}")
        return done.recipients

    def drop(self, *, code: str = "", job: str = "", account: str = "", state: str = "") -> int:
        """Take recipients out of the dead letter; their state stays. Returns how many."""
        with self._acting():
            dropped = dead.settle(
                self._ledger, "drop", dead.DeadFilter(code, job, account, dead.check_state(state))
            ).recipients
        self._note("dead.drop", {"code": code, "job": job, "account": account, "state": state}, dropped)
        return dropped

    def number(self, number: str) -> NumberPage:
        """What happened to a number.

        Every message that is kept for it, what it answered, and whether it may be texted.

        Raises:
            BadInput: It cannot be a number.
        """
        # Unassigned ones too: what was sent to a number does not go when its range is given back.
        wanted = parse_number(number, region=self.region, field="number", allow_unassigned=True)
        with reachable():
            messages = number_page.messages_of(self._ledger, wanted)
            listed = [suppressed.shown(entry) for entry in suppression.of_number(self._ledger, wanted)]
            answered = replies.of_number(self._ledger, wanted)
            providers = accounts.registered(self._ledger)
        events = list[NumberEvent]()
        for message in messages:
            # By the account: the message's provider may read `sandbox`, which
            # speaks in another's codes.
            provider = providers.get(message["account"]) or None
            matches = codes.explain(message["code"], provider) if message["code"] else []
            meaning, advice = (matches[0].row.meaning, matches[0].row.advice) if matches else ("", "")
            events.append(NumberEvent(**message, meaning=meaning, advice=advice))
        return NumberPage(
            phone=e164(wanted),
            suppressed=bool(listed),
            suppressions=listed,
            messages=events,
            replies=answered,
        )

    def accounts(self) -> list[AccountHealth]:
        """Health of every account a worker has registered."""
        with reachable():
            known = accounts.registered(self._ledger)
            live, late = presence.live(self._ledger), late_calls(self._ledger)
            return [
                health_of(accounts.health(self._ledger, name, provider), live, late.get(name))
                for name, provider in sorted(known.items())
            ]

    def never_sent(self) -> list[NeverSent]:
        """Open jobs of which some recipients only wait for their ttl.

        The hours that must all be open never meet.
        """
        with reachable():
            return hours.never_sent(self._ledger)

    def resume_account(self, account: str) -> int:
        """Lift every park of an account and give it all of its share again.

        What waited goes out at once.

        Returns how many parks there were, and one more if others stood in for it.

        Raises:
            NotFound: No worker has registered such an account.
        """
        with self._acting():
            # By what workers have registered: an admin has no settings, and may run on
            # a machine without any.
            if account not in (known := accounts.registered(self._ledger)):
                raise NotFound(f"no account {account}; there is {', '.join(sorted(known)) or 'none yet'}")
            held = accounts.parks(self._ledger, account)
            restored = breaker.restore(self._ledger, account)
            lifted = restored + sum(accounts.unpark(self._ledger, account, park["template"]) for park in held)
        self._note("account.resume", {"account": account})
        return lifted

    def suppress(self, numbers: Iterable[str], *, scope: Scope = "all", reason: str = "") -> int:
        """Stop texting these numbers; what waits for them ends as suppressed.

        Args:
            numbers: Which.
            scope: What is stopped: `marketing`, `notify` (marketing too), or `all` (one-time
                passwords too).
            reason: Why, for people.

        Returns:
            How many entries are new or wider than before: one that stops more already is not
            narrowed.

        Raises:
            BadInput: One of them cannot be a number; those before it are on the list.
        """
        scope = suppression.check_scope(scope)
        return self.suppress_entries(SuppressedNumber(phone=each, scope=scope, reason=reason) for each in numbers)

    def suppress_entries(self, entries: Iterable[SuppressedNumber]) -> int:
        """Put entries on the list as `suppressed` gives them.

        Returns how many are new or wider than before.

        Raises:
            BadInput: One of them has no number, scope or time; those before it are on the list.
        """
        with self._acting():
            added = suppression.add(self._ledger, (suppressed.read(each, self.region) for each in entries))
        self._note("suppression.add", {}, added)
        return added

    def unsuppress(self, numbers: Iterable[str]) -> int:
        """Take numbers off the suppression list. Returns how many were on it.

        Raises:
            BadInput: One of them cannot be a number; those before it are off the list.
        """
        with self._acting():
            # Unassigned ones too: what is listed must come off, whatever became of its range since.
            removed = suppression.remove(
                self._ledger, (parse_number(number, region=self.region, allow_unassigned=True) for number in numbers)
            )
        self._note("suppression.remove", {}, removed)
        return removed

    def suppressed(self) -> Iterator[SuppressedNumber]:
        """Every entry of the suppression list, streamed.

        A number has one for each kind of source.
        """
        with reachable():
            for entry in suppression.listed(self._ledger):
                yield suppressed.shown(entry)

    def templates(
        self, *, international: bool = False, account: str = "", timeout_s: float = 10.0
    ) -> list[TemplateInfo]:
        """The templates that an account of Tencent has, with what their review came to.

        A worker asks for them.

        Args:
            international: Those for global numbers; False for mainland ones.
            account: Whose, where several can be asked.
            timeout_s: Longest wait for each page of 100.

        Raises:
            BadInput: The account cannot be asked, or must be named.
            NotFound: No account can be asked.
            SmslineError: The provider refused, with its code.
            TimeoutError: No worker answered in time.
        """
        return self._reviewed("templates", international=international, account=account, timeout_s=timeout_s)

    def signatures(
        self, *, international: bool = False, account: str = "", timeout_s: float = 10.0
    ) -> list[SignatureInfo]:
        """The signatures that an account has; arguments and errors are those of `templates`."""
        return self._reviewed("signatures", international=international, account=account, timeout_s=timeout_s)

    def _reviewed(self, what: str, *, international: bool, account: str, timeout_s: float) -> list[Any]:
        keys = self._ledger.keys
        return self._carry(
            questions.reviewed(keys, what, international=international, account=account, timeout_s=timeout_s)
        )

    def replies(self, *, since_s: float = 0) -> Iterator[KeptReply]:
        """Replies since then (epoch seconds), oldest first, and what was done about them."""
        with reachable():
            yield from replies.since(self._ledger, since_s * 1000)

    def _told(self, found: Iterable[dead.DeadCount]) -> list[DeadGroup]:
        """Groups with what their codes mean, those of several jobs added up."""
        providers = accounts.registered(self._ledger)
        # The ledger counts by job; people ask by code.
        merged: dict[tuple[str, str, str], DeadGroup] = {}
        for group in found:
            key = (group.account, group.code, group.state)
            if key not in merged:
                merged[key] = _dead_group(group, providers.get(group.account, ""))
            merged[key]["count"] += group.count
            merged[key]["jobs"] += [group.job] if group.job else []
        for (account, code, state), told in merged.items():
            # An accepted message went out, whether its receipt came or not.
            if state == State.UNKNOWN and code != "receipt.Deadline":
                odds = odds_of(self._ledger, account)
                risk = (
                    f"Of {odds.accepted:,} messages that {account} accepted, {odds.heard:.1%} had their receipt within 35 minutes; of "
                    f"these none came, so about 1 in {odds.one_in:,} of them went out. A requeue texts that one twice."
                    if odds
                    else "Whether they went out is unknown: a requeue may text them twice."
                )
                told["advice"] = f"{told['advice']} {risk}".strip()
        return sorted(merged.values(), key=lambda each: (-each["count"], each["account"], each["code"], each["state"]))

    @contextmanager
    def _acting(self) -> Iterator[None]:
        """Of what changes something, in several steps; what only reads is `reachable`."""
        try:
            yield
        except RedisError as error:
            said = "says no" if is_refusal(error) else "cannot be reached"
            raise Unavailable(
                f"the ledger's Redis {said} ({explain(error)}); what was asked for may be done in part, ask again: nothing is done twice"
            ) from error


_WHY = {
    "params": "the params are erased, because nothing was expected to need them again",
    "deadline": "its ttl has passed",
    "cancelled": "it was cancelled",
}


def _dead_group(group: dead.DeadCount, provider: str) -> DeadGroup:
    # The same code may be a receipt's and a call's, and mean two things; the state
    # tells which of them spoke.
    if group.state == State.UNDELIVERED and provider and group.code:
        found = codes.for_receipt(provider, group.code)
        row = None if found.how == "unknown" else found.row
    else:
        matches = codes.explain(group.code, provider or None) or codes.explain(group.code)
        row = matches[0].row if matches else None
    return DeadGroup(
        provider=provider,
        account=group.account,
        code=group.code,
        state=group.state,
        count=0,
        jobs=[],
        verdict=row.verdict.value if row else "",
        meaning=row.meaning if row else "No table knows this code.",
        advice=row.advice if row else "Look at the provider's console, then add a row to the codes file.",
    )
