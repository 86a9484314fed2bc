"""Nothing crosses the wall between projects: whatever belongs to another one is not there, on any route."""

import orjson
import pytest
from django.test import Client

from runs.domain.scopes import SCOPES
from runs.models.identity import uuid7
from tests.integration.routes.scene import JSON, SHARED, everything, ids_for, run_for
from tests.keys import stored_key
from tests.routes import Call, calls, each
from tests.sample_bodies import sample_body

pytestmark = pytest.mark.django_db

OF_AN_OBJECT = [call for call in calls() if call.route.parameters and not call.route.path.startswith(SHARED)]
# Who wants it gone is told that it is, whether it was there or not: another project's is answered like one that nobody has.
GONE_IS_GONE = {"DELETE /webhooks/{}"}
LISTS = [call for call in calls() if call.method == "GET" and not call.route.parameters]
RUN = uuid7()
NAMING_RUNS = [call for call in calls() if not call.route.parameters and str(RUN) in str(sample_body(call, RUN))]


@pytest.fixture
def outsider(db: None) -> Client:
    """A program with a key for everything in a project of its own."""
    header = stored_key(*SCOPES, project_id=uuid7()).header
    return Client(raise_request_exception=False, headers={"Authorization": header})


@pytest.mark.parametrize("call", each(OF_AN_OBJECT))
def test_an_object_of_another_project_is_404_and_stays_as_it_is(call: Call, insider: Client, outsider: Client) -> None:
    run = run_for(call)
    address = call.route.address(ids_for(call, run, insider))
    before = everything()

    answer = outsider.generic(call.method, address, orjson.dumps(sample_body(call, run.id)), content_type=JSON)

    if str(call) in GONE_IS_GONE:
        assert (answer.status_code, answer.content) == (204, b"")
    else:
        expected = "RUN_NOT_FOUND" if "run_id" in call.route.parameters else "NOT_FOUND"
        assert (answer.status_code, answer.json()["errorCode"]) == (404, expected), "is its sample body a good one?"
    assert everything() == before


@pytest.mark.parametrize("call", each(LISTS))
def test_no_list_shows_anything_of_another_project(call: Call, outsider: Client) -> None:
    run = run_for(call)
    answer = outsider.get(call.route.address())
    assert answer.status_code < 500
    assert str(run.id) not in answer.content.decode()
    assert run.session_id not in answer.content.decode()


@pytest.mark.parametrize("call", each(NAMING_RUNS))
def test_a_body_that_names_a_run_of_another_project_finds_none(call: Call, outsider: Client) -> None:
    run = run_for(call)
    before = everything()

    answer = outsider.post(call.route.address(), sample_body(call, run.id), content_type=JSON)

    found = answer.json()
    codes = [found["errorCode"]] if isinstance(found, dict) else [item["error"]["errorCode"] for item in found]
    assert codes == ["RUN_NOT_FOUND"]
    assert everything() == before
