"""Projection: the stored state of a run, always equal to the fold of its events."""

from django.db import models

from runs.domain.projection import SCHEMA_VERSION, ProjectionState, dump, figures_of
from runs.models.identity import uuid7
from runs.models.run import Run


class Projection(models.Model):
    """State as JSON text: `state` is served as it is, `private` is what the next fold and normalisation need."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    run = models.OneToOneField(Run, models.CASCADE, related_name="projection")  # read with the lock, and by GET state
    state = models.TextField()
    private = models.TextField()
    projected_seq = models.BigIntegerField(default=0)
    schema_version = models.IntegerField()
    # The figures of the state, which insights add up over many runs (runs/domain/projection/figures.py).
    signal_count = models.BigIntegerField(db_default=0)
    total_tokens = models.BigIntegerField(db_default=0)
    cost_micro_usd = models.BigIntegerField(db_default=0)
    outcome = models.SmallIntegerField(db_default=0)
    agents = models.JSONField(db_default=models.Value({}, models.JSONField()))

    def __str__(self) -> str:
        return f"state of {self.run_id} at {self.projected_seq}"


def columns_of(state: ProjectionState, projected_seq: int) -> dict[str, object]:
    """The state after event `projected_seq` as columns."""
    public, private = dump(state)
    return {
        "state": public.decode(),
        "private": private.decode(),
        "projected_seq": projected_seq,
        "schema_version": SCHEMA_VERSION,
        **figures_of(state)._asdict(),
    }
