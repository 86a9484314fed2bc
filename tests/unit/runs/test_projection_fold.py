"""What holds for the fold as a whole, whatever the log."""

from collections.abc import Sequence
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runs.domain.events import Event, EventType, moved_status
from runs.domain.lifecycle import RunStatus
from runs.domain.projection import EMPTY, SCHEMA_VERSION, dump, empty, fold, load, public_state
from runs.domain.projection.fold import ROUTES, SLICES
from tests.event_logs import event_logs
from tests.hostile_logs import hostile_logs
from tests.run_log import RUN_ID, Log

any_log = event_logs() | hostile_logs()

PRIVATE_SLICES = {"votes", "metrics", "context"}

# Types that change nothing a client sees but the timeline (and the status, which any event may carry).
TIMELINE_ONLY = {
    EventType.RUN_SUSPENDED: "moves the status",
    EventType.RUN_RESUMED: "moves the status",
    EventType.SESSION_STREAM_OPENED: "how we are connected is no fact about the run; reconnects are counted",
    EventType.SESSION_STATE_CHANGED: "moves the status; the state itself is for the normaliser",
}

CAPS = {
    ("participants",): 1000,
    ("graph", "nodes"): 1100,
    ("graph", "edges"): 300,
    ("signals", "signals"): 200,
    ("progress", "entries"): 100,
    ("timeline", "recent"): 50,
    ("trace", "linkedArtifacts"): 200,
    ("policy", "commitmentEvaluations"): 50,
    ("llm", "calls"): 100,
}


def flood() -> list[Event]:
    """A log that fills every list beyond its cap."""
    log = Log()
    log.bind()
    for number in range(1250):
        who, what = f"agent-{number}", str(number)
        log.see(who, "voter")
        if number % 2 or number > 1100:
            continue
        log.derive("proposal.created", who, "Proposal", {"reason": [what] * 30}, ("proposal", what))
        log.answer(who, "Vote", what, {"vote": "YES"})
        log.derive("signal.emitted", who, "Signal", {"signalType": "alarm"}, ("signal", what))
        log.write("progress.reported", {"participantId": who, "percentage": 1})
        log.write("artifact.created", {}, ("artifact", what))
        log.write("policy.denied", {"reasons": [what] * 30}, ("policy", what))
        log.write("llm.call.completed", {"sender": who, "promptTokens": 1, "completionTokens": 1})
    return log.events


def as_sections(public: dict[str, Any]) -> dict[tuple[str, ...], Sequence[Any]]:
    return {path: public[path[0]] if len(path) == 1 else public[path[0]][path[1]] for path in CAPS}


@given(any_log, st.data())
def test_a_fold_that_was_stored_halfway_equals_a_fold_in_one_go(log: list[Event], data: st.DataObject) -> None:
    split = data.draw(st.integers(0, len(log)))
    halfway = load(*dump(fold(EMPTY, log[:split])))

    stored, at_once = fold(halfway, log[split:]), fold(EMPTY, log)

    # It should not show anywhere, not even in the bytes, where the log was cut.
    assert stored == at_once
    assert dump(stored) == dump(at_once)


@given(any_log)
@settings(max_examples=50)
def test_folding_event_by_event_equals_folding_in_one_batch(log: list[Event]) -> None:
    state = EMPTY
    for event in log:
        state = fold(load(*dump(state)), [event])

    assert dump(state) == dump(fold(EMPTY, log))


@given(any_log, st.data())
def test_folding_changes_neither_the_state_nor_the_events_it_was_given(log: list[Event], data: st.DataObject) -> None:
    split = data.draw(st.integers(0, len(log)))
    before = fold(EMPTY, log[:split])
    copies = deepcopy(before), deepcopy([(event.type, repr(event.data)) for event in log]), deepcopy(EMPTY)

    fold(before, log[split:])

    assert (before, [(event.type, repr(event.data)) for event in log], EMPTY) == copies


@given(hostile_logs())
@settings(max_examples=200)
def test_no_data_makes_the_fold_or_the_dump_fail_and_every_event_counts(log: list[Event]) -> None:
    state = fold(empty(str(RUN_ID)), log)
    dump(state)

    timeline: Any = state.public["timeline"]
    assert timeline["latestSeq"] == timeline["totalEvents"] == len(log)
    assert [line["seq"] for line in timeline["recent"]] == [event.seq for event in log[-50:]]


@given(st.lists(st.text("run.created", max_size=12).filter(lambda name: name not in set(EventType)), max_size=5))
def test_an_unknown_type_changes_the_timeline_only(types: list[str]) -> None:
    log = Log()
    for unknown in types:
        log.write(unknown, {"sender": "alice", "messageType": "Vote", "participantId": "alice"})

    sections = {**fold(empty(str(RUN_ID)), log.events).public, "timeline": None}

    assert sections == {**empty(str(RUN_ID)).public, "timeline": None}


@pytest.mark.parametrize("event_type", sorted(EventType))
def test_an_event_without_its_data_still_has_its_line_in_the_timeline(event_type: str) -> None:
    log = Log()
    log.write(event_type)
    state = fold(EMPTY, log.events)

    assert state.public["participants"] == []
    assert state.public["outboundMessages"] == EMPTY.public["outboundMessages"]
    assert state.public["timeline"]["totalEvents"] == 1  # type: ignore[index]


@given(any_log)
def test_counters_never_contradict_each_other(log: list[Event]) -> None:
    public: Any = fold(EMPTY, log).public

    outbound = public["outboundMessages"]
    fates = ("queued", "sent", "accepted", "rejected", "failed")
    assert outbound["total"] == sum(outbound[fate] for fate in fates)
    assert min(outbound.values()) >= 0
    for tally in public["policy"].get("voteTally", []):
        assert tally["quorum"]["cast"] == tally["allow"] + tally["deny"]
    known = {participant["participantId"]: participant["status"] for participant in public["participants"]}
    nodes = {node["id"]: node["status"] for node in public["graph"]["nodes"] if node["kind"] == "participant"}
    assert {name: known[name] for name in nodes} == nodes


@given(event_logs())
def test_b18_the_projected_status_follows_every_mover_of_the_log(log: list[Event]) -> None:
    state, status = EMPTY, "queued"
    for event in log:
        state = fold(state, [event])
        status = moved_status(event.type, event.data) or status
        assert state.public["run"]["status"] == status  # type: ignore[index]
        assert status in set(RunStatus)


@given(event_logs())
def test_nobody_is_left_active_or_waiting_when_the_run_has_ended(log: list[Event]) -> None:
    public: Any = fold(EMPTY, log).public
    if not log[-1].ends_the_run:
        return

    assert {entry["status"] for entry in public["participants"]} <= {"completed", "failed", "skipped"}
    assert {node["status"] for node in public["graph"]["nodes"]} <= {"completed", "failed", "skipped"}


@given(any_log)
def test_every_edge_and_node_is_there_once(log: list[Event]) -> None:
    graph: Any = fold(EMPTY, log).public["graph"]

    edges = [(edge["from"], edge["to"], edge["kind"]) for edge in graph["edges"]]
    nodes = [node["id"] for node in graph["nodes"]]
    assert len(set(edges)) == len(edges)
    assert len(set(nodes)) == len(nodes)


@given(any_log)
@settings(max_examples=50)
def test_no_list_grows_beyond_its_cap(log: list[Event]) -> None:
    public: Any = fold(EMPTY, log).public

    assert all(len(entries) <= CAPS[path] for path, entries in as_sections(public).items())


def test_full_lists_keep_their_newest_entries_and_counters_go_on() -> None:
    log = flood()
    state = fold(EMPTY, log)
    public: Any = state.public
    lists = as_sections(public)

    assert {path: len(entries) for path, entries in lists.items()} == {**CAPS, ("graph", "nodes"): 1000 + 3}
    assert [entry["participantId"] for entry in public["participants"]] == [f"agent-{n}" for n in range(250, 1250)]
    assert public["trace"]["linkedArtifacts"][-1] == public["signals"]["signals"][-1]["id"] == "1100"
    current = public["decision"]["current"]
    assert len(current["proposals"]) == len(public["policy"]["voteTally"]) == 50
    assert {len(each["reasons"]) for each in public["policy"]["commitmentEvaluations"]} == {20}
    assert {len(each["reasons"]) for each in current["proposals"]} == {0, 20}
    assert public["llm"]["totals"]["callCount"] == 551
    assert public["timeline"]["totalEvents"] == len(log)
    # It should not depend on how the log was cut into batches, long after the first entries went.
    assert dump(fold(load(*dump(fold(EMPTY, log[:3000]))), log[3000:])) == dump(state)


def test_every_event_type_is_handled_or_exempt_by_name() -> None:
    shown = {str(member) for name, table in SLICES.items() if name not in PRIVATE_SLICES for member in table}

    assert set(EventType) - shown == set(TIMELINE_ONLY)
    assert all(TIMELINE_ONLY.values())


def test_every_handler_of_every_slice_is_on_the_route_of_its_type() -> None:
    for name, table in SLICES.items():
        for event_type, handler in table.items():
            assert handler in ROUTES[str(event_type)], (name, event_type)
    assert sum(map(len, ROUTES.values())) == sum(map(len, SLICES.values()))


def test_an_empty_batch_leaves_the_state_as_it_is() -> None:
    assert fold(EMPTY, iter(())) == EMPTY


def test_the_run_id_comes_from_the_log_where_the_state_has_none() -> None:
    log = Log()
    log.write("run.created")

    assert fold(EMPTY, log.events) == fold(empty(str(RUN_ID)), log.events)


def test_clients_are_served_the_public_part_only() -> None:
    assert public_state(EMPTY) == EMPTY.public
    assert set(EMPTY.public) == {
        "run", "participants", "graph", "decision", "signals", "progress", "timeline", "trace", "outboundMessages",
        "policy", "llm",
    }  # fmt: skip
    assert SCHEMA_VERSION == 3
