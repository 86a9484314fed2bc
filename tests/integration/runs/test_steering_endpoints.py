"""POST /runs/{id}/cancel, /suspend and /resume: every documented answer."""

import asyncio
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from pytest_django.fixtures import Settings
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory

from config.http.permissions import HasScope
from config.http.principal import Principal
from runs.api.steering import CancelView, ResumeView, SuspendView
from runs.bridge import rows
from runs.domain.endings import verdict_of
from runs.domain.events import SessionState
from runs.ending import end_run
from runs.errors import (
    BreakerOpen,
    CallbackFailed,
    ControlPlaneError,
    Forbidden,
    RuntimeRejected,
    RuntimeTimedOut,
    RuntimeUnavailable,
    RuntimeUnsupported,
)
from runs.models import AuditEntry, Run
from runs.observer.owned import OwnedRun
from runs.observer.wish_rows import answer_fulfilled, answer_refused, open_wish
from runs.recorder import record
from tests.cast import fresh, queued_run, running_run, session_now
from tests.integration.runs.test_cancel_run import agent_session, lose_nobody, owned_run
from tests.integration.runs.test_observe_run import launch
from tests.invariants import assert_invariants
from tests.played import owned
from tests.staff import member
from tests.steered import PATIENCE_SECONDS, becomes, bind, certificate

pytestmark = pytest.mark.django_db(transaction=True)

VERBS = ("cancel", "suspend", "resume")
Answer = Callable[[OwnedRun], None]


def post(caller: Client, run_id: object, verb: str, body: object = None, **headers: str) -> Any:
    address = f"/runs/{run_id}/{verb}"
    if body is None:
        return caller.generic("POST", address, headers=headers)
    return caller.post(address, body, content_type="application/json", headers=headers)


def refused(response: Any) -> tuple[int, str]:
    return response.status_code, response.json()["errorCode"]


def answered(caller: Client, run: Run, verb: str, answer: Answer) -> Any:
    """What the caller is told when the owner of `run` answers the wish so."""

    async def scene() -> Any:
        asking = asyncio.create_task(rows(lambda: post(caller, run.id, verb)))
        await becomes(lambda: fresh(run).wanted == verb)
        await rows(lambda: answer(owned(run)))
        return await asyncio.wait_for(asking, PATIENCE_SECONDS)

    return asyncio.run(scene())


def refuses(error: ControlPlaneError) -> Answer:
    def answer(run: OwnedRun) -> None:
        wish = open_wish(run)
        assert wish is not None
        answer_refused(run, wish, error)

    return answer


def moves(state: SessionState) -> Answer:
    def answer(run: OwnedRun) -> None:
        wish = open_wish(run)
        assert wish is not None
        answer_fulfilled(run, wish, [session_now(state)])

    return answer


@pytest.mark.parametrize("body", [None, {}, {"reason": None}, {"reason": "no longer needed"}])
def test_cancel_answers_with_the_cancelled_run(caller: Client, body: object) -> None:
    run = queued_run()
    response = post(caller, run.id, "cancel", body, **{"X-Request-Id": "req-7"})

    assert response.status_code == 201
    assert (response.json()["id"], response.json()["status"]) == (str(run.id), "cancelled")
    assert response.json()["ending"]["decidedBy"] == "api"
    assert response.json() == caller.get(f"/runs/{run.id}").json()
    assert AuditEntry.objects.get(action="run.cancelled").request_id == "req-7"
    assert post(caller, run.id, "cancel").json() == response.json()
    assert_invariants()


@pytest.mark.parametrize("declared", ["", "application/json", "application/x-www-form-urlencoded"])
def test_an_absent_body_is_no_fault_whatever_it_is_declared_as(caller: Client, declared: str) -> None:
    response = caller.generic("POST", f"/runs/{queued_run().id}/cancel", CONTENT_TYPE=declared)
    assert response.status_code == 201


def test_suspend_and_resume_answer_with_the_run_where_it_is_then(caller: Client) -> None:
    run, _ = owned_run()
    suspended = answered(caller, run, "suspend", moves(SessionState.SUSPENDED))
    assert (suspended.status_code, suspended.json()["status"]) == (201, "suspended")
    assert post(caller, run.id, "suspend").json() == suspended.json()

    running = answered(caller, run, "resume", moves(SessionState.OPEN))
    assert (running.status_code, running.json()["status"]) == (201, "running")
    assert post(caller, run.id, "resume").json() == running.json()
    assert [entry.action for entry in AuditEntry.objects.order_by("created_at")] == ["run.suspended", "run.resumed"]
    assert_invariants()


@pytest.mark.parametrize("verb", VERBS)
def test_a_stranger_is_refused(client: Client, verb: str) -> None:
    assert refused(post(client, uuid4(), verb)) == (401, "UNAUTHENTICATED")


@pytest.mark.parametrize("view", [CancelView, SuspendView, ResumeView])
def test_the_scope_is_runs_cancel(view: Any) -> None:
    request = Request(APIRequestFactory().post("/"))
    scopes = frozenset({"runs:read", "runs:write", "runs:delete", "signals:write"})
    request.user = Principal(id="key:r", name="r", kind="api_key", scopes=scopes)
    with pytest.raises(Forbidden) as missing:
        HasScope().has_permission(request, view())
    assert missing.value.details == {"scope": "runs:cancel"}


def test_staff_with_a_session_decides_as_an_operator(client: Client) -> None:
    client.force_login(member("bob", "change_run"))
    run = queued_run()
    assert post(client, run.id, "cancel").status_code == 201
    assert certificate(run.id)["decidedBy"] == "operator"
    assert AuditEntry.objects.get(action="run.cancelled").actor_type == "user"


@pytest.mark.parametrize("verb", VERBS)
def test_a_run_nobody_knows_is_not_found(caller: Client, verb: str) -> None:
    assert refused(post(caller, uuid4(), verb)) == (404, "RUN_NOT_FOUND")


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize(
    ("body", "path"), [({"reason": 1}, "reason"), ({"reason": "x" * 2001}, "reason"), ({"because": "so"}, "because")]
)
def test_a_body_that_breaks_a_rule_is_refused_with_its_path(caller: Client, verb: str, body: object, path: str) -> None:
    run = running_run()
    response = post(caller, run.id, verb, body)
    assert refused(response) == (400, "VALIDATION_ERROR")
    assert [fault["path"] for fault in response.json()["details"]["errors"]] == [path]
    assert fresh(run).wanted is None


@pytest.mark.parametrize("verb", VERBS)
def test_an_id_that_is_none_is_refused(caller: Client, verb: str) -> None:
    assert refused(post(caller, "none", verb)) == (400, "VALIDATION_ERROR")


@pytest.mark.parametrize("verb", VERBS)
def test_a_run_that_has_ended_names_both_statuses(caller: Client, verb: str) -> None:
    run = running_run()
    verdict = verdict_of("SESSION_STATE_RESOLVED")
    assert verdict is not None
    end_run(run.id, verdict, epoch=None)
    response = post(caller, run.id, verb)

    assert refused(response) == (409, "INVALID_STATE_TRANSITION")
    aims = {"cancel": "cancelled", "suspend": "suspended", "resume": "running"}
    assert response.json()["details"] == {"from": "completed", "to": aims[verb]}


@pytest.mark.parametrize("verb", ["suspend", "resume"])
def test_a_run_that_is_not_bound_cannot_be_moved(caller: Client, verb: str) -> None:
    response = post(caller, queued_run().id, verb)
    assert refused(response) == (409, "INVALID_STATE_TRANSITION")
    assert response.json()["details"]["from"] == "queued"


def test_a_session_nobody_may_cancel_says_why(caller: Client) -> None:
    run_id = launch(session=agent_session())
    bind(run_id)
    response = post(caller, run_id, "cancel")
    assert refused(response) == (409, "INVALID_STATE_TRANSITION")
    assert response.json()["details"] == {"from": "running", "to": "cancelled", "reason": "no_cancel_route"}


def test_a_session_that_was_resolved_decides_and_the_caller_gets_409(caller: Client) -> None:
    run, _ = owned_run()

    def resolved(ours: OwnedRun) -> None:
        verdict = verdict_of("SESSION_STATE_RESOLVED")
        assert verdict is not None
        end_run(ours.id, verdict, epoch=ours.epoch)

    response = answered(caller, run, "cancel", resolved)
    assert refused(response) == (409, "INVALID_STATE_TRANSITION")
    assert response.json()["details"] == {"from": "completed", "to": "cancelled"}
    assert fresh(run).status == "completed"


def test_while_something_is_wanted_nothing_else_is(caller: Client) -> None:
    run = running_run(wanted="cancel")
    record(run.id, [session_now(SessionState.SUSPENDED)], epoch=None)
    assert refused(post(caller, run.id, "resume")) == (409, "CONFLICT")


@pytest.mark.parametrize(
    ("verb", "error", "status", "code", "details"),
    [
        (
            "cancel",
            RuntimeRejected("no", runtime_code="FORBIDDEN"),
            502,
            "RUNTIME_REJECTED",
            {"runtimeCode": "FORBIDDEN"},
        ),
        ("cancel", RuntimeUnsupported("no"), 501, "NOT_IMPLEMENTED", None),
        ("cancel", CallbackFailed("the cancel callback answered 500"), 502, "CALLBACK_FAILED", None),
        ("suspend", RuntimeRejected("no", runtime_code="X"), 502, "RUNTIME_REJECTED", {"runtimeCode": "X"}),
        ("suspend", RuntimeUnsupported("no"), 501, "NOT_IMPLEMENTED", None),
        ("suspend", RuntimeUnavailable("away"), 503, "RUNTIME_UNAVAILABLE", None),
        ("suspend", BreakerOpen(), 503, "CIRCUIT_BREAKER_OPEN", None),
        ("suspend", RuntimeTimedOut("slow"), 504, "RUNTIME_TIMEOUT", None),
    ],
)
def test_a_refusal_is_the_callers_answer_and_the_run_goes_on(
    caller: Client, verb: str, error: ControlPlaneError, status: int, code: str, details: object
) -> None:
    run, _ = owned_run()
    response = answered(caller, run, verb, refuses(error))

    assert refused(response) == (status, code)
    assert response.json()["message"] == error.message
    assert response.json().get("details") == details
    assert ("Retry-After" in response) is (code == "CIRCUIT_BREAKER_OPEN")
    assert (fresh(run).status, fresh(run).wanted) == ("running", None)


@pytest.mark.parametrize("verb", ["cancel", "suspend"])
def test_an_owner_that_takes_too_long_is_a_timeout(caller: Client, settings: Settings, verb: str) -> None:
    settings.RUNTIME_REQUEST_TIMEOUT_MS = 200
    run, _ = owned_run()
    assert refused(post(caller, run.id, verb)) == (504, "RUNTIME_TIMEOUT")


def test_five_seconds_without_a_living_owner_end_a_cancel_and_refuse_a_suspend(caller: Client) -> None:
    cancelled, moved = owned_run()[0], owned_run()[0]
    for run in (cancelled, moved):
        assert run.observer_id is not None
        lose_nobody(run.observer_id)

    async def scene() -> list[Any]:
        calls = [rows(lambda: post(caller, cancelled.id, "cancel")), rows(lambda: post(caller, moved.id, "suspend"))]
        return list(await asyncio.gather(*calls))

    began = time.monotonic()
    first, second = asyncio.run(scene())
    assert 5.0 <= time.monotonic() - began < PATIENCE_SECONDS
    assert (first.status_code, first.json()["status"]) == (201, "cancelled")
    assert refused(second) == (503, "RUNTIME_UNAVAILABLE")
    assert (fresh(moved).status, fresh(moved).wanted) == ("running", None)
    assert_invariants()
