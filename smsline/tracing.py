"""Traces: the span of a submit, which the job carries to the workers.

It is written as W3C's `traceparent` and `tracestate`.

OpenTelemetry is never imported here. A process that traces has imported it before its first span;
in any other one there is nothing to carry on, and a producer pays neither the dependency nor the
time of the import.
"""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from smsline.job import TRACESTATE, JobSpec

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.trace import Span

TRACER: Final = "smsline"


def api() -> Any:  # noqa: ANN401 - a module, or None
    """OpenTelemetry's `trace` module, where the process has loaded it."""
    return sys.modules.get("opentelemetry.trace")


class Parent(NamedTuple):
    """A span of another process by its W3C `traceparent` and `tracestate`; empty for none."""

    traceparent: str
    tracestate: str = ""


def context_of(parent: Parent | None) -> "Context | None":
    """The context whose spans become children of the one that is named.

    None: those of the present context.
    """
    trace = api()
    if trace is None or parent is None or not parent.traceparent:
        return None
    # It was held against its form when the job was taken in, so it divides into four.
    _, trace_id, span_id, flags = parent.traceparent.split("-")
    named = trace.SpanContext(
        int(trace_id, 16),
        int(span_id, 16),
        is_remote=True,
        trace_flags=trace.TraceFlags(int(flags, 16)),
        trace_state=trace.TraceState.from_header([parent.tracestate]),
    )
    context: Context = trace.set_span_in_context(trace.NonRecordingSpan(named))
    return context


def parent_of(span: "Span") -> Parent | None:
    """A span's name for other processes; None when it has none."""
    context = span.get_span_context()
    if not context.is_valid:
        return None
    state = context.trace_state.to_header()
    # A longer one is left out as a whole, which W3C allows; the trace goes on without it.
    return Parent(
        f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}",
        state if TRACESTATE.fullmatch(state) else "",
    )


@contextmanager
def submitting(spec: JobSpec) -> Iterator[JobSpec]:
    """The span of handing a job over, and the job as it carries it on.

    The span is a child of the job's own `traceparent`, else of the present span. It is not made the
    present one: a talk is carried in steps, and what runs between them is the caller's.

    Args:
        spec: The job.
    """
    trace = api()
    if trace is None:
        yield spec
        return
    attributes: Mapping[str, str] = {
        "messaging.system": "smsline",
        "messaging.operation.type": "create",
        "messaging.destination.name": spec.lane,
        "smsline.template": spec.template,
    }
    span: Span = trace.get_tracer(TRACER).start_span(
        f"submit {spec.lane}",
        context=context_of(Parent(spec.traceparent, spec.tracestate)),
        kind=trace.SpanKind.PRODUCER,
        attributes=attributes,
    )
    try:
        made = parent_of(span)
        yield replace(spec, **made._asdict()) if made else spec
    except Exception as error:
        # The type alone: what an error says may hold a caller's value.
        span.set_status(trace.Status(trace.StatusCode.ERROR, type(error).__name__))
        raise
    finally:
        span.end()
