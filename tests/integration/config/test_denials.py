"""What a known caller was refused is in the audit list; strangers and lookers are not."""

from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import get_user_model
from django.test import AsyncClient, Client

from runs.models import AuditEntry, Project
from runs.models.identity import uuid7
from tests.failing_audit import failing_audit
from tests.integration.config.conftest import shape
from tests.keys import StoredKey, stored_key

pytestmark = pytest.mark.django_db


def entries() -> list[dict[str, Any]]:
    return list(AuditEntry.objects.order_by("id").values())


def post(client: Client, key: StoredKey, path: str = "/echo") -> Any:
    headers = {"Authorization": key.header, "X-Request-Id": "req-1"}
    return client.post(path, {}, content_type="application/json", headers=headers)


def test_a_change_that_is_refused_for_its_scope_is_written_down(client: Client) -> None:
    key = stored_key("runs:read", project_id=uuid7())
    assert shape(post(client, key)) == (403, "FORBIDDEN")
    (entry,) = entries()
    assert (entry["action"], entry["resource"], entry["resource_id"]) == ("access.denied", "route", "/echo")
    assert (entry["actor"], entry["actor_type"], entry["actor_id"]) == ("robot", "api_key", f"key:{key.id}")
    assert (entry["request_id"], entry["address"]) == ("req-1", "127.0.0.1")
    assert entry["details"] == {
        "method": "POST",
        "message": "the scope runs:write is missing",
        "scope": "runs:write",
    }
    # It belongs to the project of whoever was refused.
    assert entry["project_id"] == Project.objects.exclude(slug="default").get().id


def test_a_look_at_what_admins_see_is_written_down_too_any_other_look_is_not(client: Client) -> None:
    headers = {"Authorization": stored_key("signals:write").header}
    assert client.get("/echo", headers=headers).status_code == 403
    assert entries() == []
    assert client.get("/special", headers=headers).status_code == 403
    assert [entry["details"]["scope"] for entry in entries()] == ["admin:write"]


def test_strangers_do_not_fill_the_list(client: Client) -> None:
    assert post(client, StoredKey(uuid7(), "sb_dev_wrong")).status_code == 401
    assert client.post("/echo", {}, content_type="application/json").status_code == 401
    assert entries() == []


@pytest.mark.parametrize(
    ("headers", "reason"),
    [({"Origin": "https://evil.example"}, {"reason": "origin"}), ({}, {})],
    ids=["foreign origin", "no CSRF token"],
)
def test_a_session_that_another_page_tries_to_use_is_written_down(
    headers: dict[str, str], reason: dict[str, str]
) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(get_user_model().objects.create_user("bob", is_staff=True))
    assert shape(browser.post("/echo", {}, content_type="application/json", headers=headers)) == (403, "FORBIDDEN")
    (entry,) = entries()
    assert (entry["actor"], entry["actor_type"]) == ("bob", "user")
    assert reason.items() <= entry["details"].items()


def test_staff_without_the_right_to_it_leave_a_trace_on_the_staff_pages_too() -> None:
    browser = Client()
    browser.force_login(get_user_model().objects.create_user("clerk", is_staff=True))
    assert browser.post("/admin/runs/apikey/add/", {"name": "x"}).status_code == 403
    (entry,) = entries()
    assert (entry["actor"], entry["resource_id"]) == ("clerk", "/admin/runs/apikey/add/")


def test_a_refusal_that_cannot_be_written_down_fails(client: Client) -> None:
    with failing_audit():
        assert shape(post(client, stored_key("runs:read"))) == (500, "INTERNAL_ERROR")


def test_a_hostile_path_is_written_down_in_characters_that_can_be_kept(client: Client) -> None:
    refused = post(client, stored_key("runs:read"), "/runs/%00%ED%A0%80" + "x" * 300 + "/cancel")
    assert shape(refused) == (403, "FORBIDDEN")
    (entry,) = entries()
    assert len(entry["resource_id"]) == 255
    assert "\x00" not in entry["resource_id"]


def test_refusals_of_an_asynchronous_server_are_written_down(async_client: AsyncClient) -> None:
    headers = {"Authorization": stored_key("runs:read").header}
    refused = async_to_sync(async_client.post)("/echo", {}, content_type="application/json", headers=headers)
    assert refused.status_code == 403
    assert [entry["resource_id"] for entry in entries()] == ["/echo"]
