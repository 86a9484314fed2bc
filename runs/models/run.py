"""Run: one multi-agent session and its lifecycle. Its row is the lock, the fence, the sequence and the election."""

from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models.functions import Now

from runs.domain.lifecycle import TERMINAL, RunStatus
from runs.errors import Fenced, RunEnded, RunNotFound
from runs.models.identity import uuid7
from runs.models.project import DEFAULT_PROJECT_ID, Project
from runs.models.statements import locked_row

if TYPE_CHECKING:
    from runs.models.projection import Projection
    from runs.models.session import RuntimeSession


# What was asked for is not needed to record, and may be large; whoever asks a locked run for it gets it loaded.
_NOT_NEEDED = frozenset({"request"})


class RunQuerySet(models.QuerySet["Run"]):
    """Reads and locks of runs."""

    def lock(self, run_id: UUID, *, epoch: int | None) -> "Run":
        """The run's row, locked until the transaction ends, its session and projection with it.

        `epoch=None` is for writers that own nothing (API, sweep). Raises RunNotFound, Fenced (another observer has
        taken the run since `epoch`) or RunEnded. Must be the first statement of a write: commit order is then seq order.
        """
        found = locked_row(Run, run_id, joined=("session", "projection"), deferred=_NOT_NEEDED)
        if found is None:
            raise RunNotFound
        run, now = found
        run.locked_at = now
        if run.ending_seq is not None:
            raise RunEnded(f"run is {run.status}", details={"from": run.status})
        if epoch is not None and run.lease_epoch != epoch:
            raise Fenced(f"run {run_id} is owned under epoch {run.lease_epoch}, not {epoch}")
        return run

    def lock_to_repair(self, run_id: UUID) -> "Run":
        """The run's row, ended or not, locked until the transaction ends: nobody records meanwhile. Raises RunNotFound.

        For what is derived from the log and can be made again from it. It opens no way into the log: whoever records has
        to come through `lock`, which turns away former owners and whoever comes after the ending.
        """
        locked = self.select_for_update(no_key=True).filter(id=run_id)
        run = locked.only("project_id", "status", "last_seq").first()
        if run is None:
            raise RunNotFound
        return run

    def take(self, run_id: UUID) -> int:
        """Nobody owns the run, and its former owner is fenced; the answer is the epoch to end it under.

        Raises RunNotFound or RunEnded. Inside a transaction only, and for whoever ends the run in it: an observer
        that finds it without an owner would go on with it.
        """
        epoch = self.lock(run_id, epoch=None).lease_epoch + 1
        self.filter(id=run_id).update(lease_epoch=epoch, observer_id=None)
        return epoch


class Run(models.Model):
    """One observed multi-agent session: what was asked for, where it is, who owns it, how it ended."""

    if TYPE_CHECKING:
        session: RuntimeSession
        projection: Projection
        locked_at: datetime  # set by `objects.lock`: the database's time, read under the lock

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    project = models.ForeignKey(Project, models.PROTECT, default=DEFAULT_PROJECT_ID, db_index=False)
    status = models.CharField(max_length=20, default=RunStatus.QUEUED, choices=[(s, s) for s in RunStatus])
    mode = models.CharField(max_length=10, help_text="live or sandbox")
    mode_name = models.CharField(max_length=255)
    runtime_kind = models.CharField(max_length=20)
    runtime_version = models.CharField(max_length=100, null=True, blank=True)
    session_id = models.CharField(max_length=128, null=True, blank=True)
    session_opener = models.CharField(max_length=20)
    trace_id = models.CharField(max_length=32, null=True, blank=True)
    traceparent = models.CharField(max_length=64, blank=True, default="")
    idempotency_key = models.CharField(max_length=255, null=True, blank=True)
    request_digest = models.BinaryField(
        max_length=32, help_text="of the validated request; tells a repeat from a reuse"
    )
    # What was asked for, as validated: needed to launch and re-attach. Never shown; metadata holds a redacted copy.
    request = models.TextField()
    source_kind = models.CharField(max_length=100, null=True, blank=True)
    source_ref = models.CharField(max_length=500, null=True, blank=True)
    tags = ArrayField(models.TextField(), default=list, blank=True)
    metadata = models.JSONField(default=dict, blank=True)

    last_seq = models.BigIntegerField(default=0)
    last_raw_seq = models.BigIntegerField(default=0)
    ending_seq = models.BigIntegerField(null=True, blank=True)
    ending = models.TextField(null=True, blank=True, help_text="the certificate, as JSON text")
    error_code = models.CharField(max_length=40, null=True, blank=True)
    error_message = models.TextField(null=True, blank=True)
    late_count = models.BigIntegerField(default=0)

    observer_id = models.UUIDField(null=True, blank=True, help_text="the observer that owns the run")
    lease_epoch = models.BigIntegerField(default=0, help_text="grows by one with every owner; fences the former ones")
    recovery_attempts = models.IntegerField(default=0)
    wanted = models.CharField(max_length=10, null=True, blank=True, help_text="cancel, suspend or resume")
    wanted_by = models.CharField(max_length=255, null=True, blank=True)
    wanted_through = models.CharField(
        max_length=10, null=True, blank=True, help_text="api or operator: who decided the ending that a cancel becomes"
    )
    wanted_reason = models.TextField(null=True, blank=True)
    wanted_at = models.DateTimeField(null=True, blank=True)
    wanted_answer = models.TextField(null=True, blank=True, help_text="the owner's answer, as JSON text")

    # The three clocks; set and moved as runs/domain/deadlines.py says.
    admission_deadline = models.DateTimeField(null=True, blank=True)
    admission_timeout_ms = models.IntegerField(null=True, blank=True, help_text="as the request named it")
    progress_deadline = models.DateTimeField(null=True, blank=True)
    progress_timeout_ms = models.IntegerField(db_default=0, help_text="0 = no progress deadline")
    hard_deadline = models.DateTimeField(null=True, blank=True)
    suspended_at = models.DateTimeField(null=True, blank=True)
    hard_deadline_awake = models.DateTimeField(
        null=True, blank=True, help_text="the hard deadline as it was when the session was suspended"
    )
    sweep_claimed_until = models.DateTimeField(
        null=True, blank=True, help_text="some sweep is about to end the run; others leave it alone until then"
    )
    cleanup_status = models.CharField(max_length=20, null=True, blank=True)
    cleanup_errors = models.JSONField(default=list, blank=True)
    cleanup_attempts = models.IntegerField(default=0)
    cleanup_due_at = models.DateTimeField(null=True, blank=True)

    created_at = models.DateTimeField(db_default=Now())
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    archived_at = models.DateTimeField(null=True, blank=True)
    last_event_at = models.DateTimeField(null=True, blank=True)
    updated_at = models.DateTimeField(db_default=Now())

    objects = RunQuerySet.as_manager()

    class Meta:
        # No index holds last_seq, progress_deadline or updated_at: the UPDATE of every batch must stay HOT.
        indexes = [
            # GET /runs and the admin list: newest first within a project. The dashboard counts a window of it without
            # a look at the rows, which are wide; what it needs for that changes with the status, never with a batch.
            models.Index(
                fields=["project", "-created_at", "-id"],
                include=["status", "mode", "ended_at", "error_code", "source_ref"],
                name="runs_newest_first",
            ),
            # GET /runs?tags=...
            GinIndex(fields=["tags"], name="runs_tags"),
            # The observers' claim and every sweep: only what has not ended.
            models.Index(fields=["observer_id", "created_at"], condition=models.Q(ending_seq=None), name="runs_open"),
            # The sweep: clean-ups after an ending.
            models.Index(
                fields=["cleanup_due_at"], condition=models.Q(cleanup_status="pending"), name="runs_cleanup_due"
            ),
        ]
        constraints = [
            # The election: whoever ends a run sets all three, and nobody can set one alone.
            models.CheckConstraint(
                condition=models.Q(status__in=sorted(TERMINAL), ended_at__isnull=False, ending_seq__isnull=False)
                | (~models.Q(status__in=sorted(TERMINAL)) & models.Q(ended_at=None, ending_seq=None)),
                name="runs_terminal_iff_ended",
            ),
            # No event follows the ending.
            models.CheckConstraint(
                condition=models.Q(ending_seq=None) | models.Q(ending_seq=models.F("last_seq")),
                name="runs_ending_is_last",
            ),
            models.CheckConstraint(
                condition=models.Q(status__in=[s.value for s in RunStatus]), name="runs_known_status"
            ),
            models.CheckConstraint(
                condition=models.Q(wanted=None) | models.Q(wanted__in=["cancel", "suspend", "resume"]),
                name="runs_known_wish",
            ),
            models.CheckConstraint(
                condition=models.Q(cleanup_status=None) | models.Q(cleanup_status__in=["pending", "done", "failed"]),
                name="runs_known_cleanup",
            ),
            # Two first requests under one key give one run (POST /runs).
            models.UniqueConstraint(fields=["project", "idempotency_key"], name="runs_idempotency_key"),
            # A session id has one run, whatever the project, the runtime and the mode: SESSION_ALREADY_EXISTS.
            models.UniqueConstraint(fields=["session_id"], name="runs_session"),
        ]

    def __str__(self) -> str:
        return f"{self.mode_name} {self.id}"

    @property
    def has_ended(self) -> bool:
        """True once the one ending is written."""
        return self.ending_seq is not None
