"""One run from its creation to a proposal on the table, section by section."""

from typing import Any

from runs.domain.projection import dump, empty, fold, load
from tests.run_log import RUN_ID, Log, at


def scene() -> Log:
    log = Log()
    log.bind(("alice", "bob"))
    log.see("alice", "proposer")
    log.see("bob", "voter")
    running = {"sessionId": "s-1", "state": "SESSION_STATE_OPEN", "runStatus": "running"}
    log.send("queued", None, "m-1")
    log.write("session.state.changed", running, ("session", "s-1"))
    payload = {"proposalId": "p1", "option": "ship", "rationale": "tests pass"}
    log.hear("alice", "Proposal", payload, "m-1")
    log.send("accepted", "queued", "m-1", messageType="Proposal")
    log.derive("proposal.created", "alice", "Proposal", payload, ("proposal", "p1"))
    return log


def test_the_example_of_the_documentation_comes_out_as_documented() -> None:
    log = scene()
    state = load(*dump(fold(empty(str(RUN_ID)), log.events)))
    public: Any = state.public

    assert public["run"] == {
        "runId": str(RUN_ID),
        "status": "running",
        "runtimeSessionId": "s-1",
        "modeName": "macp.mode.decision.v1",
        "startedAt": at(2),
    }
    assert public["participants"] == [
        {
            "participantId": "alice",
            "role": "proposer",
            "status": "active",
            "latestActivityAt": at(9),
            "latestSummary": "Proposal",
        },
        {"participantId": "bob", "role": "voter", "status": "waiting"},
    ]
    assert {"id": "alice", "kind": "participant", "status": "active"} in public["graph"]["nodes"]
    assert {"from": "alice", "to": "bob", "kind": "fanout", "ts": at(3)} in public["graph"]["edges"]
    current = public["decision"]["current"]
    assert (current["action"], current["proposalId"], current["finalized"]) == ("ship", "p1", False)
    assert current["reasons"] == ["tests pass"]
    assert public["signals"] == {"signals": []}
    assert public["progress"] == {"entries": []}
    assert (public["timeline"]["latestSeq"], public["timeline"]["totalEvents"]) == (10, 10)
    assert public["trace"] == {"spanCount": 0, "linkedArtifacts": []}
    assert {name: count for name, count in public["outboundMessages"].items() if count} == {"total": 1, "accepted": 1}
    assert public["policy"] == {
        "policyVersion": "policy.default",
        "commitmentEvaluations": [],
        "expectedCommitments": ["bob"],
        "quorumStatus": "pending",
    }
    assert public["llm"]["calls"] == []


def test_the_stored_text_has_sorted_keys_and_reads_back_as_the_same_state() -> None:
    state = fold(empty(str(RUN_ID)), scene().events)
    public, private = dump(state)

    assert load(public, private) == load(public.decode(), private.decode()) == state
    assert public.startswith(b'{"decision":{"current":{"action":"ship"')
