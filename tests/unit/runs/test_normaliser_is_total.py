"""No input makes the normaliser fail, and whatever it writes is what the log will give back."""

from copy import deepcopy

import orjson
from hypothesis import given
from hypothesis import strategies as st

from runs.domain.events import (
    Ack,
    AckError,
    Body,
    Draft,
    Envelope,
    InlineError,
    JsonObject,
    Observation,
    ObservationKind,
    SessionSnapshot,
    SessionState,
    StreamStatus,
    Undecodable,
)
from runs.domain.lifecycle import RunStatus
from runs.domain.normaliser import Context, normalise
from runs.domain.normaliser.vocabulary import TOOLS, VOCABULARY
from tests.drafting import a_context, an_outbound

# Text with everything agents may put in it: NUL, lone surrogates, any script.
texts = st.text(st.characters(codec=None, categories=None), max_size=12)
names = texts | st.sampled_from(
    [
        "proposalId",
        "task_id",
        "json",
        "metadata",
        "llmCall",
        "tokenUsage",
        "promptTokens",
        "model",
        "progress",
        "total",
        "data",
        "dataJson",
        "signalType",
        "severity",
        "policyDenied",
        "reasons",
        "denials",
        "decision",
        "trace",
        "traceId",
        "traceparent",
        "extensions",
        "details",
        "password",
    ]
)
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=2**62, max_value=2**70)
    | st.floats()
    | texts
    | st.binary(max_size=8)
    | st.sampled_from(["llm.call.completed", "00-" + "a" * 32 + "-" + "b" * 16 + "-01", "eyJhIjoxfQ==", "10" * 3000])
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.tuples(inner) | st.dictionaries(names, inner, max_size=5),
    max_leaves=12,
)
objects: st.SearchStrategy[JsonObject] = st.dictionaries(names, values, max_size=6)
message_types = st.sampled_from([*VOCABULARY, *TOOLS, "SessionStart", "TaskUpdate", "Signal"]) | texts
json_text = objects.map(lambda value: orjson.dumps(repr(value)) if value else b"{}") | st.builds(
    lambda value: orjson.dumps(value, default=repr, option=orjson.OPT_NON_STR_KEYS) if _plain(value) else b"\xff",
    objects,
)
payloads = st.binary(max_size=64) | json_text

envelopes = st.builds(
    Envelope,
    mode=texts,
    message_type=message_types,
    message_id=texts,
    session_id=texts,
    sender=texts,
    payload=payloads,
    decoded=st.none() | objects,
    type_name=st.none() | texts,
)
ids = st.sampled_from(["out-1", "out-2"]) | texts
errors = st.builds(AckError, code=st.just("POLICY_DENIED") | texts, message=texts, session_id=texts, details=payloads)
acks = st.builds(
    Ack,
    ok=st.booleans(),
    message_id=ids,
    session_id=texts,
    session_state=st.sampled_from(SessionState),
    error=st.none() | errors,
)
inline_errors = st.builds(
    InlineError, code=st.just("POLICY_DENIED") | texts, message=texts, message_id=ids, details=payloads
)
snapshots = st.builds(
    SessionSnapshot,
    session_id=texts,
    state=st.sampled_from(SessionState),
    mode_name=texts,
    started_at_unix_ms=st.integers(min_value=0, max_value=2**62),
)
statuses = st.builds(StreamStatus, status=st.sampled_from(["opened", "reconnecting", "closed"]) | texts, detail=texts)
bodies: st.SearchStrategy[Body] = (
    envelopes | acks | inline_errors | snapshots | statuses | st.builds(Undecodable, reason=texts)
)
observations = st.builds(
    Observation,
    kind=st.sampled_from(ObservationKind),
    body=bodies,
    raw=st.binary(max_size=32),
    source_id=st.none() | texts,
)


def _plain(value: object) -> bool:
    try:
        orjson.dumps(value, default=repr, option=orjson.OPT_NON_STR_KEYS)
    except TypeError:
        return False
    return True


def the_context(status: RunStatus = RunStatus.RUNNING) -> Context:
    return a_context(status=status, outbound=[an_outbound("out-1"), an_outbound("out-2")], patterns=["AB{2,5}"])


@given(observation=observations, status=st.sampled_from(RunStatus))
def test_any_observation_becomes_drafts_that_the_log_gives_back_unchanged(
    observation: Observation, status: RunStatus
) -> None:
    drafts = normalise(observation, the_context(status), raw_seq=7)

    for draft in drafts:
        assert orjson.loads(orjson.dumps(draft.data)) == draft.data
        assert all(is_plain(text) for text in (draft.subject_id, draft.raw_type, draft.trace_id, draft.span_id))
        assert all(is_plain(text) for text in strings_in(draft.data))
        assert draft.raw_seq == 7


@given(observation=observations)
def test_the_same_input_gives_the_same_drafts_and_neither_input_changes(observation: Observation) -> None:
    context, before = the_context(), deepcopy(observation)
    first = normalise(observation, context, raw_seq=1)

    assert written(normalise(observation, context, raw_seq=1)) == written(first)
    assert (context.seen, context.session_state, context.status) == (set(), None, RunStatus.RUNNING)
    assert repr(observation) == repr(before)


@given(
    batch=st.lists(observations, max_size=6),
    ours=st.builds(Draft, type=st.sampled_from(["session.bound", "x"]), data=objects),
)
def test_any_draft_can_be_learnt(batch: list[Observation], ours: Draft) -> None:
    context = the_context()
    context.learn(ours)
    seen: list[object] = []
    for raw_seq, observation in enumerate(batch, start=1):
        for draft in normalise(observation, context, raw_seq=raw_seq):
            context.learn(draft)
            seen += [draft.data["participantId"]] if draft.type == "participant.seen" else []

    assert len(set(map(str, seen))) == len(seen)


def is_plain(text: str | None) -> bool:
    return text is None or ("\0" not in text and text.encode().decode() == text)


def strings_in(value: object) -> list[str]:
    if isinstance(value, dict):
        return [text for name, item in value.items() for text in (name, *strings_in(item))]
    if isinstance(value, list):
        return [text for item in value for text in strings_in(item)]
    return [value] if isinstance(value, str) else []


def written(drafts: list[Draft]) -> list[tuple[str, bytes]]:
    return [(draft.type, orjson.dumps(draft.data)) for draft in drafts]
