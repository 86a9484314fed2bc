"""The two append-only logs of a run: what the runtime told us, and the canonical events made of it."""

from typing import NoReturn, TypeVar

from django.db import models
from django.db.models.functions import Now

from runs.domain.events import ENDING_TYPES
from runs.models.identity import uuid7
from runs.models.project import Project
from runs.models.run import Run

Row = TypeVar("Row", bound=models.Model, covariant=True)


class AppendOnlyError(TypeError):
    """An append-only row cannot be changed or deleted."""


class AppendOnlyQuerySet(models.QuerySet[Row]):
    """Refuses what would rewrite history; the database's own trigger refuses it for everybody else."""

    def update(self, **kwargs: object) -> NoReturn:
        """Never: raises AppendOnlyError."""
        raise AppendOnlyError(AppendOnlyError.__doc__)

    def delete(self) -> NoReturn:
        """Never: raises AppendOnlyError."""
        raise AppendOnlyError(AppendOnlyError.__doc__)


class AppendOnly(models.Model):
    """A row that is written once. Rows come in by COPY (runs/recorder), never by save()."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    # No foreign key in the database: the row lock proves the run, and COPY is half as fast again without it.
    run = models.ForeignKey(Run, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+")
    seq = models.BigIntegerField()
    created_at = models.DateTimeField(db_default=Now())

    objects = AppendOnlyQuerySet.as_manager()

    class Meta:
        abstract = True

    def save(self, *args: object, **kwargs: object) -> NoReturn:
        """Never: raises AppendOnlyError."""
        raise AppendOnlyError(AppendOnlyError.__doc__)

    def delete(self, *args: object, **kwargs: object) -> NoReturn:
        """Never: raises AppendOnlyError."""
        raise AppendOnlyError(AppendOnlyError.__doc__)


class RawObservation(AppendOnly):
    """One observation, byte for byte as it was received; `seq` is shown as `rawSeq`."""

    kind = models.CharField(max_length=20)
    source_id = models.TextField(null=True)
    digest = models.BinaryField(max_length=32, null=True)
    body = models.BinaryField()

    class Meta:
        constraints = [
            # Dense numbering; export reads a run in this order.
            models.UniqueConstraint(fields=["run", "seq"], name="raw_run_seq"),
            # A replayed observation adds nothing (recorder, known source ids).
            models.UniqueConstraint(
                fields=["run", "source_id"], condition=models.Q(source_id__isnull=False), name="raw_run_source"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.seq}"


class Event(AppendOnly):
    """One canonical event as a row. `data` is JSON text written once and served as it is."""

    project = models.ForeignKey(Project, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+")
    ts = models.DateTimeField()
    type = models.CharField(max_length=64)
    subject_kind = models.CharField(max_length=20, null=True)
    subject_id = models.TextField(null=True)
    source_kind = models.CharField(max_length=20)
    source_name = models.CharField(max_length=40)
    raw_type = models.TextField(null=True)
    raw_seq = models.BigIntegerField(null=True)
    trace_id = models.TextField(null=True)  # agent text: no length may stop a batch
    span_id = models.TextField(null=True)
    parent_span_id = models.TextField(null=True)
    lease_epoch = models.BigIntegerField()
    data = models.TextField()

    class Meta:
        constraints = [
            # The numbering itself, and every read of one run: lists, streams, folds.
            models.UniqueConstraint(fields=["run", "seq"], name="events_run_seq"),
            # One ending a run, whoever writes it.
            models.UniqueConstraint(
                fields=["run"], condition=models.Q(type__in=sorted(ENDING_TYPES)), name="events_one_ending"
            ),
        ]
        indexes = [
            # The feed across runs: GET /events.
            models.Index(fields=["project", "ts", "run", "seq"], name="events_feed"),
        ]

    def __str__(self) -> str:
        return f"{self.seq} {self.type}"
