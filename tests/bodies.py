"""Bodies of POST /runs: the short form of the console, the full one, and either of them changed."""

import copy
from typing import Any

Body = dict[str, Any]
UUID_4 = "0b3a7c1e-5d2f-4a6b-8c9d-0e1f2a3b4c5d"


def short_body() -> Body:
    """The least that is a request."""
    return {
        "mode": "live",
        "runtime": {"kind": "scripted"},
        "session": {
            "modeName": "macp.mode.decision.v1",
            "modeVersion": "1.0.0",
            "configurationVersion": "config.default",
            "ttlMs": 60_000,
            "participants": [{"id": "alice"}, {"id": "bob"}],
        },
    }


def full_body() -> Body:
    """A request with every member that is not exclusive."""
    body = short_body()
    body["runtime"] |= {"version": "1.0", "options": {}}
    body["session"] |= {
        "opener": "control-plane",
        "sessionId": UUID_4,
        "policyVersion": "policy.default",
        "roots": [{"uri": "file:///tmp", "name": "files"}],
        "context": {"subject": "fraud"},
        "metadata": {
            "source": "tests",
            "sourceRef": "pack/one",
            "intent": "decide",
            "environment": "staging",
            "scenarioRef": "pack/one@1",
            "contextId": "ctx-1",
            "free": {"stays": [1, 2.5, None]},
            "cancelCallback": {"url": "https://agent.example/cancel", "bearer": "top-secret"},
            "cancellationDelegated": True,
        },
    }
    body["kickoff"] = [
        {
            "from": "alice",
            "to": ["bob"],
            "kind": "proposal",
            "messageType": "Proposal",
            "payload": {"proposalId": "p-1"},
            "replyTimeoutMs": 1000,
        }
    ]
    body["execution"] = {
        "idempotencyKey": "key-1",
        "tags": ["a", "b"],
        "requester": {"actorId": "me", "actorType": "user"},
        "timeouts": {"admissionMs": 5000, "progressMs": 0},
    }
    return body


def changed(path: str, value: object) -> Body:
    """The full body with one member (`session.participants.0.id`) set."""
    body = copy.deepcopy(full_body())
    *way, last = [int(step) if step.isdecimal() else step for step in path.split(".")]
    at: Any = body
    for step in way:
        at = at[step]
    at[last] = value
    return body
