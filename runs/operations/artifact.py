"""An artifact is added to a run: an event says so while the run has not ended, and the row alone afterwards."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import cast
from uuid import UUID

import orjson
from django.db import transaction
from django.db.models.functions import Now

from runs.audit import Actor, note
from runs.crashpoint import committing
from runs.domain.documents import ArtifactRow
from runs.domain.events import Draft, EventType, JsonObject
from runs.errors import PayloadTooLarge, RunEnded
from runs.models import Artifact, Run
from runs.models.identity import uuid7
from runs.queries import artifact_row, artifacts_held, require_run
from runs.recorder import writing
from runs.recorder.context import redactor

LONGEST_LABEL = 255
MOST_OF_A_RUN = 1000  # as many as a list shows at once
MOST_INLINE_BYTES = 64 << 20  # of all that a run keeps inline, as JSON text


@dataclass(frozen=True, slots=True, kw_only=True)
class NewArtifact:
    """What a run made or refers to: kept inline, named by an address, or both."""

    kind: str
    label: str
    uri: str | None = None
    inline: JsonObject | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Adding:
    """To which run an artifact is added, under which id, and who asked for it."""

    project_id: UUID
    run_id: UUID
    actor: Actor
    request_id: str | None
    artifact_id: UUID = field(default_factory=uuid7)


def add_artifact(new: NewArtifact, adding: Adding) -> ArtifactRow:
    """The artifact is stored, once under its id, without secrets: it is there to be shown.

    Raises RunNotFound or PayloadTooLarge.
    """
    require_run(adding.project_id, adding.run_id)
    if Artifact.objects.filter(id=adding.artifact_id, run_id=adding.run_id).exists():
        return artifact_row(adding.artifact_id)
    shown = _without_secrets(new)
    try:
        return _add_with_event(shown, adding)
    except RunEnded:
        return _add_late(shown, adding)


def _add_with_event(new: NewArtifact, adding: Adding) -> ArtifactRow:
    with writing(adding.run_id, epoch=None, step="artifact") as writer:
        artifact_id = _store(new, adding, at=writer.clock())
        writer.append([_created(artifact_id, new, writer.run.trace_id)])
        return artifact_row(artifact_id)


def _add_late(new: NewArtifact, adding: Adding) -> ArtifactRow:
    """No event follows an ending."""
    with transaction.atomic():
        Run.objects.lock_to_repair(adding.run_id)  # or it might be deleted before this commits
        artifact_id = _store(new, adding, at=None)
        committing("artifact")
        return artifact_row(artifact_id)


def _store(new: NewArtifact, adding: Adding, *, at: datetime | None) -> UUID:
    # The run is locked: nobody adds another one meanwhile.
    _refuse_beyond_bounds(new, adding.run_id)
    artifact = Artifact.objects.create(
        id=adding.artifact_id,
        run_id=adding.run_id,
        kind=new.kind,
        label=new.label,
        uri=new.uri,
        inline=new.inline,
        created_at=at or Now(),
    )
    note(
        project_id=adding.project_id,
        actor=adding.actor,
        action="artifact.created",
        resource="artifact",
        resource_id=str(artifact.id),
        details={"runId": str(adding.run_id), "kind": new.kind},
        request_id=adding.request_id,
    )
    return artifact.id


def _refuse_beyond_bounds(new: NewArtifact, run_id: UUID) -> None:
    """Whoever reads all artifacts of a run shall know how much that is at most."""
    count, size = artifacts_held(run_id)
    if count >= MOST_OF_A_RUN:
        raise PayloadTooLarge(f"a run may have {MOST_OF_A_RUN} artifacts", details={"maxArtifacts": MOST_OF_A_RUN})
    if new.inline is not None and size + len(orjson.dumps(new.inline)) > MOST_INLINE_BYTES:
        raise PayloadTooLarge(
            f"the artifacts of a run may hold {MOST_INLINE_BYTES} bytes inline",
            details={"maxInlineBytes": MOST_INLINE_BYTES, "storedInlineBytes": size},
        )


def _created(artifact_id: UUID, new: NewArtifact, trace_id: str | None) -> Draft:
    data: JsonObject = {"artifactId": str(artifact_id), "kind": new.kind, "label": new.label}
    if trace_id:
        data["traceId"] = trace_id
    if new.uri is not None:
        data["uri"] = new.uri
    return Draft(
        type=EventType.ARTIFACT_CREATED,
        data=data,
        source_name="api",
        subject_kind="artifact",
        subject_id=str(artifact_id),
    )


def _without_secrets(new: NewArtifact) -> NewArtifact:
    mask = redactor()
    return NewArtifact(
        kind=new.kind,
        label=mask.redact_text(new.label)[:LONGEST_LABEL],
        uri=None if new.uri is None else mask.redact_text(new.uri),
        inline=None if new.inline is None else cast(JsonObject, mask.redact(new.inline)),
    )
