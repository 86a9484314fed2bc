"""A session that somebody else opened, as the request of a run."""

import msgspec
import pytest

from runs.domain.discovered import LONGEST_TTL_MS, discovered_request, may_become_a_run
from runs.domain.events import SessionSnapshot, SessionState
from runs.domain.requests import decode_request, document_of

SEEN = SessionSnapshot(
    session_id="a-session-with-a-name-of-its-own",
    state=SessionState.OPEN,
    mode_name="macp.mode.decision.v1",
    mode_version="1.0.0",
    configuration_version="config.default",
    policy_version="policy.default",
    started_at_unix_ms=1_000,
    expires_at_unix_ms=61_000,
    initiator="lead",
    participants=("lead", "ann"),
    context_id="ctx",
)


def changed(**changes: object) -> SessionSnapshot:
    return msgspec.structs.replace(SEEN, **changes)


@pytest.mark.parametrize("state", list(SessionState))
def test_only_what_goes_on_becomes_a_run(state: SessionState) -> None:
    ended = (SessionState.RESOLVED, SessionState.EXPIRED, SessionState.CANCELLED)

    assert may_become_a_run(changed(state=state)) is (state not in ended)


@pytest.mark.parametrize(("name", "may"), [("", False), ("x" * 128, True), ("x" * 129, False), ("a\0b", False)])
def test_a_session_needs_an_id_that_a_run_can_be_found_by(name: str, may: bool) -> None:
    assert may_become_a_run(changed(session_id=name)) is may


def test_the_request_says_what_the_runtime_says() -> None:
    request = discovered_request("macp", SEEN)

    session = request.session
    assert (request.mode, request.runtime.kind, session.opener) == ("live", "macp", "agent")
    assert (session.session_id, session.mode_name, session.mode_version) == (SEEN.session_id, SEEN.mode_name, "1.0.0")
    assert (session.configuration_version, session.policy_version) == ("config.default", "policy.default")
    assert (request.initiator, [one.id for one in session.participants]) == ("lead", ["lead", "ann"])
    assert (session.ttl_ms, session.text("source"), session.text("contextId")) == (60_000, "discovery", "ctx")
    # It should be a request like any other, and offer no way to cancel what is not ours.
    assert decode_request(msgspec.json.encode(document_of(request))) == request
    assert session.cancel_route is None


@pytest.mark.parametrize(("started", "expires"), [(0, 61_000), (1_000, 0), (1_000, 1_000 + LONGEST_TTL_MS + 1)])
def test_a_life_that_is_no_life_is_taken_for_the_longest(started: int, expires: int) -> None:
    request = discovered_request("macp", changed(started_at_unix_ms=started, expires_at_unix_ms=expires))

    assert request.session.ttl_ms == LONGEST_TTL_MS


def test_a_session_without_participants_and_initiator_is_a_request_too() -> None:
    request = discovered_request("macp", changed(participants=(), initiator=""))

    assert (request.initiator, request.session.participants) == ("", ())


def test_what_no_column_could_hold_is_cut_and_cleaned() -> None:
    request = discovered_request(
        "macp", changed(mode_name="m" * 300, mode_version="v" * 300, initiator="a\0b", participants=("a\0", "a\0", ""))
    )

    session = request.session
    assert (len(session.mode_name), len(session.mode_version)) == (255, 100)
    assert (request.initiator, [one.id for one in session.participants]) == ("a\ufffdb", ["a\ufffd"])
