"""What a walk over the routes finds there: a run in the status that the call is for, and everything that is stored."""

import re
from typing import Any
from uuid import UUID

from django.apps import apps
from django.test import Client
from django.utils import timezone

from runs.domain.endings import EndingCode, Verdict
from runs.domain.events import SessionState
from runs.ending import end_run
from runs.models import ApiKey, Run
from runs.models.identity import uuid7
from runs.recorder import record
from tests.cast import fresh, session_now
from tests.integration.runs.test_observe_run import launch
from tests.routes import Call, calls
from tests.sample_bodies import sample_body
from tests.steered import bind

JSON = "application/json"

# They belong to a runtime, not to a project.
SHARED = "runtime/policies/"


def run_for(call: Call) -> Run:
    """A run of the default project that the call would change: a running one, if nothing else is said here."""
    run_id = launch()
    owned = bind(run_id)
    match str(call):
        case "POST /runs/{}/resume":
            record(run_id, [session_now(SessionState.SUSPENDED)], epoch=owned.epoch)
        case "DELETE /runs/{}" | "POST /runs/batch/delete":
            end_run(run_id, Verdict(code=EndingCode.RESOLVED), epoch=owned.epoch)
        case "POST /runs/{}/unarchive":
            Run.objects.filter(id=run_id).update(archived_at=timezone.now(), tags=["archived"])
    return fresh(Run.objects.get(id=run_id))


def ids_for(call: Call, run: Run, insider: Client) -> dict[str, str | UUID]:
    """A value for each parameter of the route: the run, or an object that was made in the collection before it."""
    values: dict[str, str | UUID] = {}
    for name in call.route.parameters:
        if name == "run_id":
            values[name] = run.id
            continue
        if name == "delivery_id":
            values[name] = delivery_of(values["webhook_id"], insider)
            continue
        collection = re.split(rf"<(?:\w+:)?{name}>", call.route.path)[0].rstrip("/")
        made = made_in(collection, insider) if "<" not in collection else None
        if made is not None:
            values[name] = made
    return values


def made_in(collection: str, insider: Client) -> str | None:
    """The id of a new object of the collection; None where none is made by POST."""
    for call in calls():
        if str(call) == f"POST /{collection}":
            body = sample_body(call, uuid7())
            answer = insider.post(f"/{collection}", body, content_type=JSON)
            assert answer.status_code == 201, f"tests/sample_bodies.py: {call}: {answer.content.decode()}"
            return str(answer.json().get("id") or body["policyId"])
    return None


def delivery_of(webhook_id: str | UUID, insider: Client) -> str:
    """The id of a new delivery: a test event."""
    answer = insider.post(f"/webhooks/{webhook_id}/test", {}, content_type=JSON)
    assert answer.status_code == 201, answer.content
    return str(answer.json()["id"])


def everything() -> dict[str, list[dict[str, Any]]]:
    """Every row there is, but for when keys were used."""
    models = [model for model in apps.get_models() if model._meta.app_label in {"runs", "webhooks"}]
    return {
        model.__name__: [
            {name: value for name, value in row.items() if not (model is ApiKey and name == "last_used_at")}
            for row in model._default_manager.order_by("pk").values()
        ]
        for model in models
    }
