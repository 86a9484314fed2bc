"""The lifecycle as one table: closed, and as the documentation draws it."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runs.domain.lifecycle import TERMINAL, TRANSITIONS, RunStatus, as_mermaid, may_move, path_between, sources_of

statuses = st.sampled_from(list(RunStatus))


def test_the_terminal_states_are_the_three_endings() -> None:
    assert {"completed", "failed", "cancelled"} == TERMINAL


@given(statuses, statuses)
def test_sources_and_moves_are_the_same_table(source: RunStatus, target: RunStatus) -> None:
    assert may_move(source, target) == (source in sources_of(target)) == (target in TRANSITIONS[source])


@given(statuses, statuses)
def test_a_path_is_made_of_legal_moves_and_is_missing_only_where_there_is_none(
    source: RunStatus, target: RunStatus
) -> None:
    path = path_between(source, target)
    if path is None:
        assert (
            source in TERMINAL
            or target is RunStatus.QUEUED
            or target in {RunStatus.STARTING, RunStatus.BINDING_SESSION}
        )
        return
    here = source
    for stop in path:
        assert may_move(here, stop)
        here = stop
    assert here is target


def test_a_queued_run_walks_through_every_status_to_its_completion() -> None:
    assert path_between(RunStatus.QUEUED, RunStatus.COMPLETED) == [
        "starting",
        "binding_session",
        "running",
        "completed",
    ]


@pytest.mark.parametrize("ended", sorted(TERMINAL))
def test_nothing_leaves_a_terminal_state(ended: RunStatus) -> None:
    assert not TRANSITIONS[ended]


def test_the_picture_in_the_documentation_is_the_table() -> None:
    page = Path(__file__).parents[3] / "docs" / "lifecycle.md"
    assert as_mermaid() in page.read_text()
