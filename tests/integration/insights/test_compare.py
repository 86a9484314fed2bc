"""POST /runs/compare: every difference by its name, right less left (A07)."""

import orjson
import pytest
from django.http import HttpResponse
from django.test import Client

from runs.domain.projection.bounds import SIGNALS
from runs.models import Project, Run
from runs.models.identity import uuid7
from runs.recorder import record
from tests.cast import running_run
from tests.integration.insights import conversations as said
from tests.integration.runs.conftest import store_run

pytestmark = pytest.mark.django_db


def post(caller: Client, body: object) -> HttpResponse:
    response: HttpResponse = caller.post("/runs/compare", body, content_type="application/json")
    return response


def compared(caller: Client, left: Run, right: Run) -> dict[str, object]:
    response = post(caller, {"leftRunId": str(left.id), "rightRunId": str(right.id)})
    assert response.status_code == 201, response.content
    document: dict[str, object] = orjson.loads(response.content)
    return document


def test_two_ended_runs_differ_in_status_duration_confidence_participants_and_signals(caller: Client) -> None:
    left = said.failed(said.talked(said.proposed("alice", 0.9), said.signalled("alice", "alarm")))
    right = said.resolved(
        said.talked(said.proposed("alice", 0.4), said.signalled("carol", "calm"), said.signalled("carol", "calm"))
    )
    document = compared(caller, left, right)
    durations = [run.metadata["durationMs"] for run in (left, right)]

    assert document == {
        "left": {"runId": str(left.id), "status": "failed", "modeName": left.mode_name, "durationMs": durations[0]},
        "right": {
            "runId": str(right.id),
            "status": "completed",
            "modeName": left.mode_name,
            "durationMs": durations[1],
        },
        "statusMatch": False,
        "durationDeltaMs": durations[1] - durations[0],
        "confidenceDelta": -0.5,
        "participantsDiff": {"added": ["carol"], "removed": [], "common": ["alice"]},
        "signalsDiff": {"added": ["calm"], "removed": ["alarm"]},
    }


def test_a_run_has_no_difference_to_itself(caller: Client) -> None:
    run = said.talked(said.proposed("alice", 0.9), said.signalled("alice", "alarm"))
    document = compared(caller, run, run)

    assert (document["statusMatch"], document["durationDeltaMs"], document["confidenceDelta"]) == (True, 0, 0)
    assert document["participantsDiff"] == {"added": [], "removed": [], "common": ["alice"]}
    assert document["signalsDiff"] == {"added": [], "removed": []}


def test_what_only_one_of_them_has_is_no_delta(caller: Client) -> None:
    document = compared(caller, store_run(), running_run())

    assert set(document["left"]) == {"runId", "status"}  # type: ignore[call-overload]
    assert not {"durationDeltaMs", "confidenceDelta"} & set(document)


def test_signals_that_the_state_has_let_go_are_compared_too(caller: Client) -> None:
    left = said.talked(said.signalled("alice", "first"))
    right = said.talked(said.signalled("alice", "first"))
    record(right.id, [said.signalled("alice", "again") for _ in range(SIGNALS)], epoch=None)

    assert compared(caller, left, right)["signalsDiff"] == {"added": ["again"], "removed": []}


def test_an_unknown_run_on_either_side_is_not_found(caller: Client) -> None:
    run, project = running_run(), Project.objects.create(name="other", slug="other")
    for other in (uuid7(), running_run(project_id=project.id).id):
        for left, right in ((run.id, other), (other, run.id)):
            response = post(caller, {"leftRunId": str(left), "rightRunId": str(right)})
            assert (response.status_code, orjson.loads(response.content)["errorCode"]) == (404, "RUN_NOT_FOUND")


@pytest.mark.parametrize(
    ("body", "paths"),
    [
        ({}, ["leftRunId", "rightRunId"]),
        ({"leftRunId": "x", "rightRunId": 1}, ["rightRunId", "leftRunId"]),
        ({"leftRunId": "0" * 36, "rightRunId": "x", "also": 1}, ["leftRunId", "rightRunId", "also"]),
        ([], [""]),  # the parser takes objects only
    ],
)
def test_every_fault_of_a_body_is_named(caller: Client, body: object, paths: list[str]) -> None:
    response = post(caller, body)

    assert response.status_code == 400
    assert {error["path"] for error in orjson.loads(response.content)["details"]["errors"]} == set(paths)


def test_the_path_is_never_taken_for_the_id_of_a_run_a07(caller: Client) -> None:
    response = caller.get("/runs/compare")

    assert (response.status_code, response["Allow"]) == (405, "POST, OPTIONS")
