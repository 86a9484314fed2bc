"""Reads of a run's state."""

import contextlib
from typing import cast
from uuid import UUID

from django.db import connection

from runs.domain.events import JsonObject
from runs.domain.projection import SCHEMA_VERSION, ProjectionState, StateUnreadable, dump, empty, fold, load
from runs.errors import RunNotFound
from runs.models import Projection, Run
from runs.queries.events import event_pages

# Whoever watches without a stream asks for this again and again: the text is not made anew each time.
_STORED = """
SELECT p.state, p.schema_version, p.projected_seq FROM runs_projection p JOIN runs_run r ON r.id = p.run_id
 WHERE p.run_id = %s AND r.project_id = %s
"""


def state_text(project_id: UUID, run_id: UUID, *, up_to: int | None = None) -> bytes:
    """The public state of a run as JSON text, as it was after event `up_to`; now, if that is past the end.

    Always equal to the fold of those events. Raises RunNotFound.
    """
    with connection.cursor() as cursor:
        cursor.execute(_STORED, [run_id, project_id])
        stored = cursor.fetchone()
    if stored is None:
        raise RunNotFound
    state, schema_version, projected_seq = stored
    if up_to is not None and up_to < projected_seq:
        return _public(_folded_whole(run_id, up_to, up_to=up_to))
    return state.encode() if schema_version == SCHEMA_VERSION else _public(_folded_whole(run_id, projected_seq))


def state_of(project_id: UUID, run_id: UUID) -> ProjectionState:
    """The state of a run as a value, public and private. Always equal to the fold of its events. Raises RunNotFound."""
    stored = Projection.objects.filter(run_id=run_id, run__project_id=project_id)
    found = stored.values_list("state", "private", "schema_version", "projected_seq").first()
    if found is None:
        raise RunNotFound
    state, private, schema_version, projected_seq = found
    if schema_version == SCHEMA_VERSION:
        with contextlib.suppress(StateUnreadable):
            return load(state, private)
    return _folded_whole(run_id, projected_seq)


def _folded_whole(run_id: UUID, least: int, *, up_to: int | None = None) -> ProjectionState:
    """The fold, if it got as far as `least`: the run may be deleted between two pages of its log. Raises RunNotFound then."""
    state = folded_state(run_id, up_to=up_to)
    if covered_seq(state) < least and not Run.objects.filter(id=run_id).exists():
        raise RunNotFound
    return state


def _public(state: ProjectionState) -> bytes:
    public, _ = dump(state)
    return public


def folded_text(run_id: UUID, *, up_to: int | None = None) -> bytes:
    """The public state made anew from every event of the run, up to and with seq `up_to`."""
    return _public(folded_state(run_id, up_to=up_to))


def folded_state(run_id: UUID, *, onto: ProjectionState | None = None, up_to: int | None = None) -> ProjectionState:
    """The fold of the run's log up to seq `up_to`, or of what follows the events that `onto` covers.

    However long the log, a page of it is in memory.
    """
    state = onto or empty(str(run_id))
    for page in event_pages(run_id, after=covered_seq(state), up_to=up_to):
        state = fold(state, page)
    return state


def covered_seq(state: ProjectionState) -> int:
    """The number of the last event that went into `state`."""
    return cast(int, cast(JsonObject, state.public["timeline"])["latestSeq"])


def status_of(state: ProjectionState) -> str:
    """The status that `state` shows of its run."""
    return cast(str, cast(JsonObject, state.public["run"])["status"])
