"""The owner dies with a message on its lips; the next owner says it again, or says that nobody knows (P4)."""

import threading
from uuid import UUID

import orjson
import pytest
from django.db import connection
from django.test import Client
from pytest_django.fixtures import Settings

from runs.models import OutboundMessage
from tests.bodies import Body
from tests.integration.runs.test_observer_processes import age_the_beats
from tests.invariants import assert_invariants, types_of
from tests.observing import running, wait_for
from tests.runtime_process import StandInRuntime
from tests.service import ObserverProcess

pytestmark = pytest.mark.django_db(transaction=True)

BODIES: dict[str, Body] = {
    "messages": {"from": "lead", "messageType": "Proposal", "payload": {"proposalId": "p", "option": "x"}},
    "signal": {"from": "lead", "to": [], "messageType": "Alarm"},
}


def post_beside(caller: Client, run_id: UUID, route: str) -> threading.Thread:
    """Somebody posts the body of `route` and waits for its fate, whatever that will be."""

    def post() -> None:
        caller.post(f"/runs/{run_id}/{route}", BODIES[route], content_type="application/json")
        connection.close()

    thread = threading.Thread(target=post)
    thread.start()
    return thread


@pytest.mark.parametrize("place", ["send.claim.after_commit", "session.send.after_call", "send.ack.before_commit"])
@pytest.mark.parametrize("route", BODIES)
def test_a_message_of_unknown_fate_is_said_again_if_the_session_knows_it_and_never_doubled(
    caller: Client, settings: Settings, route: str, place: str
) -> None:
    settings.RUNTIME_DEV_SENDERS = True
    runtime = StandInRuntime("--script", "none")
    environment = {
        "RUNTIME_ADDRESS": runtime.address,
        "RUNTIME_ALLOW_INSECURE": "true",
        "RUNTIME_DEV_SENDERS": "true",
    }
    try:
        with ObserverProcess({**environment, "CRASH_AT": place}) as first:
            run_id = running(runtime={"kind": "macp"})
            caller_beside = post_beside(caller, run_id, route)
            first.wait_until_dead()
        age_the_beats()
        with ObserverProcess(environment):
            wait_for(lambda: OutboundMessage.objects.get(run_id=run_id).status != "queued", "a fate")
            if route == "messages":
                wait_for(lambda: "proposal.created" in types_of(run_id), "the echo")
        caller_beside.join()
    finally:
        runtime.stop()

    message = OutboundMessage.objects.get(run_id=run_id)
    types = types_of(run_id)
    if route == "messages":
        assert message.status == "accepted"
        was_sent_before = place != "send.claim.after_commit"
        assert orjson.loads(message.ack or "")["duplicate"] is was_sent_before
        assert (types.count("message.sent"), types.count("proposal.created")) == (1, 1)
    else:
        assert (message.status, message.error_code, message.attempt) == ("failed", "outcome_unknown", 1)
        assert types.count("message.send_failed") == 1
    assert_invariants()
