"""GET /runs and GET /runs/{id}: shapes, filters, order, and the wall between projects (A04, A15, E04, E09)."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest
from django.test import Client

from runs.domain.documents import iso
from runs.models import Project, Run
from tests.bodies import Body, full_body, short_body
from tests.caller import Post
from tests.cast import queued_run, running_run

pytestmark = pytest.mark.django_db

ROW = {
    *("id", "status", "mode", "modeName", "runtimeKind", "runtimeVersion", "runtimeSessionId", "sessionOpener"),
    *("traceId", "idempotencyKey", "lastEventSeq", "sourceKind", "sourceRef", "tags", "metadata", "errorCode"),
    *("errorMessage", "ending", "createdAt", "startedAt", "endedAt", "archivedAt", "updatedAt"),
}


def found(caller: Client, **query: str | int) -> list[str]:
    response = caller.get("/runs", query)
    assert response.status_code == 200, response.content
    body = response.json()
    assert body["total"] == len(body["data"]), "total should count under the same filters (E09)"
    return [row["id"] for row in body["data"]]


def with_metadata(**metadata: object) -> Body:
    body = short_body()
    body["session"]["metadata"] = metadata
    return body


def test_a_bare_list_has_the_documented_defaults_a04(caller: Client) -> None:
    assert caller.get("/runs").json() == {"data": [], "total": 0, "limit": 50, "offset": 0}


def test_a_row_has_every_member_and_null_where_there_is_nothing(caller: Client, post_run: Post) -> None:
    run_id = post_run()["runId"]
    row = caller.get(f"/runs/{run_id}").json()

    assert set(row) == ROW
    assert caller.get("/runs").json()["data"] == [row]
    assert [row[name] for name in ("ending", "endedAt", "traceId", "idempotencyKey", "archivedAt")] == [None] * 5
    assert (row["status"], row["runtimeKind"], row["lastEventSeq"], row["tags"]) == ("queued", "scripted", 1, [])


def test_the_clean_up_stands_beside_the_ending(caller: Client) -> None:
    run = queued_run(cleanup_status="failed", cleanup_errors=[{"message": "no answer"}])

    assert caller.get(f"/runs/{run.id}").json()["cleanup"] == {
        "status": "failed",
        "errors": [{"message": "no answer"}],
    }


def test_the_newest_run_comes_first_and_pages_join(caller: Client) -> None:
    ids = [str(queued_run().id) for _ in range(5)]

    assert found(caller) == ids[::-1]
    assert found(caller, sortOrder="asc") == ids
    pages = [caller.get("/runs", {"limit": 2, "offset": offset}).json() for offset in (0, 2, 4)]
    assert [row["id"] for page in pages for row in page["data"]] == ids[::-1]
    assert {page["total"] for page in pages} == {5}


def test_runs_of_one_moment_are_ordered_by_id(caller: Client) -> None:
    ids = sorted(str(queued_run().id) for _ in range(3))
    moment = Run.objects.values_list("created_at", flat=True).first()
    Run.objects.update(created_at=moment)

    assert found(caller, sortOrder="asc") == ids
    assert found(caller) == ids[::-1]


def test_sorting_by_the_last_change(caller: Client) -> None:
    first, second = queued_run(), queued_run()
    Run.objects.filter(id=first.id).update(updated_at=second.updated_at)
    Run.objects.filter(id=second.id).update(updated_at=first.updated_at)

    assert found(caller, sortBy="updatedAt") == [str(first.id), str(second.id)]


@pytest.mark.parametrize("filters", [{}, {"status": "queued"}])
def test_a_page_behind_the_last_run_still_says_how_many_there_are(filters: dict[str, str], caller: Client) -> None:
    for _ in range(3):
        queued_run()

    for offset, shown in ((0, 2), (2, 1), (3, 0), (9, 0)):
        page = caller.get("/runs", {**filters, "limit": 2, "offset": offset}).json()
        assert (len(page["data"]), page["total"]) == (shown, 3)


def test_times_are_cut_to_the_millisecond_wherever_a_run_is_shown(caller: Client) -> None:
    run = queued_run()
    moment = datetime(2026, 1, 31, 23, 59, 59, 999_999, tzinfo=UTC)
    Run.objects.update(created_at=moment, started_at=moment, updated_at=moment)

    shown = [caller.get(f"/runs/{run.id}").json()]
    shown += [caller.get("/runs", query).json()["data"][0] for query in ({}, {"status": "queued"})]
    for row in shown:
        times = [row[name] for name in ("createdAt", "startedAt", "updatedAt", "endedAt")]
        assert times == [iso(moment)] * 3 + [None] == ["2026-01-31T23:59:59.999Z"] * 3 + [None]


def test_a_status_filters(caller: Client) -> None:
    queued_run()
    running = running_run()

    assert found(caller, status="running") == [str(running.id)]


def test_a_run_has_all_of_the_tags_asked_for(caller: Client) -> None:
    queued_run(tags=["a"])
    both = queued_run(tags=["a", "b", "c"])

    assert found(caller, tags="b, a") == [str(both.id)]


def test_sandbox_and_archived_runs_are_left_out_unless_asked_for_e09(caller: Client, post_run: Post) -> None:
    live = str(queued_run().id)
    sandbox = post_run(short_body() | {"mode": "sandbox"})["runId"]
    archived = queued_run()
    Run.objects.filter(id=archived.id).update(archived_at=archived.created_at)

    assert found(caller) == [live]
    assert set(found(caller, includeSandbox="1")) == {live, sandbox}
    assert set(found(caller, includeArchived="TRUE")) == {live, str(archived.id)}
    assert len(found(caller, includeArchived="true", includeSandbox="true")) == 3


def test_environment_and_scenario_find_runs_by_session_metadata_a15(caller: Client, post_run: Post) -> None:
    staged = post_run(with_metadata(environment="staging", scenarioRef="Pack/One@1"))["runId"]
    sourced = post_run(with_metadata(environment="live", sourceRef="pack/one"))["runId"]

    assert found(caller, environment="staging") == [staged]
    assert found(caller, environment="stag") == []
    assert set(found(caller, scenarioRef="pack/one")) == {staged, sourced}
    assert found(caller, scenarioRef="PACK/one@") == [staged]


def test_search_looks_in_id_scenario_environment_and_tags(caller: Client, post_run: Post) -> None:
    post_run()
    body = with_metadata(environment="Staging", scenarioRef="Fraud%Case")
    wanted = post_run(body | {"execution": {"tags": ["Blue_Tag"]}})["runId"]

    for text in (wanted[-12:].upper(), "stag", "fraud%c", "blue_t"):
        assert found(caller, search=text) == [wanted]
    assert found(caller, search="blue%tag") == [], "wildcards should be ordinary text"


def test_times_are_compared_as_they_are_shown(caller: Client, post_run: Post) -> None:
    run_id = post_run()["runId"]
    created = caller.get(f"/runs/{run_id}").json()["createdAt"]

    assert found(caller, createdAfter=created) == []
    assert found(caller, createdBefore=created) == []
    assert found(caller, createdAfter="2000-01-01T00:00:00Z", createdBefore="2999-01-01T00:00:00+02:00") == [run_id]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("status", "done"),
        ("limit", "0"),
        ("limit", "201"),
        ("limit", "ten"),
        ("limit", "1.0"),
        ("limit", "9" * 5000),
        ("offset", "-1"),
        ("offset", "9" * 19),
        ("includeSandbox", "yes"),
        ("includeArchived", ""),
        ("createdAfter", "yesterday"),
        ("createdAfter", "2026-01-31T09:30:00"),
        ("createdBefore", "0001-01-01T00:00:00+14:00"),
        ("createdBefore", ""),
        ("sortBy", "name"),
        ("sortOrder", "up"),
        ("search", "\0"),
        ("tags", "a,\0"),
        ("environment", "\0"),
        ("scenarioRef", "\0"),
    ],
)
def test_a_bad_query_value_is_400_with_its_name_e04(caller: Client, name: str, value: str) -> None:
    response = caller.get("/runs", {name: value})

    assert response.status_code == 400
    assert response.json()["errorCode"] == "VALIDATION_ERROR"
    assert [fault["path"] for fault in response.json()["details"]["errors"]] == [name]


@pytest.mark.parametrize("value", ["9999-12-31T23:59:59.999999Z", "0001-01-01T00:00:00Z"])
def test_the_ends_of_time_are_times(caller: Client, value: str) -> None:
    assert found(caller, createdAfter=value, createdBefore=value) == []


def test_unknown_parameters_and_empty_texts_are_ignored(caller: Client, post_run: Post) -> None:
    run_id = post_run(full_body())["runId"]

    assert found(caller, surprise="1", search="", tags="", environment="", scenarioRef="") == [run_id]


@pytest.mark.parametrize("route", ["", "/state", "/events", "/messages"])
def test_an_unknown_run_is_404_and_a_bad_id_400(caller: Client, route: str) -> None:
    unknown = caller.get(f"/runs/{uuid4()}{route}")
    bad = caller.get(f"/runs/not-a-uuid{route}")

    assert (unknown.status_code, unknown.json()["errorCode"]) == (404, "RUN_NOT_FOUND")
    assert (bad.status_code, bad.json()["errorCode"]) == (400, "VALIDATION_ERROR")


@pytest.mark.parametrize("route", ["", "/state", "/events", "/events?type=run.created", "/messages"])
def test_a_run_of_another_project_is_not_there(caller: Client, route: str) -> None:
    other = Project.objects.create(name="Other", slug="other")
    run = queued_run(project=other)

    assert caller.get(f"/runs/{run.id}{route}").status_code == 404
    assert found(caller) == []


@pytest.mark.parametrize("address", ["/runs", "/runs/validate", "/runs/00000000-0000-4000-8000-000000000000"])
def test_nobody_enters_without_a_key(address: str) -> None:
    assert Client().get(address).status_code == 401
