"""Is a stored projection the fold of its log? Nobody else can tell: both are read here."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple
from uuid import UUID

from runs.domain.projection import SCHEMA_VERSION, Figures, ProjectionState, figures_of
from runs.domain.projection.difference import first_difference
from runs.models import Projection, Run
from runs.queries.states import covered_seq, folded_state


class Drift(NamedTuple):
    """A stored projection that is not the fold of its run's log: where first, and how far each of the two has come."""

    run_id: UUID
    path: str  # `state.run.status`; `projection` where none is stored, `projectedSeq` where only the number is wrong
    stored_seq: int | None
    folded_seq: int


def compared(run_id: UUID) -> tuple[ProjectionState, Drift | None]:
    """The fold of a run's log, and how the stored projection differs from it. Read it in a `snapshot()`.

    One of another schema version is no drift: it is refolded before anybody sees it.
    """
    folded = folded_state(run_id)
    seq = covered_seq(folded)
    columns = ("state", "private", "projected_seq", "schema_version", *Figures._fields)
    stored = Projection.objects.filter(run_id=run_id).values_list(*columns).first()
    if stored is None:
        return folded, Drift(run_id, "projection", None, seq)
    state, private, stored_seq, schema_version, *figures = stored
    if schema_version != SCHEMA_VERSION:
        return folded, None
    path = (
        first_difference(state, private, folded)
        or _different_figure(Figures._make(figures), figures_of(folded))
        or ("projectedSeq" if stored_seq != seq else None)
    )
    return folded, None if path is None else Drift(run_id, path, stored_seq, seq)


def _different_figure(stored: Figures, wanted: Figures) -> str | None:
    names = (name for name, one, other in zip(Figures._fields, stored, wanted, strict=True) if one != other)
    return next(names, None)


def drifts_in(run_ids: Sequence[UUID]) -> Iterator[Drift]:
    """Every drift among these runs, as far as they exist. Read it in a `snapshot()`."""
    for run_id in Run.objects.filter(id__in=run_ids).order_by("id").values_list("id", flat=True):
        _, drift = compared(run_id)
        if drift is not None:
            yield drift


def count_outdated(run_ids: Sequence[UUID]) -> int:
    """How many of these runs have a projection of another schema version, which is refolded before its next use."""
    return Projection.objects.filter(run_id__in=run_ids).exclude(schema_version=SCHEMA_VERSION).count()
