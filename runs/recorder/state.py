"""The stored projection of a locked run: read, refolded where an older schema version wrote it, and written."""

from typing import cast

from runs.domain.projection import SCHEMA_VERSION, ProjectionState, dump, load
from runs.models import Run
from runs.models.statements import change_row
from runs.queries import folded_state


def current_state(run: Run) -> ProjectionState:
    """The state that equals the fold of the run's events; an older schema version is refolded before use."""
    stored = run.projection
    if stored.schema_version == SCHEMA_VERSION:
        return load(stored.state, stored.private)
    return folded_state(run.id)


def awaited_replies(state: ProjectionState) -> int:
    """How many accepted messages still wait for a reply."""
    return cast("dict[str, int]", state.public["outboundMessages"])["awaitingReply"]


def store_state(run: Run, state: ProjectionState) -> None:
    """The projection row holds `state`, which covers every event of the run so far."""
    public, private = dump(state)
    columns = {
        "state": public.decode(),
        "private": private.decode(),
        "projected_seq": run.last_seq,
        "schema_version": SCHEMA_VERSION,
    }
    change_row(run.projection, columns)
