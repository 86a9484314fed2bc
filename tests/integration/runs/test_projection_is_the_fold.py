"""Whatever is recorded, in whatever batches: the stored projection is the fold of the stored events (I7, B12)."""

import itertools

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runs.domain.events import Envelope, Observation, ObservationKind, SessionState
from runs.domain.projection import dump, fold, load
from runs.models import Projection
from runs.queries import iterate_events
from runs.recorder import record
from tests.cast import MODE, envelope, fresh, running_run, session_now
from tests.invariants import assert_invariants, assert_projection_equals_fold

texts = st.text(max_size=12)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-10, 10) | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
TYPES = [
    "Proposal",
    "Vote",
    "Evaluation",
    "Objection",
    "Commitment",
    "TaskUpdate",
    "TaskComplete",
    "Progress",
    "Signal",
    "Note",
]
MEMBERS = [
    "proposalId",
    "vote",
    "confidence",
    "reason",
    "option",
    "taskId",
    "progress",
    "total",
    "tokenUsage",
    "action",
]
payloads = st.dictionaries(st.sampled_from(MEMBERS), values, max_size=5)


@st.composite
def observations(draw: st.DrawFn) -> Observation:
    if draw(st.integers(0, 9)) == 0:
        return session_now(draw(st.sampled_from([SessionState.OPEN, SessionState.SUSPENDED])))
    message_id = draw(st.sampled_from("abcdefghijklmnop")) + draw(texts)
    body = Envelope(
        mode=MODE,
        message_type=draw(st.sampled_from(TYPES) | texts),
        message_id=message_id,
        session_id=draw(texts),
        sender=draw(st.sampled_from(["lead", "alice", "bob", ""])),
        payload=draw(st.binary(max_size=20)),
        decoded=draw(st.none() | payloads),
    )
    return Observation(kind=ObservationKind.ENVELOPE, body=body, raw=b"x", source_id=f"env:{message_id}")


@pytest.mark.django_db
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(st.lists(observations(), max_size=25), st.data())
def test_the_stored_projection_equals_the_fold_for_arbitrary_logs_and_every_split(
    log: list[Observation], data: st.DataObject
) -> None:
    run = running_run()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(log)), max_size=4)))
    for start, end in itertools.pairwise([0, *cuts, len(log)]):
        record(run.id, log[start:end], epoch=0)
        assert_projection_equals_fold(fresh(run))


@pytest.mark.django_db
def test_a_state_of_an_older_schema_is_refolded_before_it_is_extended() -> None:
    run = running_run()
    record(run.id, [envelope(1)], epoch=0)
    Projection.objects.filter(run_id=run.id).update(state="{}", private="{}", schema_version=1)
    record(run.id, [envelope(2)], epoch=0)
    assert_invariants()


@pytest.mark.django_db
def test_a_stored_state_survives_storage() -> None:
    run = running_run()
    record(run.id, [envelope(n) for n in range(5)], epoch=0)
    stored = fresh(run).projection
    assert dump(load(stored.state, stored.private)) == (stored.state.encode(), stored.private.encode())
    assert fold(load(stored.state, stored.private), []) is not None
    assert len(list(iterate_events(run.id))) == fresh(run).last_seq
