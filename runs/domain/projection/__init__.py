"""The live picture of a run, as a pure fold of its events; docs/projection.md shows it to users."""

from runs.domain.projection.figures import Figures, figures_of
from runs.domain.projection.fold import fold
from runs.domain.projection.metrics import final_metadata, metrics_summary
from runs.domain.projection.shape import StateUnreadable, load
from runs.domain.projection.state import EMPTY, SCHEMA_VERSION, ProjectionState, dump, empty, public_state

__all__ = [
    "EMPTY",
    "SCHEMA_VERSION",
    "Figures",
    "ProjectionState",
    "StateUnreadable",
    "dump",
    "empty",
    "figures_of",
    "final_metadata",
    "fold",
    "load",
    "metrics_summary",
    "public_state",
]
