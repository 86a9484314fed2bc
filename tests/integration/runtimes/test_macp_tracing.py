"""The trace of whoever launched a run goes with every call that is made for the run's session."""

from collections.abc import AsyncIterator, Callable
from contextlib import suppress

import grpc
import pytest
import pytest_asyncio

from runs.errors import RuntimeFault
from runs.observer.owned import load_owned
from runs.runtimes.macp.settings import MacpSettings
from tests.caller import Post
from tests.integration.runtimes.conftest import Connect
from tests.integration.runtimes.sessions import NewPlan
from tests.plans import a_message

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


class Listener(grpc.GenericRpcHandler):
    """A runtime that implements nothing and writes down what it was told beside each call."""

    def __init__(self) -> None:
        self.told: dict[str, dict[str, str]] = {}

    def service(self, call: grpc.HandlerCallDetails) -> None:
        self.told[call.method.rpartition("/")[2]] = dict(call.invocation_metadata)


@pytest_asyncio.fixture
async def listener() -> AsyncIterator[tuple[Listener, MacpSettings]]:
    listener, server = Listener(), grpc.aio.server()
    server.add_generic_rpc_handlers((listener,))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    yield listener, MacpSettings(address=f"127.0.0.1:{port}", allow_insecure=True, dev_senders=True, request_timeout=5)
    await server.stop(None)


@pytest.mark.parametrize(("traceparent", "told"), [(TRACE, TRACE), ("", None)])
async def test_every_call_for_a_session_names_the_trace_of_its_run(
    traceparent: str,
    told: str | None,
    listener: tuple[Listener, MacpSettings],
    connect: Connect,
    new_plan: NewPlan,
) -> None:
    heard, settings = listener
    runtime, plan = connect(settings), new_plan(traceparent=traceparent)
    session = runtime.attach(plan, adapter_state=None)
    calls: list[Callable[[], object]] = [
        lambda: session.start(runtime.encode_start(plan)),
        lambda: session.send(runtime.encode_message(plan, a_message(1))),
        session.snapshot,
        lambda: session.cancel("enough"),
        lambda: session.suspend("wait"),
        lambda: session.resume("go on"),
        lambda: anext(session.observe(0)),
    ]
    for call in calls:
        with suppress(RuntimeFault):
            await call()  # type: ignore[misc]

    expected = {"Send", "GetSession", "CancelSession", "SuspendSession", "ResumeSession", "StreamSession"}
    assert expected <= set(heard.told)
    assert {name: heard.told[name].get("traceparent") for name in expected} == dict.fromkeys(expected, told)


@pytest.mark.django_db
@pytest.mark.parametrize(("header", "kept"), [(TRACE, TRACE), ("00-not-a-trace", "")])
def test_the_trace_of_the_request_that_launched_a_run_is_in_its_plan(header: str, kept: str, post_run: Post) -> None:
    answer = post_run(traceparent=header)
    assert load_owned(answer["runId"], epoch=0).plan.traceparent == kept
    assert answer.get("traceId") == (kept.split("-")[1] if kept else None)
