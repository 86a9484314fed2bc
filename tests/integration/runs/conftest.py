"""Runs written row by row, for what only reads: streams, pages, the terminal."""

from collections.abc import Callable
from uuid import UUID

import orjson
import pytest
from django.db import connection, transaction

from runs import hub
from runs.domain.projection import SCHEMA_VERSION
from runs.models import Event, Project, Projection, Run, RuntimeSession
from runs.models.event import AppendOnly
from runs.models.identity import uuid7
from runs.models.project import DEFAULT_PROJECT_ID

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
    RuntimeSession.objects.create(run=run)
    Projection.objects.create(run=run, state=_state(0), private="{}", schema_version=SCHEMA_VERSION)
    return run


def append(run: Run, count: int = 1, *, type: str = "message.received", **data: object) -> list[int]:
    """The numbers of `count` more events, committed with the projection; whoever watches is nudged."""
    with transaction.atomic():
        locked = Run.objects.lock(run.id, epoch=None)
        seqs = [locked.last_seq + number for number in range(1, count + 1)]
        for seq in seqs:
            _insert(locked, seq, type, data or {"sender": "alice", "messageType": "Note", "number": seq})
        Run.objects.filter(id=run.id).update(last_seq=seqs[-1])
        Projection.objects.filter(run=run).update(state=_state(seqs[-1]), projected_seq=seqs[-1])
        hub.nudge(run.id)
    return seqs


def end(run: Run, *, status: str = "completed", code: str = "resolved", error: str | None = None) -> int:
    """The number of the ending, which the run has now."""
    data: dict[str, object] = {"status": status, "runStatus": status, "ending": {"status": status, "code": code}}
    if error:
        data["error"] = error
    with transaction.atomic():
        seq = Run.objects.lock(run.id, epoch=None).last_seq + 1
        _insert(run, seq, f"run.{status}", data)
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE runs_run SET last_seq = %s, ending_seq = %s, status = %s, ended_at = now() WHERE id = %s",
                [seq, seq, status, run.id],
            )
        Projection.objects.filter(run=run).update(state=_state(seq), projected_seq=seq)
        hub.nudge(run.id)
    return seq


def _insert(run: Run, seq: int, type: str, data: dict[str, object]) -> None:
    # save() of an append-only model refuses; the plain save of every model does not.
    super(
        AppendOnly,
        Event(
            run_id=run.id,
            project_id=run.project_id,
            seq=seq,
            ts=run.created_at,
            type=type,
            source_kind="runtime",
            source_name="scripted-runtime",
            lease_epoch=1,
            data=orjson.dumps(data).decode(),
        ),
    ).save(force_insert=True)


def _state(seq: int) -> str:
    return orjson.dumps({"timeline": {"latestSeq": seq}}).decode()


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
