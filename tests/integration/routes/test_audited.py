"""Every change is in the audit list or does not happen, on every route that changes anything."""

import orjson
import pytest
from django.test import Client

from runs.models import ApiKey, AuditEntry
from tests.bodies import short_body
from tests.failing_audit import failing_audit
from tests.integration.routes.scene import JSON, everything, ids_for, run_for
from tests.routes import UNSAFE, Call, calls, each
from tests.sample_bodies import sample_body

pytestmark = pytest.mark.django_db

# What a key may do that only reads, changes nothing that anybody would ask about.
CHANGES = [call for call in calls() if call.method in UNSAFE and call.route.scope(call.method) != "runs:read"]


@pytest.mark.parametrize("call", each(CHANGES))
def test_a_change_that_cannot_be_audited_fails_and_changes_nothing_d11_b07(call: Call, insider: Client) -> None:
    run = run_for(call)
    address = call.route.address(ids_for(call, run, insider))
    before = everything()

    with failing_audit():
        answer = insider.generic(call.method, address, orjson.dumps(sample_body(call, run.id)), content_type=JSON)

    # In a batch each run is judged alone, and the answer says what became of each.
    [told] = answer.json() if call.route.path.startswith("runs/batch/") else [{"error": answer.json()}]
    assert (told.get("ok", False), told["error"]["errorCode"]) == (False, "INTERNAL_ERROR"), answer.content
    assert answer.status_code == (201 if "ok" in told else 500)
    assert "canary" not in answer.content.decode()
    assert everything() == before
    assert len(before["Run"]) == 1


def test_one_row_names_the_key_the_request_and_where_it_came_from(insider: Client) -> None:
    key = ApiKey.objects.get()
    created = insider.post("/runs", short_body(), content_type=JSON, headers={"X-Request-Id": "req-1"}).json()
    rebuild, cancel = f"/runs/{created['runId']}/projection/rebuild", f"/runs/{created['runId']}/cancel"
    insider.post(rebuild, {}, content_type=JSON, headers={"X-Request-Id": "req-2"})
    insider.post(cancel, {}, content_type=JSON, headers={"X-Request-Id": "req-3"})

    rows = AuditEntry.objects.order_by("id")
    assert [(row.action, row.request_id) for row in rows] == [
        ("run.created", "req-1"),
        ("run.rebuilt", "req-2"),
        ("run.cancelled", "req-3"),
    ]
    for row in rows:
        assert (row.actor, row.actor_type, row.actor_id) == ("robot", "api_key", f"key:{key.id}")
        assert (row.resource_id, row.address) == (created["runId"], "127.0.0.1")


def test_a_repeated_request_is_no_second_change(insider: Client) -> None:
    for _ in range(2):
        insider.post("/runs", short_body(), content_type=JSON, headers={"Idempotency-Key": "once"})
    assert AuditEntry.objects.count() == 1
