"""GET /runs/{id}/metrics: what is shown is what a recount of the log comes to, at any time (B03, B19, E11)."""

from uuid import UUID

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runs.domain.events import Observation, SessionState
from runs.models import Project
from runs.models.identity import uuid7
from runs.recorder import quarantine, record
from tests.cast import ack, envelope, fresh, queued_message, running_run, session_now
from tests.integration.insights import conversations as said
from tests.integration.insights.recount import Counted, recounted
from tests.integration.runs.conftest import store_run
from tests.played import OPENED

pytestmark = pytest.mark.django_db


def shown(caller: Client, run_id: UUID) -> Counted:
    response = caller.get(f"/runs/{run_id}/metrics")
    assert response.status_code == 200, response.content
    document: Counted = response.json()
    return document


def without_session_state(document: Counted) -> Counted:
    return {name: value for name, value in document.items() if name != "sessionState"}


def everything() -> list[Observation]:
    return [
        OPENED,
        said.proposed("alice", 0.5),
        said.said("bob", "Vote", {"proposalId": "p1", "vote": "APPROVE"}),
        said.signalled("alice", "alarm"),
        said.called("bob", 1000, 10),
        said.called("alice", 7, 3),
        said.said("alice", "ToolCall", {"json": {"toolCallId": "t1"}, "encoding": "json"}),
        said.committed("lead", "decision.selected"),
        session_now(SessionState.SUSPENDED),
        envelope("one", sender="bob"),
    ]


def test_everything_is_counted_as_the_log_has_it_b03(caller: Client) -> None:
    run = running_run()
    message = queued_message(run)
    record(run.id, [*everything(), ack(str(message.message_id))], epoch=None)
    document = shown(caller, run.id)

    assert document["sessionState"] == "SESSION_STATE_SUSPENDED"
    assert without_session_state(document) == recounted(run.id)
    # It should have had something to count.
    for member in ("messageCount", "signalCount", "proposalCount", "toolCallCount", "decisionCount", "totalTokens"):
        assert document[member], member
    # 1007 prompt tokens at 2.50 USD and 13 completion tokens at 10 USD a million.
    assert document["estimatedCostUsd"] == pytest.approx(0.002648, abs=1e-6)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(range(10)), max_size=30), st.integers(0, 30))
def test_metrics_equal_a_recount_after_any_batches_b03(caller: Client, picked: list[int], cut: int) -> None:
    run = running_run()
    batch = [everything()[number] for number in picked]
    for part in (batch[:cut], batch[cut:]):
        record(run.id, part, epoch=None)
        assert without_session_state(shown(caller, run.id)) == recounted(run.id)


def test_a_run_of_which_nothing_was_recorded_has_zeros_and_no_optionals(caller: Client) -> None:
    run = store_run()
    document = shown(caller, run.id)

    assert document.pop("runId") == str(run.id)
    assert len(document) == 12
    assert set(document.values()) == {0}


def test_nothing_moves_after_the_end_but_the_count_of_what_came_late_b19(caller: Client) -> None:
    run = said.resolved(said.talked(*everything()))
    before = shown(caller, run.id)
    quarantine(run.id, [envelope(99), envelope(100)])

    assert shown(caller, run.id) == before | {"lateObservationCount": 2}
    assert before["durationMs"] == fresh(run).metadata["durationMs"]


def test_a_state_that_is_old_or_damaged_is_counted_from_the_log(caller: Client) -> None:
    for changes in ({"schema_version": 1, "private": "{}"}, {"private": "no JSON"}):
        run = said.talked(*everything())
        before = shown(caller, run.id)
        stored = (run.projection.private, run.projection.schema_version)
        type(run.projection).objects.filter(run_id=run.id).update(**changes)

        assert shown(caller, run.id) == before
        type(run.projection).objects.filter(run_id=run.id).update(private=stored[0], schema_version=stored[1])


def test_unknown_ids_ids_of_other_projects_and_what_is_no_id(caller: Client) -> None:
    project = Project.objects.create(name="other", slug="other")
    elsewhere = running_run(project_id=project.id)

    assert caller.get(f"/runs/{uuid7()}/metrics").json()["errorCode"] == "RUN_NOT_FOUND"
    assert caller.get(f"/runs/{elsewhere.id}/metrics").status_code == 404
    assert caller.get("/runs/metrics/metrics").json()["errorCode"] == "VALIDATION_ERROR"
