"""Events in words: every type has some, and no agent text reaches the terminal's controls."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runs.domain.events import EventType
from runs.streaming.words import SENTENCES, plain, speaker, words

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
NAMES = ("sender", "payload", "decodedPayload", "reason", "vote", "confidence", "to", "percentage", "ending", "json")
HOSTILE = "\x1b[2J\x07\r\n\u202egnp.exe\u200b\x9b31m\u2028"


def _event(type: str, /, **data: object) -> dict[str, object]:
    return {"type": type, "data": data, "source": {"name": "observer"}}


def test_every_type_of_event_has_words() -> None:
    assert set(SENTENCES) == set(EventType)


@given(st.sampled_from([*EventType, "to.come"]), st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=8), JSON))
def test_words_are_found_for_any_data_and_are_printable(type: str, data: dict[str, object]) -> None:
    for text in (words(_event(type, **data)), speaker(_event(type, **data))):
        assert not any(unicodedata.category(character).startswith(("C", "Zl", "Zp")) for character in text)


def test_agent_text_loses_what_would_control_the_terminal() -> None:
    said = words(_event("message.received", messageType="Note", payload={"text": f"a{HOSTILE}b"}))

    assert said == "says Note: a[2J  gnp.exe31mb"


def test_line_breaks_of_an_agent_become_spaces() -> None:
    assert plain("one\ntwo\tthree") == "one two three"


@pytest.mark.parametrize(
    ("type", "data", "said"),
    [
        ("run.created", {"modeName": "m", "runtimeKind": "scripted"}, "run of m on scripted is created"),
        ("session.bound", {"sessionId": "s", "participants": ["a", "b"]}, "session s is bound for a, b"),
        ("participant.seen", {"participantId": "a", "role": "voter"}, "joins as voter"),
        ("session.state.changed", {"state": "SESSION_STATE_OPEN"}, "session is open"),
        (
            "proposal.created",
            {"messageType": "Proposal", "decodedPayload": {"option": "ship", "rationale": "tests pass"}},
            "proposes ship: tests pass",
        ),
        (
            "proposal.updated",
            {"messageType": "Vote", "decodedPayload": {"vote": "APPROVE", "reason": "good"}},
            "votes APPROVE: good",
        ),
        (
            "proposal.updated",
            {"messageType": "Evaluation", "decodedPayload": {"recommendation": "APPROVE", "confidence": 0.9}},
            "evaluates: APPROVE (90% sure)",
        ),
        (
            "decision.finalized",
            {"decodedPayload": {"action": "ship", "reason": "two of three"}},
            "decides ship: two of three",
        ),
        ("progress.reported", {"percentage": 59.6, "message": "drafting"}, "60 %: drafting"),
        ("message.sent", {"messageType": "Proposal", "to": ["a"], "status": "accepted"}, "Proposal to a is accepted"),
        (
            "message.send_failed",
            {"messageType": "Vote", "to": ["a"], "status": "rejected", "error": "denied"},
            "Vote to a is not delivered: denied",
        ),
        ("run.completed", {"ending": {"code": "resolved"}}, "run completed: resolved"),
        ("run.failed", {"ending": {"code": "session_lost"}, "error": "gone"}, "run failed: session_lost: gone"),
        (
            "llm.call.completed",
            {"model": "m", "totalTokens": 12, "estimatedCostUsd": 0.5},
            "asks m (12 tokens, $0.5000)",
        ),
        ("to.come", {}, "to.come"),
    ],
)
def test_an_event_is_said_in_words(type: str, data: dict[str, object], said: str) -> None:
    assert words(_event(type, **data)) == said


def test_the_speaker_is_the_agent_or_the_part_of_the_system() -> None:
    assert speaker(_event("message.received", sender="alice")) == "alice"
    assert speaker(_event("run.started")) == "observer"


def test_a_long_text_is_cut() -> None:
    assert len(words(_event("message.received", messageType="Note", payload={"text": "x" * 5_000}))) < 200
