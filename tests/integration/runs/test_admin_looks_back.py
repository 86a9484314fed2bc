"""Filters of the staff pages look at the newest rows, or at those of one run, and say so; an index finds all there is."""

import pytest
from django.contrib.auth import get_user_model
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from runs.admin import bounded
from runs.models import AuditEntry, Event, OutboundMessage, Project, Run
from runs.models.project import DEFAULT_PROJECT_ID
from runs.recorder import record
from tests.cast import envelope, queued_message, queued_run, running_run

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.handmade_rows("pages show what rows hold, whoever wrote them"),
]
LOOKED_AT = 3
SAID = f"Filters look at the newest {LOOKED_AT} rows alone."


@pytest.fixture
def staff(client: Client, monkeypatch: pytest.MonkeyPatch) -> Client:
    """A superuser whose filters do not reach far."""
    monkeypatch.setattr(bounded, "LOOKED_AT", LOOKED_AT)
    client.force_login(get_user_model().objects.create_superuser("root", password="x"))
    return client


def page(staff: Client, model: type[Model], **query: object) -> str:
    given = {name: str(value) for name, value in query.items()}
    response = staff.get(reverse(f"admin:runs_{model._meta.model_name}_changelist"), given)
    assert response.status_code == 200
    return response.content.decode()


def listed(staff: Client, model: type[Model], **query: object) -> list[object]:
    given = {name: str(value) for name, value in query.items()}
    response = staff.get(reverse(f"admin:runs_{model._meta.model_name}_changelist"), given)
    return [row.pk for row in response.context["cl"].result_list]


def test_a_filter_looks_at_the_newest_and_says_so(staff: Client) -> None:
    old, *_, new = running_run(), queued_run(), queued_run(), running_run()
    assert listed(staff, Run, status="running") == [new.id]
    assert SAID in page(staff, Run, status="running")
    assert old.id in listed(staff, Run)
    assert SAID not in page(staff, Run)


def test_where_there_are_no_more_rows_nothing_is_said(staff: Client) -> None:
    run = running_run()
    assert listed(staff, Run, status="running") == [run.id]
    assert SAID not in page(staff, Run, status="running")


def test_an_old_run_is_found_by_its_names_and_tags(staff: Client) -> None:
    old = running_run(tags=["blue"])
    message = queued_message(old)
    for _ in range(LOOKED_AT + 1):
        queued_run()
    for term in (old.id, old.session_id, message.message_id, "blue"):
        assert listed(staff, Run, q=term) == [old.id]
        assert SAID not in page(staff, Run, q=term)


def test_of_one_run_a_filter_looks_at_its_own_rows_newest_first(staff: Client) -> None:
    run = running_run()
    record(run.id, [envelope(1)], epoch=None)
    for _ in range(LOOKED_AT):
        queued_run()
    own = list(Event.objects.filter(run=run).order_by("-seq").values_list("id", flat=True))
    for query in ({"run__exact": run.id}, {"q": run.session_id}):
        assert listed(staff, Event, **query) == own
    # It should be one of its newest, whatever others have done since.
    assert listed(staff, Event, run__exact=run.id, type="message.received") == own[:1]
    assert listed(staff, Event, run__exact=run.id, type="run.created") == []
    assert listed(staff, OutboundMessage, run__exact=run.id) == []


def test_runs_of_one_project_are_looked_for_among_its_own(staff: Client) -> None:
    other = Project.objects.create(name="Other", slug="other")
    own = running_run(project_id=other.id)
    for _ in range(LOOKED_AT + 1):
        queued_run()
    assert listed(staff, Run, project__id__exact=other.id) == [own.id]
    assert listed(staff, Run, project__id__exact=other.id, status="running") == [own.id]
    assert listed(staff, Run, project__id__exact=DEFAULT_PROJECT_ID, status="running") == []


def test_what_was_done_to_one_thing_is_found_however_long_ago(staff: Client) -> None:
    said = {"actor_type": "api_key", "action": "run.cancelled", "resource": "run"}
    old = AuditEntry.objects.create(**said, actor="ann", resource_id="a-run", request_id="r-1")
    for number in range(LOOKED_AT):
        AuditEntry.objects.create(**said, actor="bob", resource_id=f"other-{number}")
    assert listed(staff, AuditEntry, q="a-run") == [old.id]
    assert listed(staff, AuditEntry, q="ann") == listed(staff, AuditEntry, q="r-1") == []
    assert len(listed(staff, AuditEntry, q="bob")) == LOOKED_AT
    assert len(listed(staff, AuditEntry, q="run.cancelled")) == LOOKED_AT
