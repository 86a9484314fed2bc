"""Runs to measure: what is asked for, and the launch of one from this very process."""

from tests.benchmarks import stage  # isort: skip  # First: it sets Django up, which models need to be imported.

from uuid import UUID

from runs.api.requests import read_execution_request
from runs.audit import Actor
from runs.domain.events import JsonObject
from runs.models.project import DEFAULT_PROJECT_ID
from runs.operations.launch import launch_run

ACTOR = Actor(name=stage.API_KEY, kind="api_key")


def body(kind: str) -> JsonObject:
    """The body of POST /runs: three participants on a runtime of this kind."""
    return {
        "mode": "live",
        "runtime": {"kind": kind},
        "session": {
            "modeName": "macp.mode.decision.v1",
            "modeVersion": "1.0.0",
            "configurationVersion": "config.default",
            "ttlMs": 600000,
            "participants": [{"id": "lead"}, {"id": "a"}, {"id": "b"}],
        },
    }


def launched(kind: str) -> UUID:
    """The id of a new run that an observer will find."""
    return launch_run(
        project_id=DEFAULT_PROJECT_ID,
        request=read_execution_request(body(kind)),
        idempotency_key=None,
        traceparent=None,
        actor=ACTOR,
        request_id=None,
    ).run_id
