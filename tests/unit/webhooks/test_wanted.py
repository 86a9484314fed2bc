"""What an endpoint hears: names, patterns, what is unknown, and the two names of the first running event."""

import pytest

from runs.domain.catalogue import CATALOGUE
from runs.domain.events import EventType
from runs.domain.lifecycle import RunStatus
from webhooks.wanted import MAY_START, MOVING, SIX, is_wanted, names_of, says_running, sources_of, unknown_names

RUN_EVENTS = ["run.started", "run.completed", "run.failed", "run.cancelled", "run.suspended", "run.resumed"]


def test_who_names_nothing_hears_the_six_and_no_other() -> None:
    assert [kind for kind in EventType if is_wanted([], kind)] == sorted(SIX, key=list(EventType).index)
    assert sorted(SIX) == sorted(RUN_EVENTS)


@pytest.mark.parametrize(
    ("events", "heard"),
    [
        (["*"], set(EventType)),
        (["run.*"], {kind for kind in EventType if kind.startswith("run.")}),
        (["session.stream.*"], {"session.stream.opened"}),
        (["policy.*"], {"policy.resolved", "policy.commitment.evaluated", "policy.denied"}),
        (["policy.commitment.*", "run.failed"], {"policy.commitment.evaluated", "run.failed"}),
        (["message.sent"], {"message.sent"}),
    ],
)
def test_patterns_hear_what_begins_like_them(events: list[str], heard: set[str]) -> None:
    assert {kind for kind in EventType if is_wanted(events, kind)} == heard
    assert unknown_names(events) == []


@pytest.mark.parametrize(
    "name", ["run", "run.", "run.*.x", "run*", "*.completed", "runs.*", ".*", "**", "", "Run.failed"]
)
def test_what_matches_no_event_is_unknown(name: str) -> None:
    assert unknown_names(["run.failed", name, name]) == [name]
    assert not any(is_wanted([name], kind) for kind in EventType)


def test_a_reserved_type_that_is_never_written_is_unknown() -> None:
    assert unknown_names(["decision.proposed", "endpoint.disabled"]) == ["decision.proposed", "endpoint.disabled"]


def test_the_first_running_event_has_two_names_and_the_canonical_one_none() -> None:
    assert names_of("session.state.changed", is_first_running=True) == ("session.state.changed", "run.started")
    assert names_of("session.state.changed", is_first_running=False) == ("session.state.changed",)
    assert names_of("run.started", is_first_running=False) == ()


@pytest.mark.parametrize("kind", EventType)
def test_only_what_says_so_is_running(kind: EventType) -> None:
    says = says_running(kind, {"runStatus": RunStatus.RUNNING.value})
    assert says is (kind in MAY_START)
    assert not says_running(kind, {"status": "running"})
    assert not says_running(kind, {"runStatus": "suspended"})


def test_every_type_that_may_tell_a_status_is_looked_at() -> None:
    telling = {kind for kind, entry in CATALOGUE.items() if "runStatus" in entry.members + entry.optional}
    assert telling <= MOVING
    assert telling - MAY_START == {"run.completed", "run.failed", "run.cancelled"}
    assert {kind for kind in EventType if kind.startswith("run.")} <= MOVING


def test_for_run_started_those_are_read_that_may_be_the_first_running() -> None:
    assert sources_of(["run.started"]) == MAY_START
    assert sources_of(["message.sent"]) == {"message.sent"}
    assert sources_of([]) == MAY_START | set(SIX) - {"run.started"}
    assert sources_of(["*"]) == set(EventType) - {"run.started"}
