"""GET /audit: who changed what, newest first (D05, D11, E04, E09)."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from runs.models import AuditEntry
from runs.models.identity import uuid7
from runs.models.project import DEFAULT_PROJECT_ID
from tests.cast import queued_run
from tests.keys import stored_key
from tests.staff import member

pytestmark = pytest.mark.django_db

ROW = {"id", "actor", "actorType", "action", "resource", "resourceId", "details", "requestId", "createdAt"}
NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


def audit(caller: Client, **query: str | int) -> Any:
    response = caller.get("/audit", query)
    assert response.status_code == 200, response.content
    return response.json()


def entry(**columns: object) -> str:
    return str(
        AuditEntry.objects.create(
            **{
                "project_id": DEFAULT_PROJECT_ID,
                "actor": "tester",
                "actor_type": "api_key",
                "action": "run.archived",
                "resource": "run",
                "resource_id": "r-1",
                "created_at": NOON,
                **columns,
            }
        ).id
    )


def found(caller: Client, **query: str | int) -> list[str]:
    body = audit(caller, **query)
    assert body["total"] == len(body["data"]), "total should count under the same filters (E09)"
    return [row["id"] for row in body["data"]]


def test_a_bare_list_has_the_documented_defaults_a04(caller: Client) -> None:
    assert audit(caller) == {"data": [], "total": 0, "limit": 50, "offset": 0}


def test_a_row_has_every_member_and_null_where_there_is_nothing(caller: Client) -> None:
    first = entry(resource_id=None, details={"b": 1, "a": {"c": None}})
    (row,) = audit(caller)["data"]
    assert set(row) == ROW
    assert (row["id"], row["actor"], row["actorType"], row["resource"]) == (first, "tester", "api_key", "run")
    assert (row["resourceId"], row["requestId"], row["details"]) == (None, None, {"b": 1, "a": {"c": None}})
    assert row["createdAt"] == "2026-01-31T12:00:00.000Z"


def test_what_a_caller_changed_is_listed_with_the_id_of_its_request_d11(caller: Client, client: Client) -> None:
    run = queued_run()
    caller.generic("POST", f"/runs/{run.id}/archive", headers={"X-Request-Id": "req-5"})
    client.force_login(member("bob", "change_run"))
    client.generic("POST", f"/runs/{run.id}/unarchive")
    second, first = audit(caller)["data"]
    assert (first["action"], first["actor"], first["actorType"], first["requestId"]) == (
        *("run.archived", "tester", "api_key", "req-5"),
    )
    assert (second["action"], second["actor"], second["actorType"]) == ("run.unarchived", "bob", "user")


def test_the_newest_comes_first_ties_by_id_and_pages_join(caller: Client) -> None:
    ids = [entry(created_at=NOON + timedelta(seconds=second // 2)) for second in range(6)]
    assert found(caller) == ids[::-1]
    pages = [audit(caller, limit=4, offset=offset) for offset in (0, 4)]
    assert [row["id"] for page in pages for row in page["data"]] == ids[::-1]
    assert [(page["total"], page["limit"], page["offset"]) for page in pages] == [(6, 4, 0), (6, 4, 4)]


@pytest.mark.parametrize(
    ("name", "column", "value"),
    [
        ("actor", "actor", "robot"),
        ("action", "action", "run.deleted"),
        ("resource", "resource", "webhook"),
        ("resourceId", "resource_id", "r-2"),
    ],
)
def test_a_member_filters_by_what_it_is_exactly(caller: Client, name: str, column: str, value: str) -> None:
    entry()
    wanted = entry(**{column: value})
    assert found(caller, **{name: value}) == [wanted]
    assert found(caller, **{name: value[:-1]}) == []
    assert found(caller, **{name: value, "actor": "nobody"}) == []


def test_times_filter_strictly(caller: Client) -> None:
    early, late = entry(), entry(created_at=NOON + timedelta(seconds=1, microseconds=400))
    shown = "2026-01-31T12:00:01.000Z"
    assert found(caller, createdAfter="2026-01-31T12:00:00Z") == [late]
    assert found(caller, createdAfter=shown) == []
    assert found(caller, createdBefore="2026-01-31T12:00:00Z") == []
    assert found(caller, createdBefore=shown, createdAfter="2026-01-31T11:59:59Z") == [early]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("limit", "0"),
        ("limit", "201"),
        ("limit", "x"),
        ("offset", "-1"),
        ("createdAfter", "noon"),
        ("createdBefore", "1"),
    ],
)
def test_a_bad_value_is_refused_with_its_name_e04(caller: Client, name: str, value: str) -> None:
    response = caller.get("/audit", {name: value})
    assert (response.status_code, response.json()["errorCode"]) == (400, "VALIDATION_ERROR")
    assert [fault["path"] for fault in response.json()["details"]["errors"]] == [name]


def test_only_who_may_read_it_reads_it_and_of_its_own_project_alone_d05(client: Client) -> None:
    entry()
    everything_else = stored_key("runs:read", "runs:write", "runs:delete", "admin:write", "webhooks:manage")
    stranger = stored_key("admin:read", project_id=uuid7())

    assert client.get("/audit").status_code == 401
    missing = client.get("/audit", headers={"authorization": everything_else.header})
    assert (missing.status_code, missing.json()["details"]) == (403, {"scope": "admin:read"})
    other = client.get("/audit", headers={"authorization": stranger.header}).json()
    assert (other["data"], other["total"]) == ([], 0)


def test_nobody_writes_to_it_over_the_api(caller: Client) -> None:
    assert [caller.generic(method, "/audit").status_code for method in ("POST", "PUT", "PATCH", "DELETE")] == [405] * 4
