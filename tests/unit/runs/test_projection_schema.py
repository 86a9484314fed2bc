"""Whatever is folded, the state has the form that the documents give it."""

from hypothesis import HealthCheck, given, settings

from runs.domain.events import Event
from runs.domain.projection import empty, fold, metrics_summary, public_state
from tests.documents import faults_of
from tests.event_logs import event_logs
from tests.hostile_logs import hostile_logs
from tests.run_log import RUN_ID


def check(log: list[Event]) -> None:
    state = fold(empty(str(RUN_ID)), log)
    assert faults_of("Projection", public_state(state)) == []
    assert faults_of("MetricsSummary", {**metrics_summary(state), "lateObservationCount": 0}) == []


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(log=event_logs())
def test_the_state_of_any_run_is_as_described(log: list[Event]) -> None:
    check(log)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(log=hostile_logs())
def test_the_state_of_a_run_of_liars_is_as_described(log: list[Event]) -> None:
    check(log)
