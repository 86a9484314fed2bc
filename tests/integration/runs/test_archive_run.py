"""POST /runs/{id}/archive and /unarchive: put on the shelf and brought back, in any status (E19)."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from runs import hub
from runs.audit import Actor
from runs.bridge import rows
from runs.domain.endings import EndingCode, Verdict
from runs.ending import end_run
from runs.models import AuditEntry, Run
from runs.models.identity import uuid7
from runs.models.project import DEFAULT_PROJECT_ID
from runs.operations.archive import archive_run, unarchive_run
from runs.streaming import run_feed
from tests.cast import fresh, queued_run, running_run
from tests.keys import stored_key
from tests.run_lists import viewing

pytestmark = pytest.mark.django_db

VERBS = ("archive", "unarchive")


def post(caller: Client, run_id: object, verb: str, body: object = None, **headers: str) -> Any:
    address = f"/runs/{run_id}/{verb}"
    if body is None:
        return caller.generic("POST", address, headers=headers)
    return caller.post(address, body, content_type="application/json", headers=headers)


def refused(response: Any) -> tuple[int, str]:
    return response.status_code, response.json()["errorCode"]


def listed(caller: Client, **query: str) -> list[str]:
    return [row["id"] for row in caller.get("/runs", query).json()["data"]]


def ended_run() -> Run:
    run = running_run()
    end_run(run.id, Verdict(code=EndingCode.RESOLVED), epoch=None)
    return fresh(run)


@pytest.mark.parametrize("make", [queued_run, running_run, ended_run])
def test_a_run_in_any_status_is_archived_and_lists_leave_it_out(caller: Client, make: Any) -> None:
    run = make()
    response = post(caller, run.id, "archive")

    assert response.status_code == 201
    assert response.json() == caller.get(f"/runs/{run.id}").json()
    assert response.json()["archivedAt"] is not None
    assert (response.json()["tags"], response.json()["status"]) == (["archived"], run.status)
    assert fresh(run).updated_at > run.updated_at
    assert (listed(caller), listed(caller, includeArchived="true")) == ([], [str(run.id)])
    assert listed(caller, includeArchived="true", tags="archived") == [str(run.id)]


def test_an_archived_run_is_brought_back_e19(caller: Client) -> None:
    run = queued_run(tags=["a"])
    post(caller, run.id, "archive")
    response = post(caller, run.id, "unarchive")

    assert response.status_code == 201
    assert (response.json()["archivedAt"], response.json()["tags"]) == (None, ["a"])
    assert listed(caller) == [str(run.id)]


def test_archived_again_it_keeps_its_first_time_and_one_tag(caller: Client) -> None:
    run = queued_run(tags=["archived", "a"])
    first = post(caller, run.id, "archive").json()
    assert post(caller, run.id, "archive").json() == first
    assert first["tags"] == ["archived", "a"]


def test_each_change_is_in_the_audit_list_once_d11(caller: Client) -> None:
    run = queued_run()
    for verb in ("archive", "archive", "unarchive", "unarchive"):
        post(caller, run.id, verb, **{"X-Request-Id": f"req-{verb}"})

    entries = AuditEntry.objects.order_by("created_at", "id")
    assert [(entry.action, entry.request_id) for entry in entries] == [
        ("run.archived", "req-archive"),
        ("run.unarchived", "req-unarchive"),
    ]
    assert {(entry.resource, entry.resource_id, entry.actor) for entry in entries} == {("run", str(run.id), "tester")}


@pytest.mark.parametrize("verb", VERBS)
def test_a_run_nobody_knows_and_one_of_another_project_are_not_found(caller: Client, client: Client, verb: str) -> None:
    run = queued_run()
    stranger = stored_key("runs:write", project_id=uuid7())
    assert refused(post(caller, uuid4(), verb)) == (404, "RUN_NOT_FOUND")
    assert refused(post(client, run.id, verb, Authorization=stranger.header)) == (404, "RUN_NOT_FOUND")
    assert fresh(run).archived_at is None


@pytest.mark.parametrize("verb", VERBS)
def test_who_may_not_write_may_not_shelve_d05(client: Client, verb: str) -> None:
    run = queued_run()
    reader = stored_key("runs:read", "runs:cancel", "runs:delete")
    response = post(client, run.id, verb, Authorization=reader.header)
    assert (response.status_code, response.json()["details"]) == (403, {"scope": "runs:write"})
    assert refused(post(client, run.id, verb)) == (401, "UNAUTHENTICATED")


@pytest.mark.parametrize("verb", VERBS)
def test_an_id_that_is_none_and_a_body_that_says_something_are_faults(caller: Client, verb: str) -> None:
    assert refused(post(caller, "none", verb)) == (400, "VALIDATION_ERROR")
    response = post(caller, queued_run().id, verb, {"reason": "so"})
    assert refused(response) == (400, "VALIDATION_ERROR")
    assert [fault["path"] for fault in response.json()["details"]["errors"]] == ["reason"]


@pytest.mark.django_db(transaction=True)
async def test_whoever_follows_a_list_is_told_though_the_nudge_is_lost(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    settings.STREAM_POLL_MS = 50
    monkeypatch.setattr(run_feed, "OVERLAP", timedelta(milliseconds=2))  # its last events are not found again
    run = await rows(queued_run)
    nudged: list[object] = []
    monkeypatch.setattr(hub, "nudge", nudged.append)
    asked: dict[str, Any] = {
        "project_id": DEFAULT_PROJECT_ID,
        "run_id": run.id,
        "actor": Actor("tester"),
        "request_id": None,
    }
    async with viewing() as (viewer, _):
        await rows(lambda: archive_run(**asked))
        await viewer.until_removed(run.id)
        await rows(lambda: unarchive_run(**asked))
        await viewer.until(run.id, archivedAt=None)
    assert nudged == [run.id, run.id]
