"""POST /runs/batch/cancel, /archive and /delete: many runs, each judged alone, none waiting for another."""

import threading
import time
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import OperationalError, connection
from django.test import Client
from pytest_django.fixtures import Settings

from runs.api.documents import outcome_document
from runs.domain.endings import DecidedBy, EndingCode, Verdict
from runs.ending import end_run
from runs.errors import Fenced, RunNotFound
from runs.log_context import current_request_id, log_context
from runs.models import AuditEntry, Run
from runs.models.identity import uuid7
from runs.operations.batch import Fate, Outcome, judge_each
from tests.cast import fresh, queued_run, running_run
from tests.integration.runs.conftest import store_run
from tests.integration.runs.test_cancel_run import owned_run
from tests.keys import stored_key
from tests.meanwhile import PATIENCE_SECONDS, elsewhere

pytestmark = pytest.mark.django_db(transaction=True)

WHATS = ("cancel", "archive", "delete")


def post(caller: Client, what: str, run_ids: object, **headers: str) -> Any:
    body = {"runIds": [str(one) for one in run_ids]} if isinstance(run_ids, list) else run_ids
    return caller.post(f"/runs/batch/{what}", body, content_type="application/json", headers=headers)


def judged(caller: Client, what: str, run_ids: list[UUID], **headers: str) -> list[dict[str, Any]]:
    response = post(caller, what, run_ids, **headers)
    assert response.status_code == 201, response.content
    found: list[dict[str, Any]] = response.json()
    assert [one["runId"] for one in found] == [str(run_id) for run_id in run_ids]
    return found


def ended_run() -> Run:
    run = running_run()
    end_run(run.id, Verdict(code=EndingCode.RESOLVED), epoch=None)
    return fresh(run)


def failed(run_id: UUID, code: str, message: str) -> dict[str, Any]:
    return {"runId": str(run_id), "ok": False, "status": "failed", "error": {"errorCode": code, "message": message}}


def test_each_deletion_is_judged_alone(caller: Client) -> None:
    gone, open_, unknown, foreign = ended_run(), queued_run(), uuid4(), store_run(project_id=uuid7())
    found = judged(caller, "delete", [gone.id, open_.id, unknown, foreign.id], **{"X-Request-Id": "req-6"})

    assert found == [
        {"runId": str(gone.id), "ok": True, "status": "deleted"},
        failed(open_.id, "INVALID_STATE_TRANSITION", "run is queued and cannot be deleted"),
        failed(unknown, "RUN_NOT_FOUND", "There is no such run."),
        failed(foreign.id, "RUN_NOT_FOUND", "There is no such run."),
    ]
    assert set(Run.objects.values_list("id", flat=True)) == {open_.id, foreign.id}
    entry = AuditEntry.objects.get(action="run.deleted")
    assert (entry.resource_id, entry.request_id, entry.actor) == (str(gone.id), "req-6", "tester")


def test_runs_are_archived_in_any_status_and_one_again(caller: Client) -> None:
    runs = [queued_run(), running_run(), ended_run()]
    for _ in range(2):
        found = judged(caller, "archive", [run.id for run in runs] + [UUID(int=0)])
        assert [one["status"] for one in found] == ["archived"] * 3 + ["failed"]
    assert all(fresh(run).archived_at for run in runs)
    assert AuditEntry.objects.filter(action="run.archived").count() == 3


def test_runs_are_cancelled_and_who_wanted_it_and_why_is_on_record(caller: Client) -> None:
    queued, ended = queued_run(), ended_run()
    found = judged(caller, "cancel", [queued.id, ended.id, UUID(int=0)])

    assert found == [
        {"runId": str(queued.id), "ok": True, "status": "cancelled"},
        failed(ended.id, "INVALID_STATE_TRANSITION", "run is completed and cannot be cancelled"),
        failed(UUID(int=0), "RUN_NOT_FOUND", "There is no such run."),
    ]
    assert fresh(queued).status == "cancelled"
    assert AuditEntry.objects.get(action="run.cancelled").details == {"reason": "batch cancel"}


def test_owners_are_waited_for_together_not_one_after_the_other(caller: Client) -> None:
    runs = [owned_run()[0] for _ in range(5)]
    with elsewhere() as start:
        asking = start(lambda: judged(caller, "cancel", [run.id for run in runs]))
        # It should have asked every owner before the first of them answers.
        deadline = time.monotonic() + PATIENCE_SECONDS
        while Run.objects.filter(wanted="cancel").count() < len(runs):
            assert time.monotonic() < deadline, "not every owner was asked"
            assert not asking.done(), asking.result()
            threading.Event().wait(0.02)
        for run in runs:
            end_run(run.id, Verdict(code=EndingCode.CANCELLED, decided_by=DecidedBy.API), epoch=run.lease_epoch)
        assert {(one["ok"], one["status"]) for one in asking.result()} == {(True, "cancelled")}


def test_an_owner_that_does_not_answer_is_that_runs_failure_alone(caller: Client, settings: Settings) -> None:
    settings.RUNTIME_REQUEST_TIMEOUT_MS = 200
    silent, queued = owned_run()[0], queued_run()
    first, second = judged(caller, "cancel", [silent.id, queued.id])
    assert (first["ok"], first["error"]["errorCode"]) == (False, "RUNTIME_TIMEOUT")
    assert (second["ok"], second["status"]) == (True, "cancelled")


def test_a_run_that_is_named_twice_is_judged_once_and_told_twice() -> None:
    run_id, begun = uuid4(), []
    outcomes = judge_each([run_id, run_id], begun.append, at_once=2)
    assert begun == [run_id]
    assert outcomes == [Outcome(run_id, Fate.DONE)] * 2


def test_a_defect_with_one_run_is_told_without_internals_and_costs_the_others_nothing(caller: Client) -> None:
    broken, fine = ended_run(), ended_run()
    with connection.cursor() as cursor:
        rule = f"CHECK (resource_id <> '{broken.id}') NOT VALID"
        cursor.execute(f"ALTER TABLE runs_auditentry ADD CONSTRAINT full_up {rule}")
    try:
        first, second = judged(caller, "delete", [broken.id, fine.id])
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE runs_auditentry DROP CONSTRAINT full_up")
    assert (first["error"]["errorCode"], "full_up" in first["error"]["message"]) == ("INTERNAL_ERROR", False)
    assert second["ok"]
    assert Run.objects.filter(id=broken.id).exists()


@pytest.mark.parametrize("what", WHATS)
@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({}, "runIds"),
        ({"runIds": None}, "runIds"),
        ({"runIds": []}, "runIds"),
        ({"runIds": "all"}, "runIds"),
        ({"runIds": [str(uuid4()) for _ in range(201)]}, "runIds"),
        ({"runIds": [str(UUID(int=1)), "none"]}, "runIds[1]"),
        ({"runIds": [7]}, "runIds[0]"),
        ({"runIds": [str(UUID(int=1))], "reason": "so"}, "reason"),
    ],
)
def test_a_body_that_breaks_a_rule_is_refused_with_its_path_a14(
    caller: Client, what: str, body: object, path: str
) -> None:
    response = post(caller, what, body)
    assert (response.status_code, response.json()["errorCode"]) == (400, "VALIDATION_ERROR")
    assert [fault["path"] for fault in response.json()["details"]["errors"]] == [path]


def test_two_hundred_runs_are_not_too_many(caller: Client) -> None:
    assert len(judged(caller, "archive", [uuid4() for _ in range(200)])) == 200


@pytest.mark.parametrize(
    ("what", "scope"), [("cancel", "runs:cancel"), ("archive", "runs:write"), ("delete", "runs:delete")]
)
def test_a_batch_needs_the_scope_of_the_single_action_d05(client: Client, what: str, scope: str) -> None:
    run = ended_run()
    others = {"runs:read", "runs:write", "runs:cancel", "runs:delete", "signals:write", "admin:write"} - {scope}
    assert post(client, what, [run.id]).status_code == 401
    response = post(client, what, [run.id], Authorization=stored_key(*others).header)
    assert (response.status_code, response.json()["details"]) == (403, {"scope": scope})
    allowed = post(client, what, [uuid4()], Authorization=stored_key(scope).header)
    assert allowed.status_code == 201


@pytest.mark.parametrize("what", WHATS)
def test_the_word_batch_is_never_taken_for_a_run_id_a07(caller: Client, what: str) -> None:
    response = caller.get(f"/runs/batch/{what}")
    assert (response.status_code, response["Allow"]) == (405, "POST, OPTIONS")


# --- judging ----------------------------------------------------------------------------------------------------------


def test_what_is_not_done_in_time_is_pending_and_nothing_more_is_begun() -> None:
    done, stuck, never = uuid4(), uuid4(), uuid4()
    begun: list[UUID] = []
    may_end, has_ended = threading.Event(), threading.Event()

    def act(run_id: UUID) -> None:
        begun.append(run_id)
        if run_id == stuck:
            assert may_end.wait(PATIENCE_SECONDS)
            has_ended.set()

    outcomes = judge_each([done, stuck, never], act, at_once=1, within_s=0.5)
    may_end.set()

    assert [outcome.fate for outcome in outcomes] == [Fate.DONE, Fate.PENDING, Fate.PENDING]
    assert has_ended.wait(PATIENCE_SECONDS), "what had begun should come to its end"
    assert begun == [done, stuck]


def test_a_pending_run_is_told_as_such() -> None:
    run_id = uuid4()
    told = outcome_document(Outcome(run_id, Fate.PENDING), done="archived")
    assert told == {"runId": str(run_id), "ok": False, "status": "pending"}


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (RunNotFound(), "RUN_NOT_FOUND"),
        (OperationalError("the host db-7 is away"), "SERVICE_UNAVAILABLE"),
        (Fenced("epoch 7"), "INTERNAL_ERROR"),
        (ZeroDivisionError("internal words"), "INTERNAL_ERROR"),
    ],
)
def test_every_error_is_told_by_a_code_and_without_internals(error: Exception, code: str) -> None:
    def act(run_id: UUID) -> None:
        raise error

    (outcome,) = judge_each([uuid4()], act, at_once=1)
    assert (outcome.fate, outcome.error_code) == (Fate.FAILED, code)
    assert not any(word in outcome.message for word in ("db-7", "epoch", "internal words"))


def test_what_is_logged_of_a_run_names_the_request() -> None:
    named: list[str] = []
    with log_context(request_id="req-8"):
        judge_each([uuid4()], lambda run_id: named.append(current_request_id()), at_once=1)
    assert named == ["req-8"]
