"""API keys are made and revoked, in one transaction with what the audit list says of it."""

import hashlib
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import orjson
import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection
from django.utils import timezone

from config.http.keys import principal_of_key
from runs.audit import Actor
from runs.domain.key_text import DEV, prefix_in
from runs.domain.scopes import SCOPES
from runs.errors import NotFound, Unauthenticated, ValidationFailed
from runs.models import ApiKey, AuditEntry, Project
from runs.models.identity import uuid7
from runs.models.project import DEFAULT_PROJECT_ID
from runs.operations.create_api_key import CreatedKey, create_api_key
from runs.operations.revoke_api_key import revoke_api_key
from tests.failing_audit import failing_audit
from tests.keys import stored_key

pytestmark = pytest.mark.django_db

ACTOR = Actor(name="root", kind="user", id="user:1", address="192.0.2.7")


def create(**changes: Any) -> CreatedKey:
    wanted = {
        "project_id": DEFAULT_PROJECT_ID,
        "name": "robot",
        "scopes": ["runs:write", "runs:read", "runs:read"],
        "expires_at": None,
        "actor": ACTOR,
        "request_id": "req-1",
    }
    return create_api_key(**wanted | changes)


def audited() -> list[dict[str, Any]]:
    return list(AuditEntry.objects.order_by("id").values())


def test_a_key_is_stored_as_a_hash_and_let_in_d06() -> None:
    created = create()
    row = ApiKey.objects.get()
    assert bytes(row.secret_sha256) == hashlib.sha256(created.text.encode()).digest()
    assert row.prefix == prefix_in(created.text, DEV)
    assert (row.scopes, row.created_by, row.last_used_at) == (["runs:read", "runs:write"], "root", None)
    principal = principal_of_key(f"Bearer {created.text}")
    assert (principal.name, principal.scopes) == ("robot", {"runs:read", "runs:write"})
    assert created.text not in repr(created)


def test_who_made_a_key_is_in_the_audit_list_and_no_part_of_the_key_is() -> None:
    expires_at = datetime(2099, 1, 31, tzinfo=UTC)
    created = create(expires_at=expires_at)
    (entry,) = audited()
    assert (entry["action"], entry["resource"], entry["resource_id"]) == (
        "apikey.created",
        "api_key",
        str(created.row.id),
    )
    assert (entry["actor"], entry["actor_type"], entry["actor_id"]) == ("root", "user", "user:1")
    assert (entry["address"], entry["request_id"]) == ("192.0.2.7", "req-1")
    assert entry["details"] == {
        "name": "robot",
        "scopes": ["runs:read", "runs:write"],
        "expiresAt": "2099-01-31T00:00:00.000Z",
    }
    assert created.text[:16] not in str(entry)


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": "a\x00b"}, "name"),
        ({"name": " padded"}, "name"),
        ({"scopes": []}, "scopes"),
        ({"scopes": ["runs:read", "runs:everything"]}, "scopes"),
        ({"expires_at": datetime(2020, 1, 31, tzinfo=UTC)}, "expiresAt"),
    ],
    ids=str,
)
def test_a_key_that_could_not_be_used_is_not_made(changes: dict[str, Any], path: str) -> None:
    with pytest.raises(ValidationFailed) as refused:
        create(**changes)
    assert [fault.path for fault in refused.value.faults] == [path]
    assert not ApiKey.objects.exists()
    assert audited() == []


def test_a_key_needs_a_project() -> None:
    with pytest.raises(NotFound):
        create(project_id=uuid7())


def test_a_revoked_key_lets_nobody_in_and_is_revoked_once() -> None:
    created = create()
    revoked = revoke_api_key(key_id=created.row.id, actor=ACTOR, request_id="req-2")
    assert revoked.revoked_at is not None
    again = revoke_api_key(key_id=created.row.id, actor=ACTOR, request_id="req-3")
    assert again.revoked_at == revoked.revoked_at
    with pytest.raises(Unauthenticated):
        principal_of_key(f"Bearer {created.text}")
    assert [(entry["action"], entry["request_id"]) for entry in audited()] == [
        ("apikey.created", "req-1"),
        ("apikey.revoked", "req-2"),
    ]
    with pytest.raises(NotFound):
        revoke_api_key(key_id=uuid7(), actor=ACTOR)


def test_without_its_audit_entry_a_key_is_neither_made_nor_revoked() -> None:
    key = stored_key()
    with failing_audit():
        with pytest.raises(DatabaseError):
            create()
        with pytest.raises(DatabaseError):
            revoke_api_key(key_id=key.id, actor=ACTOR)
    assert list(ApiKey.objects.valid().values_list("id", flat=True)) == [key.id]


def test_an_audit_entry_is_changed_and_deleted_by_nobody() -> None:
    create()
    for statement in ("UPDATE runs_auditentry SET actor = 'nobody'", "DELETE FROM runs_auditentry"):
        with pytest.raises(DatabaseError, match="append-only"), connection.cursor() as cursor:
            cursor.execute("SAVEPOINT before")
            try:
                cursor.execute(statement)
            finally:
                cursor.execute("ROLLBACK TO SAVEPOINT before")
    assert [entry["actor"] for entry in audited()] == ["root"]


# --- commands ---------------------------------------------------------------------------------------------------------


def said(*arguments: str) -> str:
    told = StringIO()
    call_command(*arguments, stdout=told, stderr=StringIO())
    return told.getvalue()


def test_the_command_prints_the_key_and_nothing_else_to_standard_output() -> None:
    told = StringIO()
    text = StringIO()
    call_command("create_api_key", "ci", "--scopes", "runs:read, runs:write", stdout=text, stderr=told)
    key = text.getvalue().strip()
    row = ApiKey.objects.get()
    assert prefix_in(key, DEV) == row.prefix
    assert principal_of_key(key).scopes == {"runs:read", "runs:write"}
    assert "shown this once" in told.getvalue()
    (entry,) = audited()
    assert (entry["action"], entry["actor_type"]) == ("apikey.created", "system")
    assert entry["actor"] == row.created_by != ""


def test_the_command_takes_project_scopes_and_expiry_and_answers_in_json() -> None:
    Project.objects.create(name="Blue", slug="blue")
    made = orjson.loads(said("create_api_key", "ci", "--all-scopes", "--project", "blue", "--expires", "90d", "--json"))
    assert prefix_in(made["key"], DEV) == made["prefix"]
    assert (made["project"], made["scopes"], made["state"]) == ("blue", list(SCOPES), "active")
    row = ApiKey.objects.get()
    assert row.expires_at is not None
    assert timedelta(days=89) < row.expires_at - timezone.now() <= timedelta(days=90)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--scopes", "runs:all"], "'runs:all' is none of runs:read"),
        (["--scopes", ","], "must name at least one scope"),
        ([], "one of the arguments --scopes --all-scopes is required"),
        (["--all-scopes", "--project", "red"], "there is no project 'red'"),
        (["--all-scopes", "--expires", "2020-01-01T00:00:00Z"], "expiresAt: must lie in the future"),
        (["--all-scopes", "--expires", "2099-01-01"], "neither days (90d) nor a time with its zone"),
        (["--all-scopes", "--expires", "soon"], "neither days (90d) nor a time with its zone"),
    ],
)
def test_the_command_says_what_is_wrong_and_makes_nothing(arguments: list[str], sentence: str) -> None:
    with pytest.raises(CommandError) as refused:
        said("create_api_key", "ci", *arguments)
    assert sentence in str(refused.value)
    assert not ApiKey.objects.exists()


def test_the_list_says_what_opens_something_and_with_all_what_did() -> None:
    live, revoked, expired = stored_key(name="live"), stored_key(name="gone"), stored_key(name="old")
    revoked.revoke()
    expired.expire()
    elsewhere = stored_key(name="elsewhere", project_id=uuid7())
    listed = said("list_api_keys")
    assert [line.split()[1] for line in listed.splitlines()] == ["name", "elsewhere", "live"]
    every = orjson.loads(said("list_api_keys", "--all", "--json"))
    assert {row["name"]: row["state"] for row in every} == {
        "live": "active",
        "gone": "revoked",
        "old": "expired",
        "elsewhere": "active",
    }
    of_default = orjson.loads(said("list_api_keys", "--project", "default", "--json"))
    assert [row["name"] for row in of_default] == ["live"]
    for key in (live, revoked, expired, elsewhere):
        assert key.secret not in listed + said("list_api_keys", "--all") + str(every)


@pytest.mark.parametrize("named", ["prefix", "id", "whole", "cut off"])
def test_a_key_is_revoked_by_whatever_is_known_of_it(named: str) -> None:
    key, other = stored_key(), stored_key()
    prefix = ApiKey.objects.get(id=key.id).prefix
    names = {"prefix": prefix, "id": str(key.id), "whole": key.secret, "cut off": key.secret[:-9]}
    told = said("revoke_api_key", names[named])
    assert told.startswith(f"{prefix} (robot) is revoked since ")
    assert list(ApiKey.objects.valid().values_list("id", flat=True)) == [other.id]
    assert [entry["action"] for entry in audited()] == ["apikey.revoked"]


@pytest.mark.parametrize("named", ["sb_dev_00000000", "3f2504e0-4f89-11d3-9a0c-0305e82c3301", "canary-of-a-secret"])
def test_a_key_that_is_unknown_is_said_to_be_so_and_a_slip_is_not_repeated(named: str) -> None:
    with pytest.raises(CommandError) as refused:
        said("revoke_api_key", named)
    assert refused.value.returncode == 4
    assert "canary" not in str(refused.value)
