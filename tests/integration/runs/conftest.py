"""Runs with a log of a test's own choosing, for what only reads: streams, pages, the terminal."""

from collections.abc import Callable
from uuid import UUID

import orjson
import pytest

from runs.domain.events import RUNTIME, Draft
from runs.domain.lifecycle import RunStatus
from runs.domain.projection import SCHEMA_VERSION, dump, empty
from runs.models import Project, Projection, Run, RuntimeSession
from runs.models.identity import uuid7
from runs.models.project import DEFAULT_PROJECT_ID
from runs.recorder import writing

MODE = "macp.mode.decision.v1"


def store_run(*, project_id: UUID = DEFAULT_PROJECT_ID, **columns: object) -> Run:
    """A queued run with an empty log and an empty projection."""
    Project.objects.get_or_create(id=project_id, defaults={"name": str(project_id), "slug": str(project_id)})
    run_id = uuid7()
    run = Run.objects.create(
        **{
            "id": run_id,
            "project_id": project_id,
            "mode": "sandbox",
            "mode_name": MODE,
            "runtime_kind": "scripted",
            "session_id": str(run_id),
            "session_opener": "control-plane",
            "request": '{"secret": "never shown"}',
            "request_digest": b"",
            **columns,
        }
    )
    public, private = dump(empty(str(run_id)))
    RuntimeSession.objects.create(run=run)
    Projection.objects.create(run=run, state=public.decode(), private=private.decode(), schema_version=SCHEMA_VERSION)
    return run


def append(run: Run, count: int = 1, *, type: str = "message.received", **data: object) -> list[int]:
    """The numbers of `count` more events, committed with the projection; whoever watches is nudged."""
    with writing(run.id, epoch=None) as writer:
        first = writer.run.last_seq + 1
        drafts = [
            _of_runtime(type, data or {"sender": "alice", "messageType": "Note", "number": seq})
            for seq in range(first, first + count)
        ]
        return [event.seq for event in writer.append(drafts)]


def end(run: Run, *, status: str = "completed", code: str = "resolved", error: str | None = None) -> int:
    """The number of the ending, which the run has now, whatever its log says before."""
    ending = {"code": code, "status": status}
    data: dict[str, object] = {"status": status, "runStatus": status, "ending": ending}
    if error:
        data["error"] = error
    with writing(run.id, epoch=None) as writer:
        writer.append([])  # under the lock the clock is read first
        writer.run.status = RunStatus.RUNNING  # from where every ending is a legal move
        return writer.append_ending(
            _of_runtime(f"run.{status}", data),
            ending=orjson.dumps(ending).decode(),
            error_code=code if status == "failed" else None,
        ).seq


def _of_runtime(type: str, data: dict[str, object]) -> Draft:
    return Draft(type=type, data=data, source_kind=RUNTIME, source_name="scripted-runtime")


@pytest.fixture
def stored_run(transactional_db: None) -> Callable[..., Run]:
    """Makes runs with an empty log."""
    return store_run


@pytest.fixture
def append_events(transactional_db: None) -> Callable[..., list[int]]:
    """Appends events to the log of a run."""
    return append


@pytest.fixture
def end_run(transactional_db: None) -> Callable[..., int]:
    """Ends a run."""
    return end
