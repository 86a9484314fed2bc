"""POST /runs/{id}/recover: a run that nobody watches is taken over at once; one whose observer lives is left alone."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from runs.models import AuditEntry, Event, Observer, Project, Run
from runs.models.identity import uuid7
from runs.observer import lease, supervisor
from tests.cast import fresh, queued_run
from tests.integration.runs.test_cancel_run import SILENT, lose_by_declaration, lose_nobody
from tests.integration.runs.test_lease import age
from tests.integration.runs.test_observe_run import launch
from tests.invariants import assert_invariants
from tests.observing import observing, silent_run, wait_for
from tests.steered import bind, cancel

pytestmark = pytest.mark.django_db(transaction=True)

LEASE_S = 30
SILENT_S = LEASE_S * 2 / 3


def recover(caller: Client, run_id: object, body: object = None, **headers: str) -> tuple[int, dict[str, Any]]:
    address = f"/runs/{run_id}/recover"
    response = caller.post(address, body or {}, content_type="application/json", headers=headers)
    return response.status_code, response.json()


def told(answer: tuple[int, dict[str, Any]]) -> tuple[int, str]:
    return answer[0], answer[1]["errorCode"]


@pytest.fixture
def run(settings: Settings) -> Run:
    """A running run, owned by an observer that has just beaten and is nowhere."""
    settings.OBSERVER_LEASE_S = LEASE_S
    run_id = launch(runtime=SILENT)
    bind(run_id)
    lease.claim(lease.register(), 1, only=run_id)
    return fresh(Run.objects.get(id=run_id))


def owner(run: Run) -> UUID:
    assert run.observer_id is not None
    return run.observer_id


def fall_silent(observer: UUID) -> None:
    age(observer, SILENT_S + 0.5)


LOST: list[Callable[[UUID], None]] = [lose_nobody, lose_by_declaration, fall_silent]


@pytest.mark.parametrize("lose", LOST)
def test_a_run_that_nobody_watches_is_taken_over_before_the_lease_of_its_owner_is_over(
    lose: Callable[[UUID], None], run: Run, caller: Client, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    # It should be called: by itself it looks for work long after the test.
    settings.OBSERVER_SWEEP_S = 600
    monkeypatch.setattr(supervisor, "POLL_SECONDS", 600)
    with observing():
        has_looked = silent_run()
        lose(owner(run))
        status, document = recover(caller, run.id)
        found = {lose_nobody: "no_owner", lose_by_declaration: "owner_lost", fall_silent: "owner_silent"}[lose]
        assert (status, document) == (
            201,
            {"runId": str(run.id), "status": "running", "found": found, "takenOver": True},
        )
        assert (fresh(run).lease_epoch, fresh(run).observer_id != run.observer_id) == (run.lease_epoch + 1, True)
        wait_for(lambda: Event.objects.filter(run_id=run.id, data__contains='"recovery":"reattached"').exists(), "it")
        for one in (run.id, has_looked):
            cancel(one)
    assert Event.objects.filter(run_id=run.id, type="run.cancelled").count() == 1
    assert_invariants()


def test_nothing_is_done_to_a_run_whose_owner_lives_however_often_it_is_asked_for(run: Run, caller: Client) -> None:
    age(owner(run), SILENT_S - 2)
    with observing():
        wait_for(lambda: Observer.objects.count() == 2, "the other observer")
        answers = [recover(caller, run.id) for _ in range(3)]
        assert (
            answers
            == [(201, {"runId": str(run.id), "status": "running", "found": "owner_lives", "takenOver": False})] * 3
        )
    assert (fresh(run).lease_epoch, fresh(run).observer_id) == (run.lease_epoch, run.observer_id)
    assert Observer.objects.get(id=owner(run)).lost_at is None
    assert lease.beat(owner(run))


def test_a_run_that_nobody_has_launched_yet_is_launched(caller: Client) -> None:
    with observing():
        wait_for(Observer.objects.exists, "the observer")
        run_id = launch(runtime=SILENT)
        status, document = recover(caller, run_id)
        assert (status, document["takenOver"] or document["found"] == "owner_lives") == (201, True)
        cancel(run_id)


def test_a_run_that_has_ended_is_409(run: Run, caller: Client) -> None:
    lose_nobody(owner(run))
    cancel(run.id, unowned_s=0)
    status, document = recover(caller, run.id)
    assert (status, document["errorCode"]) == (409, "INVALID_STATE_TRANSITION")
    assert document["details"] == {"from": "cancelled"}
    assert not AuditEntry.objects.filter(action="run.recovery_requested").exists()


def test_without_an_observer_it_is_503_at_once_and_the_next_one_takes_the_run(run: Run, caller: Client) -> None:
    fall_silent(owner(run))
    status, document = recover(caller, run.id)
    assert (status, document["errorCode"]) == (503, "RUNTIME_UNAVAILABLE")
    assert "the next one that starts" in document["message"]
    assert Observer.objects.get(id=owner(run)).lost_at is not None
    with observing():
        wait_for(lambda: fresh(run).lease_epoch == run.lease_epoch + 1, "the take-over")


def test_where_no_observer_takes_it_in_time_it_is_504(run: Run, caller: Client, settings: Settings) -> None:
    settings.RUNTIME_REQUEST_TIMEOUT_MS = 100
    lease.register()  # it beats, and has no room
    lose_nobody(owner(run))
    assert told(recover(caller, run.id)) == (504, "RUNTIME_TIMEOUT")


def test_where_observers_take_nothing_over_that_is_said_and_nobody_is_declared_lost(
    run: Run, caller: Client, settings: Settings
) -> None:
    settings.RUN_RECOVERY_ENABLED = False
    fall_silent(owner(run))
    status, document = recover(caller, run.id)
    assert (status, document["errorCode"], document["details"]) == (409, "CONFLICT", {"reason": "recovery_disabled"})
    assert Observer.objects.get(id=owner(run)).lost_at is None
    assert not AuditEntry.objects.filter(action="run.recovery_requested").exists()


def test_who_asked_for_it_is_in_the_audit_list_also_where_nothing_was_to_be_done(run: Run, caller: Client) -> None:
    recover(caller, run.id, **{"X-Request-Id": "req-7"})
    lose_by_declaration(owner(run))
    recover(caller, run.id)  # nobody is there to take it, and it was asked for
    entries = AuditEntry.objects.filter(action="run.recovery_requested").order_by("id")
    assert [one.details for one in entries] == [
        {"found": "owner_lives", "leaseEpoch": run.lease_epoch},
        {"found": "owner_lost", "leaseEpoch": run.lease_epoch},
    ]
    assert (entries[0].actor, entries[0].resource_id, entries[0].request_id) == ("tester", str(run.id), "req-7")


def test_a_request_that_is_repeated_under_its_key_is_answered_as_it_was(run: Run, caller: Client) -> None:
    first = recover(caller, run.id, **{"Idempotency-Key": "once"})
    lose_nobody(owner(run))
    assert recover(caller, run.id, **{"Idempotency-Key": "once"}) == first


def test_unknown_runs_those_of_others_and_bodies_are_refused(run: Run, caller: Client) -> None:
    other = queued_run(project=Project.objects.create(name="Other", slug="other"))
    assert told(recover(caller, uuid7())) == told(recover(caller, other.id)) == (404, "RUN_NOT_FOUND")
    assert told(recover(caller, "seven")) == (400, "VALIDATION_ERROR")
    status, document = recover(caller, run.id, {"force": True})
    assert (status, document["details"]["errors"][0]["path"]) == (400, "force")
