"""RuntimeSession: the session of a run as its runtime knows it, and how far we have read it."""

import contextlib
from datetime import UTC, datetime

from django.contrib.postgres.fields import ArrayField
from django.db import models

from runs.domain.events import SessionSnapshot
from runs.domain.redaction import Redactor
from runs.models.identity import uuid7
from runs.models.run import Run

LONGEST_MODE_VERSION = 100
LONGEST_VERSION = 255


def shown_versions(redactor: Redactor, *, mode: str, configuration: str, policy: str) -> dict[str, str]:
    """The columns of the versions that a caller named: they are only shown. A mask may be longer than what it hides."""
    return {
        "mode_version": redactor.redact_text(mode)[:LONGEST_MODE_VERSION],
        "configuration_version": redactor.redact_text(configuration)[:LONGEST_VERSION],
        "policy_version": redactor.redact_text(policy)[:LONGEST_VERSION],
    }


class RuntimeSession(models.Model):
    """What Initialize and GetSession answered, the exact SessionStart bytes, and the runtime cursor.

    `cursor` counts the distinct session envelopes recorded from the session stream; it commits with the events it
    covers. Too low is harmless (the runtime replays, source ids recognise), too high would lose.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    run = models.OneToOneField(Run, models.CASCADE, related_name="session")  # one session a run; read with the lock
    protocol = models.CharField(max_length=20, null=True, blank=True)
    runtime_name = models.CharField(max_length=100, null=True, blank=True)
    runtime_version = models.CharField(max_length=100, null=True, blank=True)
    supported_modes = ArrayField(models.TextField(), null=True, blank=True)
    capabilities = models.JSONField(null=True, blank=True, help_text="absent capabilities stay null")
    initialized_at = models.DateTimeField(null=True, blank=True)
    state = models.CharField(max_length=40, null=True, blank=True)
    mode_version = models.CharField(max_length=LONGEST_MODE_VERSION, null=True, blank=True)
    configuration_version = models.CharField(max_length=LONGEST_VERSION, null=True, blank=True)
    policy_version = models.CharField(max_length=LONGEST_VERSION, null=True, blank=True)
    initiator = models.CharField(max_length=255, null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    cursor = models.BigIntegerField(default=0)
    start_message_id = models.UUIDField(null=True, blank=True)
    start_envelope = models.BinaryField(null=True, blank=True)  # exact bytes, stored before they are sent
    start_sent_at = models.DateTimeField(null=True, blank=True)
    start_acked_at = models.DateTimeField(null=True, blank=True)
    adapter_state = models.BinaryField(null=True, blank=True)

    class Meta:
        constraints = [
            # Resuming relies on it: a cursor never moves below zero.
            models.CheckConstraint(condition=models.Q(cursor__gte=0), name="sessions_cursor_not_negative"),
            # The launch sequence: nothing is sent that was not stored first.
            models.CheckConstraint(
                condition=models.Q(start_sent_at=None) | models.Q(start_envelope__isnull=False),
                name="sessions_start_stored_before_sent",
            ),
        ]

    def __str__(self) -> str:
        return f"session of {self.run_id}"


def columns_of(snapshot: SessionSnapshot) -> dict[str, object]:
    """What the runtime says of a session right now, as columns; a time that is no time is left out."""
    columns: dict[str, object] = {"state": snapshot.state.value}
    if snapshot.expires_at_unix_ms > 0:
        with contextlib.suppress(ValueError, OverflowError, OSError):
            columns["expires_at"] = datetime.fromtimestamp(snapshot.expires_at_unix_ms / 1000, tz=UTC)
    return columns
