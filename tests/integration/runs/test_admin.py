"""The staff pages: everything is shown, nothing that machines write can be changed, no secret is read."""

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from runs.admin.shown import LINK
from runs.domain.endings import DecidedBy, EndingCode, Verdict
from runs.domain.events import Draft, EventType
from runs.ending import end_run
from runs.models import (
    ApiKey,
    Artifact,
    AuditEntry,
    BreakerChange,
    Event,
    LateObservation,
    Metric,
    Observer,
    OutboundMessage,
    OutboxEntry,
    Project,
    Projection,
    RawObservation,
    Run,
    RuntimeSession,
    Ticket,
)
from runs.models.identity import uuid7
from runs.models.project import DEFAULT_PROJECT_ID
from runs.recorder import quarantine, record
from tests.cast import envelope, queued_message, running_run

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.handmade_rows("pages show what rows hold, whoever wrote them"),
]

READ_ONLY = [
    *(
        ApiKey,
        Artifact,
        AuditEntry,
        BreakerChange,
        Event,
        LateObservation,
        Metric,
        Observer,
        OutboundMessage,
        OutboxEntry,
    ),
    *(Projection, RawObservation, Run, RuntimeSession, Ticket),
]
SECRET = b"canary-of-thirty-two-bytes-______"[:32]
SCRIPT = "<script>alert(1)</script>"


@pytest.fixture
def staff(client: Client) -> Client:
    """A superuser's browser."""
    client.force_login(get_user_model().objects.create_superuser("root", password="x"))
    return client


@pytest.fixture
def run(transactional_or_not: None) -> Run:
    """A run of which everything exists, some of it hostile, some of it secret."""
    Project.objects.get_or_create(id=DEFAULT_PROJECT_ID, defaults={"name": "Default", "slug": "default"})
    owned = {"observer_id": uuid7(), "lease_epoch": 1}
    run = running_run(tags=["blue"], metadata={"note": SCRIPT}, error_message=SCRIPT, **owned)
    Run.objects.filter(id=run.id).update(request="canary-request")
    record(run.id, [envelope(1, text=SCRIPT), envelope(2, kind=SCRIPT, sender=SCRIPT)], epoch=None)
    now = timezone.now()
    Observer.objects.create(id=run.observer_id, host="h", process_id=1, version="1")
    RuntimeSession.objects.filter(run=run).update(start_envelope=SECRET, adapter_state=SECRET, state=SCRIPT)
    said = {"category": "message", "message_type": SCRIPT, "payload_descriptor": '{"preview": "<script>"}'}
    queued_message(run, body=SECRET, **said)
    record(run.id, [envelope(1, text=f"password=hunter2-hunter2 {SCRIPT}")], epoch=None)  # contradicts the first
    Artifact.objects.create(run=run, kind="json", label=SCRIPT, inline={"a": SCRIPT})
    digest = hashlib.sha256(SECRET).digest()
    ApiKey.objects.create(name="robot", prefix="sb_dev_robot001", secret_sha256=digest, scopes=["runs:read"])
    Ticket.objects.create(run=run, secret_sha256=SECRET, holder="robot", scopes=["runs:read"], expires_at=now)
    AuditEntry.objects.create(
        actor="robot", actor_type="api_key", action="run.created", resource="run", details={"a": 1}
    )
    Metric.objects.create(name="runs_total", labels="{}", value=1)
    BreakerChange.objects.create(kind="macp", state="OPEN", reason=SCRIPT)
    return Run.objects.get(id=run.id)


@pytest.fixture
def transactional_or_not(db: None) -> None:
    """Rows inside the test's own transaction."""


def _list(model: type[Model], **query: object) -> str:
    return reverse(f"admin:runs_{model._meta.model_name}_changelist", query={k: str(v) for k, v in query.items()})


def _page(row: Model, page: str = "change") -> str:
    return reverse(f"admin:runs_{row._meta.model_name}_{page}", args=[row.pk])


def _shown(staff: Client, address: str) -> str:
    response = staff.get(address)
    assert response.status_code == 200, address
    return response.content.decode()


def test_links_look_like_links_and_times_are_told_to_the_microsecond(staff: Client, run: Run) -> None:
    page = _shown(staff, _list(Event))
    assert f'<a class="{LINK}" href="{_page(run)}">' in page
    event = Event.objects.filter(run_id=run.id).latest("seq")
    assert event.ts.strftime("%Y-%m-%d %H:%M:%S.%f") in page


def test_every_model_of_runs_has_a_page() -> None:
    registered = {model for model in admin.site._registry if model._meta.app_label == "runs"}

    assert registered == {*READ_ONLY, Project}


@pytest.mark.parametrize("model", [*READ_ONLY, Project])
def test_every_list_and_every_row_is_shown(model: type[Model], staff: Client, run: Run) -> None:
    row: Any = model._default_manager.order_by("-pk").first()
    assert row is not None

    assert _page(row) in _shown(staff, _list(model))
    _shown(staff, _page(row))


# Keys are made by a form of their own: tests/integration/runs/test_admin_keys.py.
@pytest.mark.parametrize("model", [model for model in READ_ONLY if model is not ApiKey])
def test_what_machines_write_cannot_be_added_changed_or_deleted(model: type[Model], staff: Client, run: Run) -> None:
    row: Any = model._default_manager.first()
    before = list(model._default_manager.values())

    assert staff.get(reverse(f"admin:runs_{model._meta.model_name}_add")).status_code == 403
    assert staff.post(_page(row), {"status": "completed", "name": "x"}).status_code == 403
    assert staff.post(_page(row, "delete"), {"post": "yes"}).status_code == 403
    staff.post(_list(model), {"action": "delete_selected", "_selected_action": [str(row.pk)], "post": "yes"})
    # That it was tried is in the audit list.
    assert [row for row in model._default_manager.values() if row.get("action") != "access.denied"] == before


def test_a_project_can_be_made_and_renamed_but_not_deleted(staff: Client, run: Run) -> None:
    assert staff.post(reverse("admin:runs_project_add"), {"name": "Blue", "slug": "blue"}).status_code == 302
    project = Project.objects.get(slug="blue")
    assert staff.post(_page(project), {"name": "Bluer", "slug": "blue"}).status_code == 302
    assert Project.objects.get(slug="blue").name == "Bluer"
    assert staff.post(_page(project, "delete"), {"post": "yes"}).status_code == 403


def test_agent_text_is_escaped_and_no_secret_is_shown(staff: Client, run: Run) -> None:
    pages = [_list(model) for model in READ_ONLY]
    pages += [_page(row) for model in READ_ONLY for row in model._default_manager.all()]
    found = "".join(_shown(staff, page) for page in pages)

    assert SCRIPT not in found
    assert "&lt;script&gt;" in found
    for secret in ("canary", "hunter2", SECRET.hex(), hashlib.sha256(SECRET).hexdigest()):
        assert secret not in found


def test_a_page_of_a_run_leads_to_everything_of_it(staff: Client, run: Run) -> None:
    page = _shown(staff, _page(run))

    for model in (Event, RawObservation, OutboundMessage, RuntimeSession, Projection, LateObservation, Artifact):
        address = _list(model, run__exact=run.id)
        assert f'href="{address}"' in page
        assert _page(model._default_manager.filter(run=run).first()) in _shown(staff, address)  # type: ignore[attr-defined, arg-type]


def test_an_event_and_its_observation_lead_to_each_other(staff: Client, run: Run) -> None:
    event = Event.objects.filter(run=run, raw_seq=1).first()
    observation = RawObservation.objects.get(run=run, seq=1)
    assert event is not None

    to_raw, to_event = (
        _list(RawObservation, run__exact=run.id, seq__exact=1),
        _list(Event, run__exact=run.id, raw_seq__exact=1),
    )
    assert to_raw.replace("&", "&amp;") in _shown(staff, _page(event))
    assert to_event.replace("&", "&amp;") in _shown(staff, _page(observation))
    assert _page(observation) in _shown(staff, to_raw)
    assert _page(event) in _shown(staff, to_event)


def _names(run: Run) -> Iterator[str]:
    message = OutboundMessage.objects.get(run=run)
    yield from (str(run.id), run.session_id or "", str(message.message_id))


@pytest.mark.parametrize("model", [Run, Event, RawObservation, OutboundMessage, RuntimeSession, LateObservation])
def test_whatever_names_a_run_finds_its_rows(model: type[Model], staff: Client, run: Run) -> None:
    row = model._default_manager.filter(**{"id" if model is Run else "run": run.id}).first()
    assert row is not None
    for name in _names(run):
        assert _page(row) in _shown(staff, _list(model, q=name))
    for other in (str(uuid7()), "nothing", "'", "%"):
        assert _page(row) not in _shown(staff, _list(model, q=other))


def test_a_run_is_found_by_its_tag(staff: Client, run: Run) -> None:
    assert _page(run) in _shown(staff, _list(Run, q="blue"))


@pytest.mark.parametrize(
    ("model", "matching", "other"),
    [
        (Run, {"status": "running"}, {"status": "failed"}),
        (Run, {"mode": "live"}, {"mode": "sandbox"}),
        (Run, {"runtime_kind": "scripted"}, {"runtime_kind": "macp"}),
        (Run, {"observer_id_set": "1"}, {"observer_id_set": "0"}),
        (RawObservation, {"kind": "stream-envelope"}, {"kind": "send-ack"}),
        (LateObservation, {"reason": "conflict"}, {"reason": "after_ending"}),
        (OutboundMessage, {"status": "queued"}, {"status": "failed"}),
        (ApiKey, {"revoked_at_set": "0"}, {"revoked_at_set": "1"}),
    ],
)
def test_lists_are_filtered(
    model: type[Model], matching: dict[str, str], other: dict[str, str], staff: Client, run: Run
) -> None:
    page = _page(model._default_manager.order_by("-pk")[0])

    assert page in _shown(staff, _list(model, **matching))
    assert page not in _shown(staff, _list(model, **other))


def test_an_ending_is_shown_with_who_decided_and_on_what_evidence(staff: Client, run: Run) -> None:
    lost = Verdict(
        code=EndingCode.SESSION_LOST,
        message=SCRIPT,
        runtime_code="NOT_FOUND",
        runtime_asked="SESSION_NOT_FOUND",
        missing={"afterOrdinal": 2, "reason": "evicted"},
    )
    end_run(run.id, lost, epoch=1)
    page = _shown(staff, _page(run))

    assert "failed (session_lost), decided by the observer that owned it" in page
    assert "What went wrong: &lt;script&gt;alert(1)&lt;/script&gt; (NOT_FOUND)" in page
    assert "The runtime was asked and answered SESSION_NOT_FOUND." in page
    assert "Missing: what the session said after its message 2; the runtime had let go of the session." in page
    assert f"Owned by {run.observer_id} under epoch 1." in page
    assert "Nothing was left to clean up." in page


def test_a_clean_up_is_shown_with_its_tries_and_what_failed(staff: Client, run: Run) -> None:
    end_run(run.id, Verdict(code=EndingCode.RUN_TIMEOUT, decided_by=DecidedBy.SWEEPER), epoch=None)
    due = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)
    tried = {"cleanup_attempts": 2, "cleanup_errors": [f"CancelSession: {SCRIPT}"]}
    Run.objects.filter(id=run.id).update(cleanup_status="pending", cleanup_due_at=due, **tried)
    page = _shown(staff, _page(run))

    assert "Still to be done after 2 tries" in page
    assert "The next try is due at 2026-01-31 09:30:00 UTC." in page
    assert "Failed: CancelSession: &lt;script&gt;" in page


def test_late_observations_are_counted_on_the_page_of_their_run_and_one_click_away_l04(staff: Client, run: Run) -> None:
    end_run(run.id, Verdict(code=EndingCode.RESOLVED), epoch=1)
    assert quarantine(run.id, [envelope(7, text="Bearer canary-canary-canary-canary-1")]) == 1
    page = _shown(staff, _page(run))
    listed = _shown(staff, _list(LateObservation, run__exact=run.id))

    # It should count the contradiction from before the ending, too.
    assert f'href="{_list(LateObservation, run__exact=run.id)}">2 late observations</a>' in page
    assert "after_ending" in listed
    row = LateObservation.objects.get(run_id=run.id, reason="after_ending")
    shown = _shown(staff, _page(row))
    assert "env:m-7" in shown
    assert "canary" not in shown


def _more_rows() -> None:
    run = running_run()
    record(run.id, [envelope(1)], epoch=None)
    queued_message(run)
    record(run.id, [envelope(1, text="other words")], epoch=None)
    ApiKey.objects.create(name="other", prefix=f"sb_dev_{run.id.hex[-8:]}", secret_sha256=run.id.bytes * 2, scopes=[])
    AuditEntry.objects.create(actor="robot", actor_type="api_key", action="run.created", resource="run")


@pytest.mark.parametrize("model", [Run, Event, RawObservation, OutboundMessage, LateObservation, ApiKey])
def test_a_list_takes_as_many_statements_for_many_rows_as_for_one(model: type[Model], staff: Client, run: Run) -> None:
    def statements() -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            _shown(staff, _list(model))
        return len(captured)

    statements()  # sessions and content types are remembered
    few = statements()
    for _ in range(5):
        _more_rows()

    assert statements() == few


@pytest.mark.parametrize("model", [Run, Event, RawObservation, LateObservation, OutboundMessage, AuditEntry])
def test_no_list_counts_a_whole_table_or_reads_what_it_does_not_show(
    model: type[Model], staff: Client, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What is not the last page is read with a limit.
    monkeypatch.setattr(admin.site._registry[model], "list_per_page", 1)
    monkeypatch.setattr(admin.site._registry[model], "list_max_show_all", 0)
    _more_rows()
    with CaptureQueriesContext(connection) as captured:
        _shown(staff, _list(model))
    own = [one["sql"] for one in captured if f'FROM "{model._meta.db_table}"' in one["sql"]]

    assert own
    assert all("LIMIT" in sql for sql in own), own
    for column in ("request", "body", "data", "secret_sha256"):
        assert not any(f'"{model._meta.db_table}"."{column}"' in sql for sql in own)


def test_staff_without_permission_sees_nothing(client: Client, run: Run) -> None:
    client.force_login(get_user_model().objects.create_user("clerk", password="x", is_staff=True))

    assert client.get(_list(Run)).status_code == 403
    assert client.get(_page(run)).status_code == 403


def test_a_visitor_is_asked_to_log_in(client: Client) -> None:
    assert client.get(_list(Run)).status_code == 302


def test_an_unknown_type_of_data_does_not_break_a_page(staff: Client, run: Run) -> None:
    record(run.id, [Draft(type=EventType.ARTIFACT_CREATED, data={"x": [None, 1.5, {"y": "\u2028"}]})], epoch=None)
    event = Event.objects.filter(run=run).order_by("-seq")[0]

    assert isinstance(event.id, UUID)
    assert "1.5" in _shown(staff, _page(event))
