"""Traces by OpenTelemetry: a span for each call and each page of receipts.

They are tied to the submits of their jobs.

A call holds recipients of up to 200 jobs, and a span has one parent. So a call of one job is a
child of its submit, and any other one is a trace of its own that links to each submit; every job's
trace then has a span that links back to the call (OpenTelemetry's conventions for messaging, "Batch
sending"). Without OpenTelemetry's SDK all of this does nothing.
"""

import json
import logging
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from redis.exceptions import RedisError

from smsline.job import TRACEPARENT, TRACESTATE
from smsline.ledger import receipts
from smsline.ledger.batch_queues import BatchQueue, CallGroup
from smsline.ledger.call_results import EntryResults
from smsline.ledger.link import Ledger
from smsline.tracing import TRACER, Parent, api, context_of

if TYPE_CHECKING:
    from opentelemetry.trace import Span

# Jobs of one call at most: a call holds 200 numbers. OpenTelemetry's own limit of links is 128.
MOST_JOBS: Final = 200
KEPT_PARENTS: Final = 2_000

log = logging.getLogger(__name__)


def configure(service: str) -> bool:
    """Send this process' spans where OpenTelemetry's own variables say.

    OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_TRACES_EXPORTER …

    A program that has set a tracer provider before, such as `opentelemetry-instrument`, keeps its
    own.

    Args:
        service: `service.name` of the spans, unless OTEL_SERVICE_NAME says another.

    Returns:
        Whether spans are made.
    """
    kind = os.environ.get("OTEL_TRACES_EXPORTER", "")
    wanted = kind or any(
        os.environ.get(name) for name in ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
    )
    # Nothing is imported unless it is asked for: the SDK is an extra.
    if not wanted or kind == "none":
        return False
    if kind not in {"", "otlp"}:
        log.error("OTEL_TRACES_EXPORTER=%s is not known here; it must be otlp or none. No traces are sent", kind)
        return False
    try:
        from opentelemetry import trace  # noqa: PLC0415 - the extra is only looked for where it is asked for
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import SpanLimits, TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
    except ImportError as error:
        told = "OpenTelemetry is asked for, but %s is not installed (pip install --group traces); no traces are sent"
        log.error(told, error.name)  # noqa: TRY400 - its message says it all
        return False
    if not isinstance(trace.get_tracer_provider(), TracerProvider):
        named = {} if os.environ.get("OTEL_SERVICE_NAME") else {"service.name": service}
        provider = TracerProvider(resource=Resource.create(named), span_limits=SpanLimits(max_links=MOST_JOBS))
        # Spans leave in a thread of their own, and are dropped when the collector is away: a send
        # never waits for a trace.
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        trace.set_tracer_provider(provider)
    return True


@dataclass(frozen=True, slots=True)
class CallSpan:
    """The span of a call under way.

    Attributes:
        span: OpenTelemetry's.
        lane: Of its jobs.
        parents: The submit of each of its jobs that names one; empty when the span is a child of
            the only one.
        blocks: The job of each of its blocks.
    """

    span: "Span"
    lane: str
    parents: Mapping[str, Parent]
    blocks: Mapping[int, str]


class Traces:
    """What one worker process adds to traces.

    Args:
        ledger: Where jobs keep the span of their submit.

    Attributes:
        on: Whether spans are made. The jobs of a call are only asked for then.
    """

    def __init__(self, ledger: Ledger) -> None:
        self.on = False
        self._ledger = ledger
        self._parents: dict[str, Parent | None] = {}

    def begin_call(self, queue: BatchQueue, action: str, groups: Sequence[CallGroup]) -> CallSpan | None:
        """The span of a call that is about to be made; None without traces."""
        if not self.on:
            return None
        try:
            blocks = receipts.jobs_of(self._ledger, sorted({group.entry.block for group in groups}))
        except RedisError:  # no call is given up for its trace
            blocks = {}
        parents = self.parents_of(blocks.values())
        only = next(iter(parents.values())) if len(set(blocks.values())) == len(parents) == 1 else None
        trace = api()
        linked = [] if only else [trace.get_current_span(context_of(parent)) for parent in parents.values()]
        span = trace.get_tracer(TRACER).start_span(
            f"call {action}",
            context=context_of(only),
            kind=trace.SpanKind.CLIENT,
            links=[trace.Link(submit.get_span_context()) for submit in linked],
            attributes={
                "messaging.system": "smsline",
                "messaging.operation.type": "send",
                "messaging.destination.name": queue.lane,
                "messaging.batch.message_count": sum(len(group.numbers) for group in groups),
                "smsline.account": queue.account,
            },
        )
        return CallSpan(span, queue.lane, {} if only else parents, blocks)

    def end_call(self, call: CallSpan | None, failed: str, entries: Sequence[EntryResults]) -> None:
        """End a call's span, and tell each job's trace what became of its recipients in it.

        Args:
            call: What `begin_call` returned.
            failed: The code of a call that failed as a whole; else empty.
            entries: What its recipients came to.
        """
        if call is None:
            return
        trace, counts = api(), dict[str, Counter[str]]()
        for entry in entries:
            job = call.blocks.get(entry.entry.block, "")
            counts.setdefault(job, Counter()).update(f"smsline.{result.state.value}" for result in entry.results)
        for name, count in sum(counts.values(), Counter[str]()).items():
            call.span.set_attribute(name, count)
        if failed:
            call.span.set_attribute("error.type", failed)
            call.span.set_status(trace.Status(trace.StatusCode.ERROR, failed))
        call.span.end()
        link = trace.Link(call.span.get_span_context())
        for job, parent in call.parents.items():
            _tell(f"send {call.lane}", parent, {"smsline.job": job, **counts.get(job, {})}, links=[link])

    def tell_receipts(self, account: str, parents: Mapping[str, Parent], said: Iterable[tuple[str, bool]]) -> None:
        """A span in the trace of each job that receipts have come for.

        Args:
            account: Whose receipts.
            parents: What `parents_of` said of their jobs.
            said: Of each receipt its job, and whether it says delivered.
        """
        if not parents:
            return
        counts = Counter(said)
        for job, parent in parents.items():
            told = {"smsline.delivered": counts[job, True], "smsline.undelivered": counts[job, False]}
            _tell(f"receipts {account}", parent, {"smsline.job": job, **told})

    def parents_of(self, jobs: Iterable[str]) -> dict[str, Parent]:
        """The submit's span of those jobs that name one; none without traces.

        A campaign's is asked for once.
        """
        if not self.on:
            return {}
        asked_for = dict.fromkeys(jobs)
        missing = [job for job in asked_for if job not in self._parents]
        if missing:
            try:
                specs = receipts.specs_of(self._ledger, missing)
            except RedisError:
                return {}
            # All at once: those of running campaigns are asked for again with the next call.
            if len(self._parents) > KEPT_PARENTS:
                self._parents.clear()
            self._parents.update((job, _parent(spec)) for job, spec in zip(missing, specs, strict=True))
        return {job: parent for job in asked_for if (parent := self._parents.get(job))}


def _parent(spec: bytes | None) -> Parent | None:
    """The span of a job's submit.

    None for one whose text another producer has made unreadable: a trace stops no call.
    """
    try:
        told = json.loads(spec or "{}")
        found, state = str(told.get("traceparent", "")), str(told.get("tracestate", ""))
    except (ValueError, AttributeError):
        return None
    if not found or not TRACEPARENT.fullmatch(found):
        return None
    return Parent(found, state if TRACESTATE.fullmatch(state) else "")


def _tell(name: str, parent: Parent, attributes: Mapping[str, str | int], links: Sequence[Any] = ()) -> None:
    trace = api()
    span = trace.get_tracer(TRACER).start_span(
        name, context=context_of(parent), kind=trace.SpanKind.CONSUMER, links=links, attributes=attributes
    )
    span.end()
