"""Which routes take an Idempotency-Key, and that what they do a second time changes nothing."""

import orjson
import pytest
from django.test import Client

from runs.api.described import ANSWERED_ONCE, IDEMPOTENCY_KEY
from tests.documents import document
from tests.integration.documents.answers import documented
from tests.integration.routes.scene import JSON, everything, ids_for, run_for
from tests.routes import Call, calls, each
from tests.sample_bodies import sample_body

pytestmark = pytest.mark.django_db

# The key of a run lives as long as the run (runs/operations/launch.py); the other two do the same however often.
BY_THEMSELVES = {"POST /runs", "POST /runs/{}/projection/rebuild", "POST /admin/circuit-breaker/reset"}
CHANGES = [call for call in calls() if call.method == "POST" and call.route.scope("POST") != "runs:read"]
KEYED = [call for call in CHANGES if str(call) not in BY_THEMSELVES]
# Whoever else is to carry it out is not there in these tests: tests/integration/runs/test_said_once.py has them.
OF_AN_OWNER = {"messages", "signal", "context", "suspend", "resume", "cancel", "recover"}
# Its answer shows a secret and is not kept: whoever repeats it is told so.
UNKEPT = {"POST /webhooks"}
ALONE = [call for call in KEYED if str(call).rpartition("/")[2] not in OF_AN_OWNER]


def test_every_route_that_makes_or_changes_something_takes_a_key_and_says_so() -> None:
    assert not BY_THEMSELVES - {str(call) for call in CHANGES}
    for call in CHANGES:
        method = call.route.view.cls.post  # type: ignore[attr-defined]
        assert hasattr(method, ANSWERED_ONCE) == (call in KEYED), call
    for call in KEYED:
        described = document("openapi")["paths"][documented(call.route)]["post"]
        assert IDEMPOTENCY_KEY in {one["name"] for one in described["parameters"] if one["in"] == "header"}, call
        assert {"IDEMPOTENCY_KEY_REUSED", "CONFLICT"} <= set(described["x-error-codes"]), call


@pytest.mark.parametrize("call", each(ALONE))
def test_a_request_that_is_repeated_under_its_key_changes_nothing_more(call: Call, insider: Client) -> None:
    run = run_for(call)
    address = call.route.address(ids_for(call, run, insider))
    body = orjson.dumps(sample_body(call, run.id))

    def ask() -> tuple[int, bytes, str | None]:
        answer = insider.generic("POST", address, body, content_type=JSON, headers={IDEMPOTENCY_KEY: "once"})
        return answer.status_code, answer.content, answer.get("Idempotency-Replayed")

    status, content, mark = ask()
    before = everything()
    again = ask()

    assert (status, mark) == (201, None), content
    if str(call) in UNKEPT:
        assert (again[0], orjson.loads(again[1])["errorCode"]) == (409, "CONFLICT")
    else:
        assert again == (status, content, "true")
    assert everything() == before
