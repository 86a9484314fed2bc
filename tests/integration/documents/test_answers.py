"""Every answer is what docs/openapi.json says: reads of runs that have heard something, and changes that wait for nobody."""

from typing import Any

import orjson
import pytest
from django.test import Client

from runs.models import Run
from tests import scenarios
from tests.documents import answer_faults
from tests.integration.documents.answers import COMMITTED, documented, each, whole
from tests.integration.documents.scene import told
from tests.integration.routes.scene import JSON, ids_for, run_for
from tests.routes import Call, calls
from tests.sample_bodies import sample_body

READS = [call for call in calls() if call.method == "GET" and call.route.has_handlers]
STORIES = ("happy decision", "messages sent", "poison frame", "signals and progress", "tools and policy", "veto")
QUERIES = {
    "GET /runs/{}/events": [{}, {"type": "message.received,run.created", "limit": "2"}],
    "GET /runs/{}/export": [{}, {"includeRaw": "true"}],
}
OF_A_RUN = [call for call in READS if "run_id" in call.route.parameters]
# They wait for an observer, and none is there.
WAITING = ("/suspend", "/resume", "/cancel", "/messages", "/signal", "/context", "/recover")
CHANGES = [call for call in calls() if call.method != "GET" and not str(call).endswith(WAITING)]


def check(call: Call, response: Any) -> None:
    body = whole(response)
    assert answer_faults(documented(call.route), call.method, response.status_code, body) == [], body


@COMMITTED
def test_what_is_shown_of_a_run_is_as_described_whatever_it_has_heard(insider: Client) -> None:
    for name in STORIES:
        check_all_reads(told(scenarios.ALL[name]), insider)


def check_all_reads(run: Run, insider: Client) -> None:
    insider.post(f"/runs/{run.id}/artifacts", {"kind": "json", "label": "a", "inline": {"b": 1}}, content_type=JSON)
    for call in OF_A_RUN:
        for query in QUERIES.get(str(call), [{}]):
            response = insider.get(call.route.address({"run_id": run.id}), query)
            assert response.status_code == 200
            check(call, response)


@pytest.mark.parametrize("call", each(READS))
def test_a_read_answers_as_described(call: Call, insider: Client) -> None:
    run = run_for(call)
    check(call, insider.get(call.route.address(ids_for(call, run, insider))))
    check(call, insider.get(call.route.address({}), {"runId": str(run.id)}))


@pytest.mark.parametrize("call", each(CHANGES))
def test_a_change_answers_as_described(call: Call, insider: Client) -> None:
    run = run_for(call)
    address = call.route.address(ids_for(call, run, insider))
    response = insider.generic(call.method, address, orjson.dumps(sample_body(call, run.id)), content_type=JSON)
    assert response.status_code < 300 or "policies" in address, response.content
    check(call, response)
