"""A body for every route that needs one: what a caller would send who wants something of an existing run.

A route that is not named here is asked with an empty object.
"""

from typing import Any
from uuid import UUID

from tests.bodies import short_body
from tests.routes import Call

Body = dict[str, Any]

MESSAGE: Body = {"from": "lead", "to": ["alice"], "messageType": "Proposal", "payload": {"proposalId": "p"}}
POLICY: Body = {"policyId": "policy.of.a.test", "mode": "*", "description": "a test", "rules": {}}


def sample_body(call: Call, run_id: UUID) -> Body:
    """The body; where it names a run, it is this one."""
    runs: Body = {"runIds": [str(run_id)]}
    samples: dict[str, Body] = {
        "POST /runs": short_body(),
        "POST /runs/validate": short_body(),
        "POST /runs/compare": {"leftRunId": str(run_id), "rightRunId": str(run_id)},
        "POST /runs/batch/cancel": runs,
        "POST /runs/batch/archive": runs,
        "POST /runs/batch/delete": runs,
        "POST /runs/batch/export": runs,
        "POST /runs/{}/messages": MESSAGE,
        "POST /runs/{}/signal": {"from": "alice", "to": ["lead"], "messageType": "Alarm"},
        "POST /runs/{}/context": {"from": "lead", "context": {"budget": 3}},
        "POST /runs/{}/artifacts": {"kind": "json", "label": "a test", "inline": {"a": 1}},
        "POST /stream-tickets": {"runId": str(run_id)},
        "POST /webhooks": {"url": "https://receiver.example/hooks"},
        "PATCH /webhooks/{}": {"active": False},
        "POST /webhooks/{}/replay": {"status": "delivered", "key": "a test"},
        "POST /runtime/policies": POLICY,
    }
    return samples.get(str(call), {})
