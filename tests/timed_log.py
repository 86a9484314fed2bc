"""A log whose events happened at times of a test's choosing; nothing of ours would write it."""

from datetime import UTC, datetime, timedelta

from runs.models import Event, Run
from runs.models.identity import uuid7

BEGUN_AT = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)


def happened(run: Run, *after_ms: int) -> None:
    """The log of the run goes on with events so many milliseconds after BEGUN_AT; its projection does not."""
    Event.objects.bulk_create(
        Event(
            id=uuid7(),
            run_id=run.id,
            project_id=run.project_id,
            seq=seq,
            ts=BEGUN_AT + timedelta(milliseconds=ms),
            type="message.received",
            source_kind="runtime",
            source_name="scripted-runtime",
            lease_epoch=0,
            data="{}",
        )
        for seq, ms in enumerate(after_ms, start=run.last_seq + 1)
    )
    Run.objects.filter(id=run.id).update(last_seq=run.last_seq + len(after_ms))
