"""POST /stream-tickets: a one-time right to open a stream, for who cannot send headers (D09)."""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from pytest_django.fixtures import Settings

from runs.models import AuditEntry, Ticket
from runs.models.identity import uuid7
from tests.cast import running_run
from tests.keys import stored_key
from tests.staff import member
from tests.sweeping import swept

pytestmark = pytest.mark.django_db

ORIGIN = "https://console.example"


def ask(client: Client, body: object = "", **headers: str) -> tuple[int, dict[str, Any]]:
    response = client.post("/stream-tickets", body, content_type="application/json", headers=headers)
    return response.status_code, response.json()


def age(ticket: str, seconds: int) -> None:
    """The ticket was made so long ago."""
    shift = timedelta(seconds=seconds)
    for row in Ticket.objects.filter(secret_sha256=hashlib.sha256(ticket.encode()).digest()):
        Ticket.objects.filter(id=row.id).update(expires_at=row.expires_at - shift)


def test_a_ticket_of_a_run_names_it_and_says_until_when_it_is_valid(caller: Client) -> None:
    run = running_run()
    status, told = ask(caller, {"runId": str(run.id)})
    assert (status, set(told), told["runId"]) == (201, {"ticket", "runId", "expiresAt"}, str(run.id))
    left = datetime.fromisoformat(told["expiresAt"]) - datetime.now(UTC)
    assert timedelta(seconds=20) < left <= timedelta(seconds=30)
    assert told["expiresAt"].endswith("Z")


@pytest.mark.parametrize("body", ["", {}, {"runId": None}])
def test_a_ticket_without_a_run_is_for_the_summaries(body: object, caller: Client) -> None:
    status, told = ask(caller, body)
    assert (status, told["runId"]) == (201, None)


def test_the_setting_says_how_long_it_lives(caller: Client, settings: Settings) -> None:
    settings.STREAM_TICKET_TTL_S = 3600
    told = ask(caller)[1]
    assert datetime.fromisoformat(told["expiresAt"]) - datetime.now(UTC) > timedelta(minutes=59)


def test_only_its_hash_is_kept_and_who_asked_from_where(caller: Client) -> None:
    run = running_run()
    secret = ask(caller, {"runId": str(run.id)}, Origin=ORIGIN)[1]["ticket"]
    ticket = Ticket.objects.get()
    assert bytes(ticket.secret_sha256) == hashlib.sha256(secret.encode()).digest()
    assert (ticket.run_id, ticket.holder, ticket.origin, ticket.scopes) == (run.id, "tester", ORIGIN, ["runs:read"])
    assert ticket.used_at is None
    with connection.cursor() as cursor:
        cursor.execute("SELECT runs_ticket::text FROM runs_ticket")
        stored = cursor.fetchone()[0]
    assert secret not in stored
    assert "test-key" not in stored


def test_no_two_tickets_are_alike_and_no_cache_keeps_one(caller: Client) -> None:
    assert len({ask(caller)[1]["ticket"] for _ in range(20)}) == 20
    assert caller.post("/stream-tickets", content_type="application/json")["Cache-Control"] == "no-store"


def test_a_ticket_changes_nothing_that_would_have_to_be_audited(caller: Client) -> None:
    assert ask(caller)[0] == 201
    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize(
    ("body", "path"),
    [({"runId": "42"}, "runId"), ({"runId": 42}, "runId"), ({"runId": ""}, "runId"), ({"run": "x"}, "run")],
)
def test_a_body_that_asks_for_something_else_is_a_fault(body: object, path: str, caller: Client) -> None:
    status, told = ask(caller, body)
    assert (status, told["errorCode"]) == (400, "VALIDATION_ERROR")
    assert [error["path"] for error in told["details"]["errors"]] == [path]
    assert not Ticket.objects.exists()


def test_an_origin_that_cannot_be_kept_is_a_fault(caller: Client) -> None:
    status, told = ask(caller, Origin="https://" + "a" * 300)
    assert (status, told["details"]["errors"][0]["path"]) == (400, "Origin")


def test_a_run_that_is_unknown_or_of_another_project_is_not_found(caller: Client) -> None:
    stranger = stored_key(project_id=uuid7())
    run = running_run()
    assert ask(caller, {"runId": str(uuid7())})[0] == 404
    status, told = ask(Client(), {"runId": str(run.id)}, Authorization=stranger.header)
    assert (status, told["errorCode"]) == (404, "RUN_NOT_FOUND")
    assert not Ticket.objects.exists()


def test_nobody_asks_without_a_key_or_its_scope() -> None:
    assert ask(Client())[0] == 401
    status, told = ask(Client(), Authorization=stored_key("runs:write").header)
    assert (status, told["details"]) == (403, {"scope": "runs:read"})


def test_staff_ask_with_their_session_and_its_csrf_token() -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(member("bob", "view_run"))
    assert ask(browser)[0] == 403
    token = "a" * 32
    browser.cookies["csrftoken"] = token
    assert ask(browser, **{"X-CSRFToken": token})[0] == 201
    ticket = Ticket.objects.get()
    assert (ticket.holder, ticket.credential) == ("bob", f"session:{browser.session.session_key}")


@pytest.mark.django_db(transaction=True)
def test_a_sweep_clears_expired_tickets_away_and_no_others(caller: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runs.observer.sweep.EXPIRED", 2)
    for _ in range(5):
        age(ask(caller)[1]["ticket"], 31)
    used = ask(caller)[1]["ticket"]
    Ticket.objects.use(used)
    age(ask(caller)[1]["ticket"], 25)
    assert swept() == {"tickets pruned": 5}
    # It should leave a used one, too, until nobody could take it for one that never was.
    assert Ticket.objects.count() == 2
