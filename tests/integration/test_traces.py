"""Traces: one trace leads from the producer's span over the submit and the call to the receipt."""

import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from smsline.client import Client
from smsline.errors import BadInput, Conflict
from smsline.ledger.link import Ledger
from smsline.tracing import Parent
from tests.support.provider import FakeProvider, lost
from tests.support.scene import Scene, make_scene
from tests.support.waiting import LONG_S
from tests.support.world import FIRST
from worker.intake import accept

PARENT = f"00-{'ab' * 16}-{'cd' * 8}-01"
STATE = "vendor@shop=t61 x,other=2"


@pytest.fixture
def exporter(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    """Where spans are kept: not in the process' own tracer provider, which can be set only once."""
    kept, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    monkeypatch.setattr(trace, "get_tracer", provider.get_tracer)
    return kept


@pytest.fixture
def scene(ledger: Ledger) -> Scene:
    """A worker that traces."""
    made = make_scene(ledger)
    made.engine.traces.on = True
    return made


def spans(exporter: InMemorySpanExporter) -> dict[str, ReadableSpan]:
    """The finished spans, by name."""
    return {span.name: span for span in exporter.get_finished_spans()}


def one(scene: Scene, number: int, **job: object) -> str:
    """A one-time password from a client on the scene's ledger."""
    given: dict[str, object] = {"lane": "otp", "template": "1234", "params": ["482913"], **job}
    return Client(ledger=scene.ledger).send(to=f"+{number}", **given)  # type: ignore[arg-type]


def test_one_trace_from_the_producers_span_to_the_receipt(scene: Scene, exporter: InMemorySpanExporter) -> None:
    """Submit, call and receipt of a single message stand in the producer's own trace.

    Each is under the one before or under the submit.
    """
    with trace.get_tracer("shop").start_as_current_span("checkout") as checkout:
        job = one(scene, FIRST)
    scene.send_all()
    scene.close_all(job)
    found = spans(exporter)
    submit, call, receipt = (found[name] for name in ("submit otp", "call SendSms", "receipts main"))
    assert {span.context.trace_id for span in (submit, call, receipt)} == {checkout.get_span_context().trace_id}
    assert submit.parent
    assert submit.parent.span_id == checkout.get_span_context().span_id
    assert call.parent
    assert receipt.parent
    assert call.parent.span_id == receipt.parent.span_id == submit.context.span_id
    assert (call.attributes or {})["smsline.accepted"] == 1
    assert (receipt.attributes or {})["smsline.delivered"] == 1
    told = " ".join(str(span.to_json()) for span in exporter.get_finished_spans())
    assert str(FIRST) not in told
    assert "482913" not in told


def test_a_call_of_several_jobs_links_to_each_and_each_back(scene: Scene, exporter: InMemorySpanExporter) -> None:
    """A packed call is a trace of its own, with a link to every submit.

    The trace of each submit has a span that links to the call. The vendors' own words, the
    `tracestate`, stand in every span of the trace.
    """
    caller = {"traceparent": PARENT, "tracestate": STATE}
    jobs = [one(scene, FIRST + n, lane="marketing", **(caller if n else {})) for n in range(2)]
    scene.send_all()
    everything = exporter.get_finished_spans()
    submits = [span.context for span in everything if span.name == "submit marketing"]
    (call,) = [span for span in everything if span.name == "call SendSms"]
    sends = [span for span in everything if span.name == "send marketing"]
    assert submits[1].trace_id == int("ab" * 16, 16)
    states = [[span.context.trace_state.to_header() for span in each] for each in (sends, [call])]
    assert (submits[1].trace_state.to_header(), *map(sorted, states)) == (STATE, ["", STATE], [""])
    assert {link.context.span_id for link in call.links} == {context.span_id for context in submits}
    assert {(span.attributes or {})["smsline.job"] for span in sends} == set(jobs)
    assert {span.context.trace_id for span in sends} == {context.trace_id for context in submits}
    assert {span.links[0].context.span_id for span in sends} == {call.context.span_id}


def test_a_call_that_failed_says_its_code(ledger: Ledger, exporter: InMemorySpanExporter) -> None:
    """The span of a call that failed as a whole is an error with the provider's code."""
    scene = make_scene(ledger, {"main": FakeProvider(usual=lost("http.ReadTimeout", carried_out=False))})
    scene.engine.traces.on = True
    one(scene, FIRST)
    scene.run()
    call = spans(exporter)["call SendSms"]
    assert not call.status.is_ok
    assert (call.attributes or {})["error.type"] == "http.ReadTimeout"


def test_a_traceparent_goes_on_without_opentelemetry(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """A producer without OpenTelemetry hands on the span that it was given.

    The same job asked for again may have another.
    """
    monkeypatch.setattr("smsline.tracing.api", lambda: None)
    job = one(scene, FIRST, key="k", traceparent=PARENT, tracestate=STATE)
    assert one(scene, FIRST, key="k", traceparent=PARENT.replace("ab", "ba")) == job
    assert scene.engine.traces.parents_of([job]) == {job: Parent(PARENT, STATE)}
    with pytest.raises(Conflict):
        one(scene, FIRST + 1, key="k", traceparent=PARENT)


@pytest.mark.parametrize(
    ("field", "text"),
    [
        *(("traceparent", text) for text in ("x", PARENT.upper(), f"01{PARENT[2:]}", PARENT.replace("ab", "00"))),
        *(("tracestate", text) for text in ("x", "A=b", "a=b,", "a=é", f"a={'b' * 511}", ",".join(["a=b"] * 33))),
    ],
)
def test_a_span_that_is_none_is_refused(scene: Scene, field: str, text: str) -> None:
    """The field is named; nothing is taken."""
    with pytest.raises(BadInput, match=f"^{field}"):
        one(scene, FIRST, **{field: text})


@pytest.mark.parametrize("spec", ["{", "[]", '{"traceparent":"00-x"}', '{"traceparent":7}'])
def test_a_trace_stops_no_call_and_no_receipt(scene: Scene, exporter: InMemorySpanExporter, spec: str) -> None:
    """A job whose text cannot be read any more is sent and closed, without a place in a trace."""
    job = one(scene, FIRST, traceparent=PARENT)
    accept.accept_job(scene.engine, job)
    scene.ledger.redis.hset(scene.ledger.keys.job(job), "spec", spec)
    assert scene.engine.traces.parents_of([job]) == {}
    scene.run()
    assert scene.texts() == {FIRST: 1}
    assert "call SendSms" in spans(exporter)


def test_an_outcome_is_written_whatever_a_tracer_breaks(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """The call's span ends after the record: what is known of the recipient is there."""
    job = one(scene, FIRST)

    def broken(*_: object) -> None:
        raise RuntimeError("a tracer")

    monkeypatch.setattr(scene.engine.traces, "end_call", broken)
    with pytest.raises(RuntimeError, match="a tracer"):
        scene.run()
    assert scene.counts(job) == {"total": 1, "accepted": 1}


def test_nothing_is_asked_where_traces_are_off(scene: Scene) -> None:
    """A worker without OpenTelemetry asks Redis for no job's span."""
    job = one(scene, FIRST, traceparent=PARENT)
    scene.engine.traces.on = False
    assert scene.engine.traces.parents_of([job]) == {}


PROGRAM = """
from opentelemetry import trace
from worker import traces
assert traces.configure("smsline-worker")
trace.get_tracer("smsline").start_span("call SendSms").end()
"""


class _Collector(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.got.append((self.path, body))  # type: ignore[attr-defined]
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def collector() -> Iterator[HTTPServer]:
    """An OTLP collector that keeps what it gets."""
    server = HTTPServer(("127.0.0.1", 0), _Collector)
    server.got = []  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_spans_leave_for_the_collector_that_the_environment_names(collector: HTTPServer) -> None:
    """OpenTelemetry's own variable switches traces on; what is pending leaves at the end."""
    url = f"http://127.0.0.1:{collector.server_port}"
    env = {"PATH": "", "OTEL_EXPORTER_OTLP_ENDPOINT": url, "OTEL_EXPORTER_OTLP_COMPRESSION": "none"}
    subprocess.run([sys.executable, "-c", PROGRAM], env=env, check=True, timeout=LONG_S)
    ((path, body),) = collector.got  # type: ignore[attr-defined]
    assert path == "/v1/traces"
    assert re.search(rb"smsline-worker.*call SendSms", body, re.DOTALL)
