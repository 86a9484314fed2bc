"""What the page of a run offers: what the run's state allows, of that what the member of staff may do, and as whom."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django.fixtures import Settings

from runs.domain.events import SessionState
from runs.models import Project, Run
from runs.models.identity import uuid7
from runs.recorder import record
from tests.cast import queued_run, session_now
from tests.console import ended_run, member, watched_run
from tests.integration.runs.conftest import store_run
from tests.integration.runs.test_observe_run import launch

pytestmark = pytest.mark.django_db

SPEECH = ["message", "signal", "context"]
KEEPING = ["clone", "export", "artifact", "rebuild", "archive"]


def offered(staff: Client, run: Run) -> list[str]:
    found: list[str] = staff.get(reverse("console:run-head", args=[run.id])).json()["acts"]
    return found


@pytest.fixture
def operator(client: Client) -> Client:
    return member(client, "view_run", "change_run", "add_outboundmessage")


@pytest.fixture
def administrator(client: Client) -> Client:
    return member(client, "view_run", "change_run", "add_outboundmessage", "delete_run", "change_endpoint")


def test_each_state_offers_what_it_allows(administrator: Client) -> None:
    running, suspended = watched_run(), watched_run()
    record(suspended.id, [session_now(SessionState.SUSPENDED)], epoch=1)
    assert offered(administrator, queued_run()) == ["cancel", "recover", *KEEPING, "resend"]
    assert offered(administrator, running) == [*SPEECH, "suspend", "cancel", "recover", *KEEPING, "resend"]
    assert offered(administrator, suspended) == ["resume", "cancel", "recover", *KEEPING, "resend"]
    assert offered(administrator, ended_run()) == [*KEEPING, "delete", "resend"]


def test_what_is_archived_can_be_brought_back_and_what_is_not_cleaned_up_not_deleted(administrator: Client) -> None:
    run = ended_run()
    Run.objects.filter(id=run.id).update(archived_at=timezone.now(), cleanup_status="pending")
    assert offered(administrator, run) == [*KEEPING[:-1], "unarchive", "resend"]


def test_where_nothing_is_sent_nothing_can_be_said(administrator: Client, settings: Settings) -> None:
    settings.SIGNALBOX_OBSERVER_ONLY = True
    assert not set(SPEECH) & set(offered(administrator, watched_run()))


def test_each_may_do_what_their_rights_allow(operator: Client) -> None:
    assert offered(operator, ended_run()) == KEEPING


def test_nothing_is_offered_that_its_route_would_refuse(client: Client) -> None:
    steersman, running = member(client, "view_run", "change_run", "change_delivery"), watched_run()
    assert offered(steersman, running) == ["suspend", "cancel", "recover", *KEEPING]


def test_who_may_only_look_is_offered_nothing_also_in_the_page(client: Client) -> None:
    viewer, run = member(client, "view_run", "delete_run", "change_delivery"), watched_run()
    assert offered(viewer, run) == []
    page = viewer.get(reverse("console:run", args=[run.id])).content.decode()
    assert "<dialog" not in page
    assert "csrfmiddlewaretoken" not in page[page.index('id="run"') :]


def test_the_page_names_what_is_offered(operator: Client) -> None:
    page = operator.get(reverse("console:run", args=[watched_run().id])).content.decode()
    assert 'data-allowed="[&quot;message&quot;, &quot;signal&quot;' in page


# -- as whom


def speakers(staff: Client, run_id: object) -> Any:
    return staff.get(reverse("console:run-speakers", args=[run_id]))


def test_members_may_be_spoken_for_where_a_credential_is_held(operator: Client, settings: Settings) -> None:
    everybody = ["alice", "bob", "lead"]
    assert speakers(operator, launch()).json() == {"members": everybody, "speakers": everybody}
    settings.RUNTIME_DEV_SENDERS, settings.RUNTIME_BEARER_TOKEN = False, "a token of ours"
    at_runtime = launch(runtime={"kind": "macp"})
    assert speakers(operator, at_runtime).json() == {"members": everybody, "speakers": []}


def test_nobody_speaks_in_a_run_that_cannot_be_read_is_unknown_or_somebody_elses(operator: Client) -> None:
    other = queued_run(project=Project.objects.create(name="Other", slug="other"))
    assert speakers(operator, store_run().id).json() == {"members": [], "speakers": []}
    assert [speakers(operator, one).status_code for one in (uuid7(), other.id)] == [404, 404]
