"""Adopt: a session that nobody asked us to observe becomes a run, and is then observed like any other."""

from django.db import IntegrityError

from runs.audit import Actor
from runs.domain.discovered import DISCOVERY, discovered_request
from runs.domain.events import SessionSnapshot
from runs.domain.run_ids import uuid_of
from runs.errors import SessionTaken
from runs.models import Run
from runs.models.identity import uuid7
from runs.models.project import DEFAULT_PROJECT_ID
from runs.operations.launch import launch_run


def adopt_session(kind: str, seen: SessionSnapshot) -> bool:
    """A run exists that observes the session; False if one did before, whoever launched it.

    Its id is that of the session where that is a UUID no other run has.
    """
    if Run.objects.filter(session_id=seen.session_id).exists():
        return False
    run_id = uuid_of(seen.session_id)
    if run_id is None or Run.objects.filter(id=run_id).exists():
        run_id = uuid7()
    try:
        launch_run(
            project_id=DEFAULT_PROJECT_ID,
            request=discovered_request(kind, seen),
            idempotency_key=None,
            traceparent=None,
            actor=Actor(name=DISCOVERY, kind="system"),
            request_id=None,
            run_id=run_id,
        )
    except SessionTaken:
        return False
    except IntegrityError:
        # Another observer has adopted it at the same moment; of the two constraints its run broke, the id's was told.
        if Run.objects.filter(session_id=seen.session_id).exists():
            return False
        raise
    return True
