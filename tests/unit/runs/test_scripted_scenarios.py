"""What the built-in scenarios say."""

from collections import Counter

import orjson
import pytest

from runs.domain.events import Envelope, Observation, ObservationKind, SessionSnapshot, SessionState
from runs.runtimes.port import Participant, SessionPlan
from runs.runtimes.scripted import ScriptedRuntime
from runs.runtimes.scripted.options import scenario_of
from runs.runtimes.scripted.scenarios import OF_MODE, WRITTEN
from runs.runtimes.scripted.scenarios.load import filler
from tests.plans import a_plan
from tests.streams import envelopes, read_ready


async def performed(plan: SessionPlan) -> list[Observation]:
    return await read_ready(ScriptedRuntime().attach(plan, adapter_state=None).observe(0))


def bodies(observations: list[Observation]) -> list[Envelope]:
    return [one.body for one in observations if isinstance(one.body, Envelope)]


def mode_playing(scenario: str) -> str:
    return next((mode for mode, name in OF_MODE.items() if name == scenario), "macp.mode.decision.v1")


RESOLVING = sorted(set(WRITTEN) - {"silent", "failing"})


@pytest.mark.parametrize("scenario", RESOLVING)
async def test_a_resolving_scenario_ends_with_a_commitment_of_the_initiator(scenario: str) -> None:
    heard = await performed(a_plan(mode_name=mode_playing(scenario), options={"scenario": scenario}))

    last = bodies(envelopes(heard))[-1]
    assert (last.message_type, last.sender) == ("Commitment", "lead")
    assert last.decoded is not None
    assert last.decoded.get("outcomePositive", False) is (scenario != "veto")
    assert isinstance(heard[-1].body, SessionSnapshot)
    assert heard[-1].body.state is SessionState.RESOLVED


@pytest.mark.parametrize("scenario", RESOLVING)
async def test_a_resolving_scenario_shows_life_in_every_section(scenario: str) -> None:
    heard = await performed(a_plan(mode_name=mode_playing(scenario), options={"scenario": scenario}))

    beside = [one.body for one in heard if one.kind is ObservationKind.AMBIENT and isinstance(one.body, Envelope)]
    signals = [one.decoded or {} for one in beside if one.message_type == "Signal"]
    calls = [one["dataJson"] for one in signals if one["signalType"] == "llm.call.completed"]
    assert "Progress" in {one.message_type for one in beside}
    assert {one["correlationSessionId"] for one in signals} == {a_plan().session_id}
    assert calls
    assert all(isinstance(call, dict) and call["totalTokens"] > 0 for call in calls)


@pytest.mark.parametrize("scenario", sorted(WRITTEN))
async def test_every_payload_is_known_to_the_mode_and_is_json(scenario: str) -> None:
    heard = await performed(a_plan(mode_name=mode_playing(scenario), options={"scenario": scenario}))

    for body in bodies(heard):
        assert body.type_name is not None, body.message_type
        assert body.type_name.endswith(f".{body.message_type}Payload")
        decoded = dict(body.decoded or {})
        decoded.pop("dataJson", None)
        assert orjson.loads(body.payload) == decoded
    for one in heard:
        assert isinstance(orjson.loads(one.raw), dict)


@pytest.mark.parametrize("scenario", sorted(WRITTEN))
@pytest.mark.parametrize("count", [1, 2, 40])
async def test_every_scenario_can_be_cast_with_any_number_of_participants(scenario: str, count: int) -> None:
    people = tuple(Participant(id=f"p{number}") for number in range(count))

    heard = await performed(a_plan(participants=people, initiator="p0", options={"scenario": scenario}))

    assert len({one.source_id for one in heard if one.source_id}) == len(bodies(heard))
    assert {one.sender for one in bodies(heard)} <= {person.id for person in people}


async def test_every_known_mode_plays_its_own_scenario_and_an_unknown_one_the_decision() -> None:
    assert {mode: scenario_of(a_plan(mode_name=mode)) for mode in OF_MODE} == OF_MODE
    assert scenario_of(a_plan(mode_name="acme.mode.chess.v9")) == "decision"


async def test_an_unknown_mode_is_played_without_decoding_what_it_cannot_know() -> None:
    heard = await performed(a_plan(mode_name="acme.mode.chess.v9"))

    known = {one.message_type for one in bodies(heard) if one.decoded is not None}
    assert known == {"SessionStart", "Commitment", "Signal", "Progress"}


async def test_the_options_name_the_scenario_before_the_session_and_the_session_before_the_mode() -> None:
    assert scenario_of(a_plan(options={"scenario": "veto"}, scenario="task")) == "veto"
    assert scenario_of(a_plan(scenario="task")) == "task"


async def test_a_veto_objects_critically_and_nobody_approves() -> None:
    said = bodies(await performed(a_plan(options={"scenario": "veto"})))

    [objection] = [one.decoded for one in said if one.message_type == "Objection"]
    votes = [one.decoded for one in said if one.message_type == "Vote"]
    assert objection is not None
    assert objection["severity"] == "critical"
    assert {vote["vote"] for vote in votes if vote} == {"REJECT"}


async def test_a_failing_session_expires_without_a_commitment() -> None:
    heard = await performed(a_plan(options={"scenario": "failing"}))

    assert isinstance(heard[-1].body, SessionSnapshot)
    assert heard[-1].body.state is SessionState.EXPIRED
    assert "Commitment" not in {one.message_type for one in bodies(heard)}


async def test_a_silent_session_opens_and_says_nothing() -> None:
    heard = await performed(a_plan(options={"scenario": "silent"}))

    assert [one.message_type for one in bodies(heard)] == ["SessionStart"]
    assert len(heard) == 1


async def test_load_plays_exactly_its_messages_in_its_mix_and_resolves() -> None:
    heard = await performed(a_plan(options={"scenario": "load", "events": 1000, "payloadBytes": 300}))

    said = bodies(heard)[1:]
    mix = Counter(one.message_type for one in said)
    assert mix == {"Proposal": 10, "Evaluation": 100, "Vote": 90, "LoadMessage": 800}
    assert {len(one.payload) for one in said if one.message_type == "LoadMessage"} == {300}
    assert isinstance(heard[-1].body, SessionSnapshot)
    assert heard[-1].body.state is SessionState.RESOLVED
    assert heard[-1].body.message_count == 1000


@pytest.mark.parametrize("size", [0, 1, 10, 11, 12, 600, 65_536])
def test_a_filler_is_json_of_exactly_its_size(size: int) -> None:
    assert len(filler(size)) == size
    assert size == 0 or orjson.loads(filler(size)) is not None
