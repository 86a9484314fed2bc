"""GET and POST /runs/{id}/artifacts, GET /runs/{id}/traces: what a run made or refers to."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from runs.domain.endings import EndingCode, Verdict
from runs.domain.events import Draft, EventType
from runs.ending import end_run
from runs.models import Artifact, AuditEntry, Event, Run
from runs.models.identity import uuid7
from runs.operations import artifact as operation
from runs.recorder import record
from tests.cast import fresh, queued_run, running_run
from tests.invariants import types_of
from tests.keys import stored_key

pytestmark = pytest.mark.django_db

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
WHOLE = {
    "kind": "report",
    "label": "the verdict",
    "uri": "https://files.example/a?b=c",
    "inline": {"b": [1, 2.5], "a": None},
}
SECRET = "sk-ant-" + "api03-abcdefghijklmnopqrstuvwxyz0123456789"


def add(caller: Client, run_id: object, body: object = None, **headers: str) -> Any:
    return caller.post(f"/runs/{run_id}/artifacts", body or WHOLE, content_type="application/json", headers=headers)


def listed(caller: Client, run_id: object, **query: str | int) -> Any:
    response = caller.get(f"/runs/{run_id}/artifacts", query)
    assert response.status_code == 200, response.content
    return response.json()


def refused(response: Any) -> tuple[int, str]:
    return response.status_code, response.json()["errorCode"]


def faults(response: Any) -> list[str]:
    assert refused(response) == (400, "VALIDATION_ERROR")
    return [fault["path"] for fault in response.json()["details"]["errors"]]


def ended_run(**columns: object) -> Run:
    run = running_run(**columns)
    end_run(run.id, Verdict(code=EndingCode.RESOLVED), epoch=None)
    return fresh(run)


def test_an_artifact_is_stored_and_shown_as_it_was_given(caller: Client) -> None:
    run = running_run()
    response = add(caller, run.id)

    assert response.status_code == 201
    row = response.json()
    assert set(row) == {"id", "runId", "createdAt", *WHOLE}
    assert {name: row[name] for name in WHOLE} == WHOLE
    assert row["runId"] == str(run.id)
    assert listed(caller, run.id) == [row]


def test_what_was_not_given_is_left_out(caller: Client) -> None:
    row = add(caller, running_run().id, {"kind": "log", "label": "a log", "uri": None}).json()
    assert set(row) == {"id", "runId", "kind", "label", "createdAt"}


def test_an_event_tells_of_it_and_counts_it(caller: Client) -> None:
    run = running_run(trace_id=TRACE)
    row = add(caller, run.id).json()

    event = caller.get(f"/runs/{run.id}/events").json()[-1]
    assert event["type"] == "artifact.created"
    assert event["subject"] == {"kind": "artifact", "id": row["id"]}
    assert event["source"] == {"kind": "control-plane", "name": "api"}
    assert event["data"] == {
        "artifactId": row["id"],
        "kind": "report",
        "label": "the verdict",
        "traceId": TRACE,
        "uri": WHOLE["uri"],
    }
    assert event["ts"] == row["createdAt"]
    state = caller.get(f"/runs/{run.id}/state").json()
    assert state["trace"]["linkedArtifacts"] == [row["id"]]


def test_a_run_that_is_queued_may_have_artifacts_too(caller: Client) -> None:
    run = queued_run()
    add(caller, run.id, {"kind": "json", "label": "input", "inline": {}})
    assert types_of(run.id) == ["run.created", "artifact.created"]
    assert "traceId" not in caller.get(f"/runs/{run.id}/events").json()[-1]["data"]


def test_of_an_ended_run_the_row_is_stored_alone(caller: Client) -> None:
    run = ended_run()
    row = add(caller, run.id).json()

    assert listed(caller, run.id) == [row]
    assert fresh(run).last_seq == run.last_seq
    assert types_of(run.id)[-1] == "run.completed"


def test_who_added_it_is_in_the_audit_list_once_d11(caller: Client) -> None:
    for run in (running_run(), ended_run()):
        row = add(caller, run.id, **{"X-Request-Id": "req-3"}).json()
        entry = AuditEntry.objects.get(action="artifact.created", resource_id=row["id"])
        assert entry.resource == "artifact"
        assert (entry.details, entry.actor, entry.request_id) == (
            {"runId": str(run.id), "kind": "report"},
            "tester",
            "req-3",
        )


def test_row_event_and_audit_entry_come_together_or_not_at_all_b01(
    caller: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*arguments: object) -> Draft:
        raise RuntimeError("the machine is on fire")

    run = running_run()
    monkeypatch.setattr(operation, "_created", broken)
    assert add(caller, run.id).status_code == 500
    assert (Artifact.objects.count(), AuditEntry.objects.count()) == (0, 0)
    assert "artifact.created" not in types_of(run.id)


def test_no_secret_is_kept_of_it_d13(caller: Client) -> None:
    run = running_run()
    body = {
        "kind": "json",
        "label": f"key {SECRET}",
        "uri": f"https://files.example/?key={SECRET}",
        "inline": {"password": "hunter2hunter2", "text": f"use {SECRET}"},
    }
    row = add(caller, run.id, body).json()
    shown = add(caller, ended_run().id, body).content.decode() + str(row)
    shown += str(listed(caller, run.id)) + str(caller.get(f"/runs/{run.id}/events").json())
    assert SECRET not in shown
    assert "hunter2" not in shown
    assert SECRET not in str(Event.objects.values_list("data", flat=True)) + str(Artifact.objects.values())


def test_the_oldest_comes_first_and_pages_join(caller: Client) -> None:
    run = running_run()
    ids = [add(caller, run.id, {"kind": "log", "label": str(number)}).json()["id"] for number in range(5)]
    assert [row["id"] for row in listed(caller, run.id)] == ids
    assert [row["id"] for offset in (0, 2, 4) for row in listed(caller, run.id, limit=2, offset=offset)] == ids


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"kind": "picture"}, "kind"),
        ({"kind": None}, "kind"),
        ({"label": ""}, "label"),
        ({"label": "x" * 256}, "label"),
        ({"label": None}, "label"),
        ({"inline": []}, "inline"),
        ({"inline": "text"}, "inline"),
        ({"uri": 7}, "uri"),
        ({"size": 3}, "size"),
        *(
            ({"uri": uri}, "uri")
            for uri in ("", "files.example/a", "/a", "https://", "https:a", "http://[::1", "a b://c")
        ),
        *(
            ({"uri": uri}, "uri")
            for uri in ("javascript:alert(1)", "JavaScript://x/%0aalert(1)", "data://x/y", "vbscript://x")
        ),
        *(
            ({"uri": uri}, "uri")
            for uri in ("https://me:pw@files.example/", "https://me@files.example/", "https://a/\n")
        ),
        ({"uri": "https://files.example/" + "a" * 2000}, "uri"),
    ],
)
def test_a_body_that_breaks_a_rule_is_refused_with_its_path_a14(caller: Client, change: Any, path: str) -> None:
    run = running_run()
    assert faults(add(caller, run.id, {**WHOLE, **change})) == [path]
    assert not Artifact.objects.exists()


@pytest.mark.parametrize(
    "uri", ["http://localhost:8000/a", "s3://bucket/key", "file://host/a", "HTTPS://files.example"]
)
def test_an_address_may_lead_anywhere(caller: Client, uri: str) -> None:
    assert add(caller, running_run().id, {"kind": "log", "label": "a", "uri": uri}).json()["uri"] == uri


@pytest.mark.parametrize("make", [running_run, ended_run])
def test_a_run_has_so_many_artifacts_and_no_more_e07(
    make: Callable[[], Run], caller: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operation, "MOST_OF_A_RUN", 2)
    run, other = make(), make()
    assert [add(caller, run.id).status_code for _ in range(2)] == [201, 201]
    response = add(caller, run.id)
    assert refused(response) == (413, "PAYLOAD_TOO_LARGE")
    assert response.json()["details"] == {"maxArtifacts": 2}
    assert add(caller, other.id).status_code == 201
    assert (len(listed(caller, run.id)), AuditEntry.objects.count()) == (2, 3)


def test_what_all_artifacts_of_a_run_hold_inline_is_bounded_e07(
    caller: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operation, "MOST_INLINE_BYTES", 150)
    run = running_run()
    body = {"kind": "json", "label": "a", "inline": {"text": "ä" * 50}}
    assert add(caller, run.id, body).status_code == 201
    response = add(caller, run.id, body)
    assert refused(response) == (413, "PAYLOAD_TOO_LARGE")
    assert response.json()["details"] == {"maxInlineBytes": 150, "storedInlineBytes": 112}
    # What is kept elsewhere takes no room.
    assert add(caller, run.id, {"kind": "log", "label": "a", "uri": "https://files.example/a"}).status_code == 201


@pytest.mark.parametrize("value", ["0", "1001", "x"])
def test_a_limit_out_of_bounds_is_refused_e04(caller: Client, value: str) -> None:
    assert faults(caller.get(f"/runs/{running_run().id}/artifacts", {"limit": value})) == ["limit"]


def test_a_run_nobody_knows_and_one_of_another_project_are_not_found(caller: Client, client: Client) -> None:
    run, key = running_run(), stored_key("runs:read", "runs:write", project_id=uuid7())
    add(caller, run.id)
    headers = {"authorization": key.header}
    for response in (
        add(caller, uuid4()),
        caller.get(f"/runs/{uuid4()}/artifacts"),
        caller.get(f"/runs/{uuid4()}/traces"),
        add(client, run.id, **headers),
        client.get(f"/runs/{run.id}/artifacts", headers=headers),
        client.get(f"/runs/{run.id}/traces", headers=headers),
    ):
        assert refused(response) == (404, "RUN_NOT_FOUND")
    assert refused(add(caller, "none")) == (400, "VALIDATION_ERROR")
    assert Artifact.objects.count() == 1


def test_reading_and_adding_each_need_their_scope_d05(client: Client) -> None:
    run = running_run()
    reader, writer = stored_key("runs:read"), stored_key("runs:write")
    assert refused(add(client, run.id)) == (401, "UNAUTHENTICATED")
    assert add(client, run.id, authorization=reader.header).json()["details"] == {"scope": "runs:write"}
    for what in ("artifacts", "traces"):
        response = client.get(f"/runs/{run.id}/{what}", headers={"authorization": writer.header})
        assert (response.status_code, response.json()["details"]) == (403, {"scope": "runs:read"})


# --- traces -----------------------------------------------------------------------------------------------------------


def traces(caller: Client, run_id: object) -> Any:
    response = caller.get(f"/runs/{run_id}/traces")
    assert response.status_code == 200, response.content
    return response.json()


def test_a_run_without_a_trace_says_so(caller: Client) -> None:
    assert traces(caller, queued_run().id) == {"spanCount": 0, "linkedArtifacts": [], "runStatus": "queued"}


def test_a_trace_is_told_with_its_spans_and_the_scenario(caller: Client) -> None:
    run = running_run(trace_id=TRACE, metadata={"scenarioRef": "pack/one@1"}, source_ref="pack/other")
    drafts = [Draft(type=EventType.TOOL_CALLED, data={}, span_id=span) for span in ("s1", "s1", "s2")]
    record(run.id, drafts, epoch=None)
    assert traces(caller, run.id) == {
        "traceId": TRACE,
        "spanCount": 2,
        "lastSpanId": "s2",
        "linkedArtifacts": [],
        "runStatus": "running",
        "scenarioRef": "pack/one@1",
    }


def test_a_run_that_was_named_by_its_source_has_that_as_scenario(caller: Client) -> None:
    assert traces(caller, queued_run(source_ref="pack/one").id)["scenarioRef"] == "pack/one"


def test_artifacts_are_linked_those_that_came_late_among_them(caller: Client) -> None:
    run = running_run()
    told = Draft(type=EventType.ARTIFACT_CREATED, data={}, subject_kind="artifact", subject_id="told-by-the-log")
    record(run.id, [told], epoch=None)
    first = add(caller, run.id).json()["id"]
    end_run(run.id, Verdict(code=EndingCode.RESOLVED), epoch=None)
    late = add(caller, run.id).json()["id"]

    found = traces(caller, run.id)
    assert found["linkedArtifacts"] == ["told-by-the-log", first, late]
    assert found["runStatus"] == "completed"
    assert caller.get(f"/runs/{run.id}/state").json()["trace"]["linkedArtifacts"] == ["told-by-the-log", first]
