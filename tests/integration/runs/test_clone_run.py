"""POST /runs/{id}/clone: what was asked for once is asked for again, as a run of its own."""

from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from runs.domain.requests import decode_request
from runs.models import AuditEntry, Event, Run
from runs.models.identity import uuid7
from runs.models.stored_request import bearer_of
from tests.bodies import full_body, short_body
from tests.caller import Post
from tests.keys import stored_key

pytestmark = pytest.mark.django_db


def clone(caller: Client, run_id: object, body: object = None, **headers: str) -> Any:
    if body is None:
        return caller.generic("POST", f"/runs/{run_id}/clone", headers=headers)
    return caller.post(f"/runs/{run_id}/clone", body, content_type="application/json", headers=headers)


def refused(response: Any) -> tuple[int, str]:
    return response.status_code, response.json()["errorCode"]


def request_of(run_id: str) -> Any:
    return decode_request(Run.objects.values_list("request", flat=True).get(id=run_id))


def test_a_clone_asks_for_the_same_under_ids_of_its_own(caller: Client, post_run: Post) -> None:
    original = post_run(full_body())
    response = clone(caller, original["runId"])

    assert response.status_code == 201
    told = response.json()
    assert set(told) == {"runId", "sessionId", "status"}
    assert told["status"] == "queued"
    assert told["runId"] != original["runId"]
    assert told["sessionId"] not in (None, original["sessionId"])

    row, source = (caller.get(f"/runs/{run_id}").json() for run_id in (told["runId"], original["runId"]))
    assert row["metadata"]["clonedFrom"] == original["runId"]
    assert "clonedFrom" not in source["metadata"]
    assert (row["idempotencyKey"], row["tags"], row["sourceRef"]) == (None, source["tags"], source["sourceRef"])
    asked, first = row["metadata"]["executionRequest"], source["metadata"]["executionRequest"]
    assert first["session"].pop("sessionId") == original["sessionId"]
    assert first["execution"].pop("idempotencyKey") == "key-1"
    assert asked == first


def test_the_bearer_of_its_cancel_callback_goes_with_it_and_is_shown_nowhere_d03(
    caller: Client, post_run: Post
) -> None:
    told = clone(caller, post_run(full_body())["runId"]).json()
    assert bearer_of(request_of(told["runId"])) == "top-secret"
    assert b"top-secret" not in caller.get(f"/runs/{told['runId']}").content
    assert "top-secret" not in Run.objects.get(id=told["runId"]).request


def test_what_is_given_takes_the_place_of_what_was_asked_for(caller: Client, post_run: Post) -> None:
    body = full_body()
    del body["session"]["context"]
    body["session"]["contextEnvelope"] = {"encoding": "text", "text": "would win over the context"}
    original = post_run(body)
    told = clone(caller, original["runId"], {"tags": ["c"], "context": {"subject": "again"}}).json()

    session = request_of(told["runId"]).session
    assert (session.context, session.context_envelope) == ({"subject": "again"}, None)
    assert caller.get(f"/runs/{told['runId']}").json()["tags"] == ["c"]


@pytest.mark.parametrize(("tags", "expected"), [([], []), (None, ["a", "b"])])
def test_no_tags_are_some_too_and_null_is_none_given(
    caller: Client, post_run: Post, tags: object, expected: list[str]
) -> None:
    told = clone(caller, post_run(full_body())["runId"], {"tags": tags}).json()
    assert caller.get(f"/runs/{told['runId']}").json()["tags"] == expected


def test_the_clone_of_an_archived_run_is_not_archived_and_of_a_sandbox_run_is_one(
    caller: Client, post_run: Post
) -> None:
    original = post_run(short_body() | {"mode": "sandbox"})["runId"]
    caller.generic("POST", f"/runs/{original}/archive")
    row = caller.get(f"/runs/{clone(caller, original, {'tags': ['x']}).json()['runId']}").json()
    assert (row["mode"], row["tags"], row["archivedAt"]) == ("sandbox", ["x", "sandbox"], None)


def test_every_call_makes_another_run_each_with_its_first_event(caller: Client, post_run: Post) -> None:
    original = post_run(full_body())["runId"]
    keys = ["key-1", "key-2"]  # the first is the one of the run, too
    clones = [clone(caller, original, **{"Idempotency-Key": key}).json()["runId"] for key in keys]
    assert len({original, *clones}) == 3
    for run_id in clones:
        assert list(Event.objects.filter(run_id=run_id).values_list("type", flat=True)) == ["run.created"]


def test_a_trace_is_the_callers_own(caller: Client, post_run: Post) -> None:
    traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    original = post_run(short_body(), traceparent=traceparent)["runId"]
    assert "traceId" not in clone(caller, original).json()
    assert clone(caller, original, traceparent=traceparent).json()["traceId"] == "4bf92f3577b34da6a3ce929d0e0e4736"


def test_who_cloned_what_is_in_the_audit_list_once_d11(caller: Client, post_run: Post) -> None:
    original = post_run()["runId"]
    told = clone(caller, original, **{"X-Request-Id": "req-9"}).json()
    entry = AuditEntry.objects.get(resource="run", resource_id=told["runId"])
    assert entry.action == "run.cloned"
    assert (entry.details, entry.actor, entry.request_id) == ({"clonedFrom": original}, "tester", "req-9")


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"tags": "a"}, "tags"),
        ({"tags": ["a", ""]}, "tags[1]"),
        ({"tags": ["x" * 201]}, "tags[0]"),
        ({"context": []}, "context"),
        ({"context": {"a": {"b": "\x00"}}}, "context.a.b"),
        ({"mode": "live"}, "mode"),
    ],
)
def test_a_body_that_breaks_a_rule_is_refused_with_its_path_a14(
    caller: Client, post_run: Post, body: object, path: str
) -> None:
    response = clone(caller, post_run()["runId"], body)
    assert refused(response) == (400, "VALIDATION_ERROR")
    assert path in [fault["path"] for fault in response.json()["details"]["errors"]]
    assert Run.objects.count() == 1


def test_what_may_not_be_asked_for_any_more_is_not_cloned(caller: Client, post_run: Post, settings: Settings) -> None:
    original = post_run(full_body())["runId"]
    settings.SIGNALBOX_OBSERVER_ONLY = True
    response = clone(caller, original)
    assert refused(response) == (400, "VALIDATION_ERROR")
    assert {fault["path"] for fault in response.json()["details"]["errors"]} >= {"session.opener"}
    assert Run.objects.count() == 1


def test_a_run_nobody_knows_and_one_of_another_project_are_not_found(
    caller: Client, client: Client, post_run: Post
) -> None:
    original = post_run()["runId"]
    stranger = stored_key("runs:write", project_id=uuid7())
    assert refused(clone(caller, uuid4())) == (404, "RUN_NOT_FOUND")
    assert refused(clone(client, original, Authorization=stranger.header)) == (404, "RUN_NOT_FOUND")
    assert refused(clone(caller, "none")) == (400, "VALIDATION_ERROR")


def test_who_may_only_read_may_not_clone_d05(client: Client, post_run: Post) -> None:
    original = post_run()["runId"]
    response = clone(client, original, Authorization=stored_key("runs:read").header)
    assert (response.status_code, response.json()["details"]) == (403, {"scope": "runs:write"})
    assert refused(clone(client, original)) == (401, "UNAUTHENTICATED")


def test_what_cannot_be_read_any_more_is_a_conflict(caller: Client, post_run: Post) -> None:
    original = post_run()["runId"]
    Run.objects.filter(id=original).update(request="{}")
    assert refused(clone(caller, original)) == (409, "CONFLICT")
