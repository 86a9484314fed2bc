"""A deployment that only observes: it opens no session. (That it sends nothing: test_sending_routes.py.)"""

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from runs.models import Run
from tests.bodies import Body, short_body

pytestmark = pytest.mark.django_db

ROUTES = ("/runs", "/runs/validate")
KICKOFF = [{"from": "alice", "to": ["bob"], "kind": "request", "messageType": "Proposal"}]


@pytest.fixture(autouse=True)
def only_observing(settings: Settings) -> None:
    settings.SIGNALBOX_OBSERVER_ONLY = True
    settings.SIGNALBOX_SESSION_OPENER = "control-plane"


def posted(caller: Client, route: str, body: Body, status: int) -> Body:
    response = caller.post(route, body, content_type="application/json")
    assert response.status_code == status, response.content
    answer: Body = response.json()
    return answer


@pytest.mark.parametrize("route", ROUTES)
def test_a_session_of_our_own_is_400(caller: Client, route: str) -> None:
    body = short_body()
    body["session"]["opener"] = "control-plane"

    answer = posted(caller, route, body, 400)

    assert (answer["errorCode"], answer["details"]["errors"][0]["path"]) == ("VALIDATION_ERROR", "session.opener")
    assert Run.objects.count() == 0


@pytest.mark.parametrize("route", ROUTES)
def test_a_kickoff_is_400_for_nobody_would_send_it(caller: Client, route: str) -> None:
    answer = posted(caller, route, short_body() | {"kickoff": KICKOFF}, 400)

    assert answer["details"]["errors"][0]["path"] == "kickoff"


def test_a_run_whose_opener_nobody_names_waits_for_an_agent(caller: Client) -> None:
    run = Run.objects.get(id=posted(caller, "/runs", short_body(), 201)["runId"])

    assert run.session_opener == "agent"
