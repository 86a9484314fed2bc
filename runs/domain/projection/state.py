"""The value that a fold makes: what clients see of a run, and beside it what only the fold and the normaliser need."""

import msgspec
import orjson

from runs.domain.events import JsonObject
from runs.domain.lifecycle import RunStatus

SCHEMA_VERSION = 3


class ProjectionState(msgspec.Struct, frozen=True):
    """The picture of a run after some event: `public` is served as it is, `private` never.

    Both hold nothing but JSON values. States share what did not change between them, so nobody may change one in place.
    """

    public: JsonObject
    private: JsonObject


def empty(run_id: str) -> ProjectionState:
    """The state of a run of which nothing was recorded yet."""
    return ProjectionState(public=_empty_public(run_id), private=_empty_private())


def _empty_public(run_id: str) -> JsonObject:
    counters = ("total", "queued", "sent", "accepted", "rejected", "failed", "awaitingReply", "answered", "unanswered")
    totals = ("callCount", "promptTokens", "completionTokens", "totalTokens", "estimatedCostUsd")
    return {
        "run": {"runId": run_id, "status": RunStatus.QUEUED.value},
        "participants": [],
        "graph": {"nodes": [], "edges": []},
        "decision": {},
        "signals": {"signals": []},
        "progress": {"entries": []},
        "timeline": {"latestSeq": 0, "totalEvents": 0, "recent": []},
        "trace": {"spanCount": 0, "linkedArtifacts": []},
        "outboundMessages": dict.fromkeys(counters, 0),
        "policy": {"policyVersion": "", "commitmentEvaluations": []},
        "llm": {"calls": [], "totals": dict.fromkeys(totals, 0)},
    }


def _empty_private() -> JsonObject:
    counters = ("event", "message", "signal", "proposal", "decision", "toolCall", "artifact", "streamReconnect")
    return {
        "context": {"seen": [], "sessionState": None, "lastEventTs": None, "commitmentSeq": None},
        "metrics": {
            **{f"{counter}Count": 0 for counter in counters},
            "firstEventTs": None,
            "lastEventTs": None,
            "finalAction": None,
            "finalConfidence": None,
        },
        "participants": {"lastActive": None},
        "graph": {"recipients": []},
        "votes": {"allow": 0, "deny": 0, "cast": [], "ballots": []},
        "policy": {"expectedBy": None},
        "llm": {"costMicroUsd": 0},
        "agents": [],
    }


EMPTY = empty("")


def public_state(state: ProjectionState) -> JsonObject:
    """What `GET /runs/{id}/state` serves."""
    return state.public


def dump(state: ProjectionState) -> tuple[bytes, bytes]:
    """The state as two JSON texts with sorted keys, public and private; equal states give equal bytes."""
    return (
        orjson.dumps(state.public, option=orjson.OPT_SORT_KEYS),
        orjson.dumps(state.private, option=orjson.OPT_SORT_KEYS),
    )
