"""DELETE /runs/{id}: an ended run is gone with everything of it, and nobody else notices more than that it is gone."""

import re
import time
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.apps import apps
from django.db import IntegrityError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django.fixtures import Settings

from runs import hub
from runs.audit import Actor
from runs.bridge import rows
from runs.domain.endings import DecidedBy, EndingCode, Verdict
from runs.ending import end_run
from runs.ending.cleanup import DueCleanup, claim_cleanups, give_up
from runs.errors import RunNotFound
from runs.idempotency import claim_or_answer, keyed_request
from runs.models import Artifact, AuditEntry, Event, LateObservation, Run, RuntimeSession, Ticket, erasing
from runs.models.identity import uuid7
from runs.models.project import DEFAULT_PROJECT_ID
from runs.observer.launch_steps import start_id
from runs.operations import artifact
from runs.operations.artifact import Adding, NewArtifact
from runs.operations.delete import delete_run
from runs.operations.ticket import Issuer, issue_ticket
from runs.queries import settled_before
from runs.recorder import quarantine, record
from runs.streaming import run_feed
from tests.cast import envelope, fresh, queued_message, queued_run, running_run
from tests.integration.runs.conftest import append
from tests.keys import stored_key
from tests.meanwhile import PATIENCE_SECONDS, elsewhere, held, wait_until_somebody_waits
from tests.played import OPENED, PlayedSession, Silence, observe, owned
from tests.run_lists import viewing

pytestmark = pytest.mark.django_db(transaction=True)


def ended_run() -> Run:
    """A run with something in every table there is for runs."""
    run = running_run()
    record(run.id, [envelope(number) for number in range(5)], epoch=None)
    queued_message(fresh(run))
    end_run(run.id, Verdict(code=EndingCode.RESOLVED), epoch=None)
    quarantine(run.id, [envelope("late")])
    Artifact.objects.create(run_id=run.id, kind="json", label="a result")
    issue_ticket(project_id=run.project_id, run_id=run.id, issuer=Issuer(name="t", credential="c"))
    under = f"/runs/{run.id}/messages"
    asked = keyed_request(
        project_id=run.project_id,
        run_id=run.id,
        route="POST /runs/{}/messages",
        path=under,
        key="once",
        query={},
        body={},
    )
    claim_or_answer(asked)
    return fresh(run)


def left_of(run: Run) -> dict[str, int]:
    """How many rows refer to the run, by table."""
    left = {"Run": Run.objects.filter(id=run.id).count()}
    for model in apps.get_app_config("runs").get_models():
        if any(field.name == "run" for field in model._meta.concrete_fields):
            left[model.__name__] = model._default_manager.filter(run_id=run.id).count()
    return left


def delete(run_id: UUID) -> None:
    delete_run(project_id=DEFAULT_PROJECT_ID, run_id=run_id, actor=Actor("tester"), request_id=None)


def refused(response: Any) -> tuple[int, str]:
    return response.status_code, response.json()["errorCode"]


def test_everything_of_the_run_is_gone_and_nothing_of_another(caller: Client) -> None:
    run, other = ended_run(), fresh(queued_run())
    before = left_of(other)
    assert 0 not in left_of(run).values(), "the run should have something in every table"
    response = caller.delete(f"/runs/{run.id}")

    assert (response.status_code, response.content) == (204, b"")
    assert set(left_of(run).values()) == {0}
    assert left_of(other) == before
    assert refused(caller.get(f"/runs/{run.id}")) == (404, "RUN_NOT_FOUND")


def test_who_deleted_it_stays_in_the_audit_list_d11(caller: Client) -> None:
    run = ended_run()
    caller.delete(f"/runs/{run.id}", headers={"X-Request-Id": "req-1"})

    entry = AuditEntry.objects.get(action="run.deleted")
    assert (entry.resource, entry.resource_id, entry.actor) == ("run", str(run.id), "tester")
    assert (entry.request_id, entry.details) == ("req-1", {"status": "completed", "lastEventSeq": run.last_seq})


def test_an_audit_entry_that_cannot_be_written_leaves_the_run_whole_d11(caller: Client) -> None:
    run = ended_run()
    before = left_of(run)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE runs_auditentry ADD CONSTRAINT full_up CHECK (action <> 'run.deleted') NOT VALID")
    try:
        assert caller.delete(f"/runs/{run.id}").status_code == 500
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE runs_auditentry DROP CONSTRAINT full_up")
    assert left_of(run) == before


@pytest.mark.parametrize("make", [queued_run, running_run])
def test_a_run_that_has_not_ended_is_not_deleted(caller: Client, make: Any) -> None:
    run = make()
    before = left_of(run)
    response = caller.delete(f"/runs/{run.id}")

    assert refused(response) == (409, "INVALID_STATE_TRANSITION")
    assert response.json()["details"] == {"from": run.status}
    assert left_of(run) == before
    assert not AuditEntry.objects.exists()


def test_a_run_is_not_deleted_before_its_clean_up_is_done_or_given_up(caller: Client) -> None:
    run = running_run()
    RuntimeSession.objects.filter(run_id=run.id).update(
        start_envelope=b"start", start_message_id=start_id(run.id), start_sent_at=run.created_at
    )
    end_run(run.id, Verdict(code=EndingCode.CANCELLED, decided_by=DecidedBy.API), epoch=None)
    before = left_of(run)
    response = caller.delete(f"/runs/{run.id}")

    assert refused(response) == (409, "INVALID_STATE_TRANSITION")
    assert response.json()["details"] == {"reason": "cleanup_pending"}
    assert left_of(run) == before
    give_up(claim_cleanups()[0], "nobody there")
    assert caller.delete(f"/runs/{run.id}").status_code == 204


def test_a_run_nobody_knows_and_one_that_is_gone_are_not_found(caller: Client) -> None:
    run = ended_run()
    assert caller.delete(f"/runs/{run.id}").status_code == 204
    for run_id in (run.id, uuid4()):
        assert refused(caller.delete(f"/runs/{run_id}")) == (404, "RUN_NOT_FOUND")
    assert refused(caller.delete("/runs/none")) == (400, "VALIDATION_ERROR")


def test_only_a_key_of_its_project_with_the_scope_deletes_it_d05(client: Client) -> None:
    run = ended_run()
    everything_else = stored_key("runs:read", "runs:write", "runs:cancel", "signals:write", "admin:write")
    stranger = stored_key("runs:delete", project_id=uuid7())

    missing = client.delete(f"/runs/{run.id}", headers={"authorization": everything_else.header})
    assert (missing.status_code, missing.json()["details"]) == (403, {"scope": "runs:delete"})
    assert client.delete(f"/runs/{run.id}", headers={"authorization": stranger.header}).status_code == 404
    assert left_of(run)["Run"] == 1


def test_no_statement_takes_more_of_a_log_than_a_slice(monkeypatch: pytest.MonkeyPatch) -> None:
    run = ended_run()
    monkeypatch.setattr(erasing, "SLICE", 3)
    with CaptureQueriesContext(connection) as captured:
        delete(run.id)

    statements = " ".join(
        query["sql"] for query in captured.captured_queries if "DELETE FROM runs_event" in query["sql"]
    )
    slices = [(int(first), int(last)) for first, last in re.findall(r"BETWEEN (\d+) AND (\d+)", statements)]
    assert slices == [(first, first + 2) for first in range(1, run.last_seq + 1, 3)]
    assert set(left_of(run).values()) == {0}


def test_nothing_can_be_deleted_from_a_log_afterwards_p6() -> None:
    run, other = ended_run(), ended_run()
    delete(run.id)
    with pytest.raises(IntegrityError, match="append-only"), connection.cursor() as cursor:
        cursor.execute("DELETE FROM runs_event WHERE run_id = %s", [other.id])
    assert Event.objects.filter(run_id=other.id).count() == other.last_seq


def test_of_two_who_delete_a_run_at_once_one_has_deleted_it(caller: Client) -> None:
    run = ended_run()
    with held(lambda: delete(run.id)) as first, elsewhere() as start:
        second = start(lambda: caller.delete(f"/runs/{run.id}"))
        wait_until_somebody_waits()
        first.commit()
        assert refused(second.result()) == (404, "RUN_NOT_FOUND")
    assert AuditEntry.objects.filter(action="run.deleted").count() == 1


def test_a_ticket_that_is_made_while_its_run_is_deleted_is_not_found(caller: Client) -> None:
    run = ended_run()
    body = {"runId": str(run.id)}
    with held(lambda: delete(run.id)) as deleting, elsewhere() as start:
        asking = start(lambda: caller.post("/stream-tickets", body, content_type="application/json"))
        wait_until_somebody_waits()  # with its commit: the foreign key is checked there
        deleting.commit()
        assert refused(asking.result()) == (404, "RUN_NOT_FOUND")
    assert not Ticket.objects.exists()


def test_an_artifact_that_is_added_while_its_run_is_deleted_is_not_found(caller: Client) -> None:
    run = ended_run()
    body = {"kind": "log", "label": "a log"}
    with held(lambda: delete(run.id)) as deleting, elsewhere() as start:
        adding = start(lambda: caller.post(f"/runs/{run.id}/artifacts", body, content_type="application/json"))
        wait_until_somebody_waits()
        deleting.commit()
        assert refused(adding.result()) == (404, "RUN_NOT_FOUND")
    assert not Artifact.objects.exists()


def test_an_artifact_that_comes_late_is_not_stored_for_a_run_that_is_being_deleted() -> None:
    run = ended_run()
    adding = Adding(project_id=run.project_id, run_id=run.id, actor=Actor("tester"), request_id=None)
    with held(lambda: delete(run.id)) as deleting, elsewhere() as start:
        late = start(lambda: artifact._add_late(NewArtifact(kind="log", label="a log"), adding))
        wait_until_somebody_waits()
        deleting.commit()
        with pytest.raises(RunNotFound):
            late.result()


def test_the_feed_across_runs_does_not_wait_for_a_deletion() -> None:
    run, other = ended_run(), queued_run()
    with held(lambda: delete(run.id)):
        append(other)
        newest = Event.objects.filter(run_id=other.id).order_by("-seq").values_list("ts", flat=True)[0]
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not newest < settled_before():  # it takes a millisecond
            assert time.monotonic() < deadline, "the feed waits"


async def test_whoever_follows_a_list_is_told_though_the_nudge_is_lost(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    settings.STREAM_POLL_MS = 50
    monkeypatch.setattr(run_feed, "OVERLAP", timedelta(milliseconds=2))  # its last events are not found again
    run = await rows(ended_run)
    nudged: list[UUID] = []
    monkeypatch.setattr(hub, "nudge", nudged.append)
    async with viewing() as (viewer, listed):
        assert listed == [str(run.id)]
        await rows(delete, run.id)
        await viewer.until_removed(run.id)
    assert nudged == [run.id]


async def test_an_observer_that_still_watches_it_lets_go(caplog: pytest.LogCaptureFixture) -> None:
    run = await rows(running_run)
    ours = await rows(owned, run)
    await rows(end_run, run.id, Verdict(code=EndingCode.RESOLVED), epoch=None)
    await rows(delete, run.id)
    await observe(ours, PlayedSession([[OPENED, envelope(1), Silence()]], [Silence()]))

    assert "is no longer ours" in caplog.text
    assert "defect" not in caplog.text


def test_what_comes_late_for_it_is_not_kept_and_no_clean_up_of_it_fails() -> None:
    run = ended_run()
    delete(run.id)
    assert quarantine(run.id, [envelope("later")]) == 0
    give_up(DueCleanup(run.id, 1), "nobody there")
    assert not LateObservation.objects.exists()
