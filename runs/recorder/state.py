"""The stored projection of a locked run: read, refolded where it cannot be gone on with, and written."""

import logging
from collections.abc import Sequence
from typing import cast

from runs.domain.events import Event
from runs.domain.projection import SCHEMA_VERSION, ProjectionState, StateUnreadable, fold, load
from runs.metrics import REFOLDED
from runs.models import Metric, Run
from runs.models.projection import columns_of
from runs.models.statements import change_row
from runs.queries import folded_state

log = logging.getLogger("signalbox.recorder")


def current_state(run: Run) -> ProjectionState:
    """The state that equals the fold of the run's events. One of an older schema version, or one that cannot be read, is
    refolded before use: it is made of events, and no damage to it may keep a run from being recorded.
    """
    stored = run.projection
    if stored.schema_version == SCHEMA_VERSION:
        try:
            return load(stored.state, stored.private)
        except StateUnreadable as broken:
            state = _refolded(run, broken)
            change_row(run.projection, columns_of(state, run.last_seq))  # whether or not this transaction has events
            return state
    return folded_state(run.id)


def awaited_replies(state: ProjectionState) -> int:
    """How many accepted messages still wait for a reply."""
    return cast("dict[str, int]", state.public["outboundMessages"])["awaitingReply"]


def store_folded(run: Run, state: ProjectionState, events: Sequence[Event]) -> ProjectionState:
    """The projection row holds the state after `events`, the run's last ones, whose rows are stored already."""
    try:
        folded = fold(state, events)
        columns = columns_of(folded, run.last_seq)
    except Exception as broken:  # what was stored looked like a state, and was none further down
        folded = _refolded(run, broken)
        columns = columns_of(folded, run.last_seq)
    change_row(run.projection, columns)
    return folded


def _refolded(run: Run, broken: Exception) -> ProjectionState:
    """The fold of what is stored of the run's log; that this was necessary is logged, and counted with this transaction."""
    log.error("the stored projection of run %s cannot be gone on with, it is made anew: %r", run.id, broken)
    state = folded_state(run.id)
    Metric.objects.add(REFOLDED.name)
    return state
