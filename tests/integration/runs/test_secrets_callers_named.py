"""A secret that a caller put where a name was asked for is shown nowhere, and still goes to the runtime as it was given."""

import orjson
import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from insights.bundle_head import head_of
from runs.domain.events import EventType, Observation, ObservationKind, SessionSnapshot, SessionState
from runs.models import Event, Projection, Run
from runs.observer import launch_steps
from runs.observer.owned import load_owned
from runs.recorder import record
from runs.runtimes.macp.outgoing import start_bytes
from tests.bodies import Body, short_body
from tests.cast import fresh, run_event

pytestmark = pytest.mark.django_db(transaction=True)

CANARY = "canary7canary7"


def secret(place: str) -> str:
    return f"sk-{place}-{CANARY}"


NAMED = ("modeVersion", "configurationVersion", "policyVersion")


def request() -> Body:
    body = short_body()
    body["runtime"]["version"] = secret("runtime")
    body["session"] |= {name: secret(name) for name in NAMED}
    body["session"]["metadata"] = {"contextId": secret("contextId")}
    body["session"]["participants"][0] |= {"role": secret("role"), "transportIdentity": secret("identity")}
    body["execution"] = {"idempotencyKey": secret("key")}
    return body


@pytest.fixture
def bound(caller: Client) -> Run:
    """A run whose caller has such names, its session bound, and its runtime repeating them."""
    assert caller.post("/runs", request(), content_type="application/json").status_code == 201
    run = Run.objects.get()
    record(run.id, [run_event(run.id, EventType.RUN_STARTED, "starting")], epoch=None)
    launch_steps.bind(load_owned(run.id, run.lease_epoch), kickoff=())
    seen = SessionSnapshot(
        session_id=run.session_id or "",
        state=SessionState.SUSPENDED,
        mode_name=run.mode_name,
        mode_version=secret(NAMED[0]),
        configuration_version=secret(NAMED[1]),
        policy_version=secret(NAMED[2]),
    )
    record(run.id, [Observation(kind=ObservationKind.SNAPSHOT, body=seen, raw=b"")], epoch=None)
    return fresh(run)


def test_they_are_in_no_event_and_in_no_state(bound: Run) -> None:
    events = Event.objects.filter(run_id=bound.id)
    assert {"run.created", "session.bound", "participant.seen", "session.state.changed"} <= {one.type for one in events}
    assert [(one.type, one.data) for one in events if CANARY in one.data] == []
    projection = Projection.objects.get(run_id=bound.id)
    assert CANARY not in projection.state + projection.private
    assert '"contextId":"[redacted]"' in projection.state


def test_no_answer_shows_them(bound: Run, caller: Client) -> None:
    shown = [
        caller.get(f"/runs/{bound.id}{part}").content.decode()
        for part in ("", "/state", "/events", "/replay/state?seq=3")
    ]
    shown.append(caller.get("/runs").content.decode())
    assert [text for text in shown if CANARY in text] == []
    row = caller.get(f"/runs/{bound.id}").json()
    head = orjson.dumps(head_of(bound.project_id, bound, late=0)).decode()  # of an export
    assert (secret("identity") in bound.session.initiator, CANARY in head) == (True, False)
    assert (row["idempotencyKey"], row["runtimeVersion"]) == ("[redacted]", "[redacted]")


def test_no_page_of_staff_shows_them(bound: Run, client: Client) -> None:
    client.force_login(get_user_model().objects.create_superuser("bob"))
    for page in (f"run/{bound.id}", f"runtimesession/{bound.session.id}"):
        answer = client.get(f"/admin/runs/{page}/change/")
        assert (answer.status_code, CANARY in answer.content.decode()) == (200, False)


def test_the_runtime_is_told_what_was_asked_for(bound: Run) -> None:
    plan = load_owned(bound.id, bound.lease_epoch).plan
    sent = start_bytes(plan).decode(errors="replace")
    assert [name for name in (*NAMED, "contextId", "identity") if secret(name) not in sent] == []
    assert (plan.participants[0].role, plan.participants[0].transport_identity) == (secret("role"), secret("identity"))


def test_a_repeated_request_is_still_known_by_its_key(bound: Run, caller: Client) -> None:
    again = caller.post("/runs", request(), content_type="application/json")
    assert (again.json()["runId"], Run.objects.count()) == (str(bound.id), 1)
    # And one whose key is another behind the same mask is another run.
    other = request() | {"execution": {"idempotencyKey": secret("other")}}
    assert caller.post("/runs", other, content_type="application/json").json()["runId"] != str(bound.id)
