"""POST /runs: one run, queued, whatever happens around it (A08, A09, A10, A16)."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import cast
from uuid import UUID

import hypothesis
import pytest
from django.db import connection, connections
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from runs.api.requests import read_execution_request
from runs.audit import Actor
from runs.domain.events import EventType
from runs.domain.requests import decode_request
from runs.errors import IdempotencyKeyReused
from runs.models import AuditEntry, Event, Project, Run
from runs.models.project import DEFAULT_PROJECT_ID
from runs.models.stored_request import bearer_of
from runs.operations.launch import Launched, launch_run
from runs.recorder import record
from tests.bodies import UUID_4, Body, changed, full_body, short_body
from tests.caller import Post
from tests.cast import run_event
from tests.invariants import assert_invariants, types_of

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def refused(caller: Client, body: object, **headers: str) -> tuple[int, str]:
    response = caller.post("/runs", body, content_type="application/json", headers=headers)
    return response.status_code, response.json()["errorCode"]


def launch(body: Body, *, project_id: UUID = DEFAULT_PROJECT_ID) -> Launched:
    request = read_execution_request(body)
    return launch_run(
        project_id=project_id,
        request=request,
        idempotency_key=request.execution.idempotency_key,
        traceparent=None,
        actor=Actor("tester"),
        request_id=None,
    )


@pytest.mark.django_db
def test_a_run_is_queued_with_its_first_event_and_its_session_id(post_run: Post) -> None:
    answer = post_run()
    run = Run.objects.get(id=answer["runId"])
    (event,) = Event.objects.filter(run_id=run.id)

    assert answer == {"runId": str(run.id), "sessionId": run.session_id, "status": "queued"}
    assert (event.seq, event.type, event.source_name, event.subject_id) == (1, "run.created", "api", str(run.id))
    assert run.last_seq == 1
    assert_invariants()


@pytest.mark.django_db
def test_what_was_asked_for_is_kept_and_shown_without_its_secret(caller: Client, post_run: Post) -> None:
    run_id = post_run(full_body(), traceparent=f"00-{TRACE}-00f067aa0ba902b7-01")["runId"]
    row = caller.get(f"/runs/{run_id}").json()

    assert row["runtimeSessionId"] == UUID_4
    assert (row["sourceKind"], row["sourceRef"], row["traceId"]) == ("tests", "pack/one", TRACE)
    assert (row["metadata"]["environment"], row["metadata"]["scenarioRef"]) == ("staging", "pack/one@1")
    assert row["metadata"]["requester"] == {"actorId": "me", "actorType": "user"}
    assert row["metadata"]["executionRequest"]["session"]["context"] == {"subject": "fraud"}
    assert "top-secret" not in caller.get(f"/runs/{run_id}").content.decode()

    # It should still be there for the observer that calls back.
    assert bearer_of(decode_request(Run.objects.get(id=run_id).request)) == "top-secret"


@pytest.mark.django_db
def test_secrets_in_free_text_are_masked_in_what_is_shown(caller: Client, post_run: Post) -> None:
    body = short_body()
    body["session"]["context"] = {"note": "use sk-abcdefghijklmnopqrstuvwx", "password": "hunter2"}
    shown = caller.get(f"/runs/{post_run(body)['runId']}").content.decode()

    assert "sk-abcdef" not in shown
    assert "hunter2" not in shown


@pytest.mark.django_db
def test_the_admission_deadline_is_the_requests_or_the_settings(post_run: Post, settings: Settings) -> None:
    settings.RUN_ADMISSION_TIMEOUT_MS = 120_000
    default = Run.objects.get(id=post_run()["runId"])
    own = Run.objects.get(id=post_run(full_body())["runId"])

    assert default.admission_deadline is not None
    assert own.admission_deadline is not None
    assert default.admission_deadline - default.created_at == timedelta(seconds=120)
    assert own.admission_deadline - own.created_at == timedelta(seconds=5)


@pytest.mark.django_db
def test_who_created_a_run_is_in_the_audit_list(caller: Client, post_run: Post) -> None:
    run_id = post_run(**{"X-Request-Id": "req-1"})["runId"]
    entry = AuditEntry.objects.get(action="run.created")

    assert (entry.actor, entry.actor_type, entry.resource_id, entry.request_id) == (
        "tester",
        "api_key",
        run_id,
        "req-1",
    )


@pytest.mark.django_db
def test_a_repeated_request_is_the_same_run_with_its_present_status_a08_l12(post_run: Post) -> None:
    first = post_run(full_body())
    run_id = UUID(str(first["runId"]))
    record(run_id, [run_event(run_id, EventType.RUN_STARTED, "starting")], epoch=None)
    again = post_run(dict(reversed(full_body().items())))

    assert again == first | {"status": "starting"}
    assert Run.objects.count() == AuditEntry.objects.count() == 1
    assert types_of(run_id) == ["run.created", "run.started"]


@pytest.mark.django_db
def test_the_header_and_the_body_name_the_same_key(post_run: Post) -> None:
    in_header = post_run(short_body(), **{"Idempotency-Key": "key-9"})
    in_body = post_run(short_body() | {"execution": {"idempotencyKey": "key-9"}})

    assert in_header == in_body


@pytest.mark.django_db
def test_a_key_with_another_body_is_refused_a10_l12(caller: Client, post_run: Post) -> None:
    post_run(short_body(), **{"Idempotency-Key": "key-9"})
    other = short_body()
    other["session"]["ttlMs"] = 1

    assert refused(caller, other, **{"Idempotency-Key": "key-9"}) == (409, "IDEMPOTENCY_KEY_REUSED")
    assert Run.objects.count() == 1


@pytest.mark.django_db
def test_a_session_has_one_run_whatever_the_project(caller: Client, post_run: Post) -> None:
    body = full_body()
    post_run(body)
    del body["execution"]

    assert refused(caller, body) == (409, "SESSION_ALREADY_EXISTS")
    assert Run.objects.count() == 1
    assert_invariants()


@pytest.mark.django_db
def test_a_key_belongs_to_its_project_l12() -> None:
    other = Project.objects.create(name="Other", slug="other")
    body = short_body() | {"execution": {"idempotencyKey": "key-1"}}

    assert launch(body).run_id != launch(body, project_id=other.id).run_id


@pytest.fixture
def default_project(transactional_db: None) -> None:
    """The default project is there, although the test before this one emptied the database."""
    Project.objects.get_or_create(id=DEFAULT_PROJECT_ID, defaults={"name": "Default", "slug": "default"})


@pytest.mark.usefixtures("default_project")
@pytest.mark.parametrize("with_session_id", [False, True])
def test_two_first_requests_at_once_are_one_run_a09(with_session_id: bool) -> None:
    body = short_body() | {"execution": {"idempotencyKey": "key-1"}}
    if with_session_id:
        body["session"]["sessionId"] = UUID_4
    together = threading.Barrier(4)

    def first() -> Launched:
        try:
            connection.ensure_connection()
            together.wait(timeout=10)
            return launch(body)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as threads:
        answers = [future.result(timeout=30) for future in [threads.submit(first) for _ in range(4)]]

    # It should answer everybody alike, and exactly one of them created it.
    assert len({(answer.run_id, answer.session_id, answer.status) for answer in answers}) == 1
    assert [answer.created for answer in answers].count(True) == 1
    assert Run.objects.count() == Event.objects.count() == 1
    assert_invariants()


@pytest.mark.django_db
def test_the_operation_refuses_a_reused_key_by_itself() -> None:
    body = short_body() | {"execution": {"idempotencyKey": "key-1"}}
    launch(body)
    with pytest.raises(IdempotencyKeyReused):
        launch(body | {"mode": "sandbox"})


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["mode", "runtime", "session"])
def test_a_missing_member_is_400_a16(caller: Client, name: str) -> None:
    body = short_body()
    del body[name]
    response = caller.post("/runs", body, content_type="application/json")

    assert response.status_code == 400
    assert [fault["path"] for fault in response.json()["details"]["errors"]] == [name]


@pytest.mark.django_db
def test_an_unknown_member_is_400_with_its_path_a14(caller: Client) -> None:
    body = short_body()
    body["session"]["participants"][1]["nickname"] = "b"
    response = caller.post("/runs", body, content_type="application/json")

    assert response.json()["errorCode"] == "VALIDATION_ERROR"
    assert response.json()["details"]["errors"] == [
        {"path": "session.participants[1].nickname", "message": "is not a known field"}
    ]


@pytest.mark.django_db
def test_a_session_id_of_a_bad_form_has_its_own_code(caller: Client) -> None:
    body = short_body()
    body["session"]["sessionId"] = UUID_4.upper()

    assert refused(caller, body) == (400, "INVALID_SESSION_ID")


@pytest.mark.django_db
def test_the_longest_values_there_may_be_can_be_stored(post_run: Post) -> None:
    body = full_body()
    session = cast(Body, body["session"])
    session |= {"modeName": "é" * 255, "modeVersion": "é" * 100, "policyVersion": "é" * 255, "sessionId": "a" * 128}
    session |= {"configurationVersion": "é" * 255, "participants": [{"id": "é" * 255, "transportIdentity": "é" * 255}]}
    session["metadata"] |= {"source": "é" * 100, "sourceRef": "é" * 500, "environment": "é" * 255}
    body["runtime"]["version"] = "é" * 100
    body["execution"] |= {"idempotencyKey": "é" * 255, "tags": [f"{n:03}" + "𝄞" * 197 for n in range(100)]}

    post_run(body)
    assert_invariants()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=6,
)
PLACES = ["session.metadata", "session.context", "session.participants", "kickoff.0.payload", "execution.tags"]
NAMES = ["session.metadata.scenarioRef", "session.modeName", "session.participants.0.id", "execution.idempotencyKey"]


@pytest.mark.django_db
@given(way=st.sampled_from([*PLACES, *NAMES]), value=JSON)
@hypothesis.settings(
    max_examples=60, deadline=None, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture]
)
def test_no_body_is_an_internal_error(caller: Client, way: str, value: object) -> None:
    response = caller.post("/runs", json.dumps(changed(way, value)), content_type="application/json")

    assert response.status_code in (201, 400, 409), response.content
