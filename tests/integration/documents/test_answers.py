"""Every answer is what docs/openapi.json says: reads of runs that have heard something, and changes that wait for nobody."""

from collections.abc import Sequence
from typing import Any

import orjson
import pytest
from django.test import Client

from runs.domain.endings import EndingCode, Verdict
from runs.domain.events import Observation
from runs.domain.lifecycle import RunStatus
from runs.ending import end_run
from runs.models import Run
from runs.recorder import record
from tests import scenarios
from tests.cast import ack, envelope, fresh, queued_message, running_run
from tests.documents import answer_faults
from tests.integration.documents.answers import documented, whole
from tests.integration.routes.scene import JSON, ids_for, run_for
from tests.routes import Call, calls
from tests.sample_bodies import sample_body

READS = [call for call in calls() if call.method == "GET" and call.route.has_handlers]
OF_A_RUN = [call for call in READS if "run_id" in call.route.parameters]
# They wait for an observer, and none is there.
WAITING = ("/suspend", "/resume", "/cancel", "/messages", "/signal", "/context")
CHANGES = [call for call in calls() if call.method != "GET" and not str(call).endswith(WAITING)]


COMMITTED = pytest.mark.django_db(transaction=True)  # for what is read or done on other threads


def each(found: Sequence[Call]) -> list[Any]:
    """Parameters of a test, one for each call."""
    marks = {
        call: COMMITTED if "batch" in str(call) or "export" in str(call) else pytest.mark.django_db for call in found
    }
    return [pytest.param(call, id=str(call), marks=mark) for call, mark in marks.items()]


def told(story: Sequence[Observation]) -> Run:
    """A run that has heard the story, was contradicted, sent a message, and has ended."""
    run = running_run(tags=["a"], source_ref="pack/one", error_message=None)
    message = queued_message(run)
    record(run.id, [ack(str(message.message_id)), *story], epoch=None)
    record(run.id, [envelope("twice", text="one"), envelope("twice", text="another")], epoch=None)
    end_run(run.id, Verdict(code=EndingCode.RUN_TIMEOUT), epoch=run.lease_epoch)
    ended = fresh(run)
    assert ended.status == RunStatus.FAILED
    return ended


def check(call: Call, response: Any) -> None:
    body = whole(response)
    assert answer_faults(documented(call.route), call.method, response.status_code, body) == [], body


@COMMITTED
def test_what_is_shown_of_a_run_is_as_described_whatever_it_has_heard(insider: Client) -> None:
    for story in scenarios.ALL.values():
        check_all_reads(told(story), insider)


def check_all_reads(run: Run, insider: Client) -> None:
    insider.post(f"/runs/{run.id}/artifacts", {"kind": "json", "label": "a", "inline": {"b": 1}}, content_type=JSON)
    for call in OF_A_RUN:
        for query in ({}, {"includeRaw": "true", "type": "message.received,run.created"}):
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
