"""POST /runs/validate: what a launch would meet, and nothing stored."""

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from runs.models import AuditEntry, Run
from tests.bodies import Body, full_body, short_body

pytestmark = pytest.mark.django_db

CAPABILITIES = {"sessions", "cancellation", "progress", "manifest", "modeRegistry", "roots"}


def validated(caller: Client, body: Body) -> Body:
    response = caller.post("/runs/validate", body, content_type="application/json")
    assert response.status_code == 201, response.content
    answer: Body = response.json()
    return answer


def test_a_good_request_is_valid_and_leaves_nothing_behind(caller: Client) -> None:
    answer = validated(caller, full_body())

    assert answer["valid"] is True
    assert answer["errors"] == answer["warnings"] == []
    assert answer["runtime"]["reachable"] is True
    assert set(answer["runtime"]["capabilities"]) == CAPABILITIES
    assert Run.objects.count() == AuditEntry.objects.count() == 0


def test_a_mode_the_runtime_lacks_is_an_error(caller: Client) -> None:
    body = short_body()
    body["session"]["modeName"] = "no.such.mode"
    answer = validated(caller, body)

    assert answer["valid"] is False
    assert "no.such.mode" in answer["errors"][0]


def test_an_unreachable_runtime_only_warns(caller: Client, settings: Settings) -> None:
    settings.RUNTIME_ADAPTERS = {**settings.RUNTIME_ADAPTERS, "silent": "tests.silent_runtime.SilentRuntime"}
    answer = validated(caller, short_body() | {"runtime": {"kind": "silent"}})

    assert answer["valid"] is True
    assert answer["warnings"][0].startswith("Runtime not reachable:")
    assert answer["runtime"] == {"reachable": False, "supportedModes": []}


def test_a_body_that_breaks_the_schema_is_400(caller: Client) -> None:
    response = caller.post("/runs/validate", {"mode": "live"}, content_type="application/json")

    assert response.status_code == 400
    assert {fault["path"] for fault in response.json()["details"]["errors"]} == {"runtime", "session"}
