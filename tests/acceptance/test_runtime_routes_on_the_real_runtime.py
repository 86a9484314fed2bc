"""What the real runtime offers, and its policies, over our API."""

import asyncio
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from runs.models import AuditEntry
from tests.offering import fresh_calls
from tests.real_runtime import OURSELVES, REQUIRED, RealRuntime, binary

pytestmark = [
    pytest.mark.macp_runtime,
    pytest.mark.acceptance,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(
        binary() is None and not REQUIRED,
        reason="macp-runtime not found: cargo install macp-runtime, or set MACP_RUNTIME_BIN",
    ),
]

POLICY = {
    "policyId": "policy/of ours",
    "mode": "macp.mode.decision.v1",
    "description": "half of us",
    "rules": {"voting": {"algorithm": "majority", "threshold": 0.5}},
}
ADDRESS = f"/runtime/policies/{quote(str(POLICY['policyId']), safe='')}"


@pytest.fixture
def real(settings: Settings) -> Iterator[RealRuntime]:
    """A development runtime, where everybody may manage the registry."""
    yield from _started(RealRuntime(), settings)


@pytest.fixture
def strict(settings: Settings) -> Iterator[RealRuntime]:
    """A runtime on which we may only observe."""
    settings.RUNTIME_BEARER_TOKEN = OURSELVES
    yield from _started(RealRuntime(participants=("lead",)), settings)


def _started(runtime: RealRuntime, settings: Settings) -> Iterator[RealRuntime]:
    asyncio.run(runtime.start())
    settings.RUNTIME_KIND, settings.RUNTIME_ADDRESS, settings.RUNTIME_ALLOW_INSECURE = "macp", runtime.address, True
    settings.RUNTIME_REQUEST_TIMEOUT_MS = 5_000
    with fresh_calls():
        yield runtime
    runtime.kill()


def registered(caller: Client, **changes: object) -> Any:
    return caller.post("/runtime/policies", {**POLICY, **changes}, content_type="application/json")


def test_it_says_what_it_offers_and_that_it_is_well(caller: Client, real: RealRuntime) -> None:
    manifest = caller.get("/runtime/manifest").json()
    modes = {mode["mode"]: mode for mode in caller.get("/runtime/modes?kind=rust").json()}

    assert manifest["agentId"] == "macp-runtime"
    assert sorted(manifest["supportedModes"]) == sorted(modes)
    assert "Vote" in modes["macp.mode.decision.v1"]["messageTypes"]
    assert modes["ext.multi_round.v1"]["terminalMessageTypes"] == ["Commitment"]
    assert caller.get("/runtime/roots").json() == []
    health = caller.get("/runtime/health").json()
    assert (health["ok"], health["runtimeKind"], health["manifest"]) == (True, "macp", manifest)


def test_a_policy_is_registered_read_and_unregistered(caller: Client, real: RealRuntime) -> None:
    assert registered(caller).status_code == 201

    found = caller.get(ADDRESS).json()
    assert {name: found[name] for name in POLICY} == POLICY
    assert found in caller.get("/runtime/policies?mode=macp.mode.decision.v1").json()
    assert found not in caller.get("/runtime/policies?mode=macp.mode.task.v1").json()
    again = registered(caller)
    assert (again.status_code, again.json()["errorCode"]) == (502, "RUNTIME_REJECTED")

    assert caller.delete(ADDRESS).status_code == 204
    assert caller.get(ADDRESS).status_code == caller.delete(ADDRESS).status_code == 404
    assert list(AuditEntry.objects.order_by("id").values_list("action", flat=True)) == [
        "policy.registered",
        "policy.unregistered",
    ]


def test_what_only_the_runtime_knows_to_be_no_policy_is_400(caller: Client, real: RealRuntime) -> None:
    answer = registered(caller, rules={"voting": {"algorithm": "loudest"}})

    assert (answer.status_code, answer.json()["errorCode"]) == (400, "INVALID_POLICY_DEFINITION")
    assert "loudest" in answer.json()["message"]


def test_what_we_may_not_do_there_is_its_refusal_and_not_ours(caller: Client, strict: RealRuntime) -> None:
    answer = registered(caller)

    assert (answer.status_code, answer.json()["details"]["runtimeCode"]) == (502, "FORBIDDEN")
    assert caller.get("/runtime/policies/policy.default").json()["mode"] == "*"


def test_a_runtime_that_has_gone_is_503_and_not_well(caller: Client, real: RealRuntime, settings: Settings) -> None:
    assert caller.get("/runtime/manifest").status_code == 200
    real.kill()
    gone = caller.get("/runtime/manifest")

    assert (gone.status_code, gone.json()["errorCode"]) == (503, "RUNTIME_UNAVAILABLE")
    assert caller.get("/runtime/health").json() == {
        "ok": False,
        "runtimeKind": "macp",
        "detail": "The runtime cannot be reached.",
    }
