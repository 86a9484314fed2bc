"""What a replay is asked to show: as a body, and as the query of its stream."""

import pytest

from runs.api.query import Query
from runs.api.requests.replay import read_replay, replay_from
from runs.domain.replays import Replay
from runs.errors import ValidationFailed


def queried(**parameters: str) -> Replay:
    query = Query(parameters)
    replay = replay_from(query)
    query.done()
    return replay


def test_without_members_the_whole_run_is_shown_at_its_own_pace() -> None:
    usual = Replay(mode="timed", speed=1.0, from_seq=None, to_seq=None)
    assert read_replay({}) == queried() == usual
    assert read_replay({"mode": None, "speed": None, "fromSeq": None, "toSeq": None}) == usual


def test_body_and_query_are_read_alike_a06() -> None:
    asked = Replay(mode="step", speed=2.5, from_seq=3, to_seq=7)
    assert read_replay({"mode": "step", "speed": 2.5, "fromSeq": 3, "toSeq": 7}) == asked
    assert queried(mode="step", speed="2.5", fromSeq="3", toSeq="7") == asked


@pytest.mark.parametrize("speed", [0.1, 1, 999.9, 1000])
def test_the_bounds_of_speed_are_allowed(speed: float) -> None:
    assert read_replay({"speed": speed}).speed == queried(speed=str(speed)).speed == speed


@pytest.mark.parametrize(
    ("body", "path"),
    [
        *[({"mode": value}, "mode") for value in ("fast", "", 1, [], {})],
        *[({"speed": value}, "speed") for value in (0, 0.09, 1000.1, -1, "1", True, float("nan"), 10**400)],
        *[({"fromSeq": value}, "fromSeq") for value in (0, -1, 1.0, "1", True, 2**63)],
        *[({"toSeq": value}, "toSeq") for value in (0, -1, 1.5, "1", [])],
        ({"fromSeq": 5, "toSeq": 4}, "fromSeq"),
        ({"sped": 1}, "sped"),
        ([], "body"),
    ],
)
def test_a_fault_of_a_body_names_its_member(body: object, path: str) -> None:
    with pytest.raises(ValidationFailed) as caught:
        read_replay(body)
    assert [fault.path for fault in caught.value.faults] == [path]


@pytest.mark.parametrize(
    ("parameters", "path"),
    [
        *[({"mode": value}, "mode") for value in ("fast", "", "TIMED")],
        *[
            ({"speed": value}, "speed")
            for value in ("0", "0.09", "1000.1", "-1", "", "nan", "inf", "1e2", "1,5", ".5", "٣", " 1", "1" * 5_000)
        ],
        *[({"fromSeq": value}, "fromSeq") for value in ("0", "-1", "1.0", "x", "", "9" * 19, "1" * 5_000)],
        *[({"toSeq": value}, "toSeq") for value in ("0", "-1", "1.0", "x")],
        ({"fromSeq": "5", "toSeq": "4"}, "fromSeq"),
        ({"fromSeq": "5", "toSeq": "x"}, "toSeq"),
    ],
)
def test_a_fault_of_a_query_names_its_parameter(parameters: dict[str, str], path: str) -> None:
    with pytest.raises(ValidationFailed) as caught:
        queried(**parameters)
    assert [fault.path for fault in caught.value.faults] == [path]


def test_every_fault_is_told_at_once() -> None:
    with pytest.raises(ValidationFailed) as caught:
        queried(mode="x", speed="x", fromSeq="x", toSeq="x")
    assert [fault.path for fault in caught.value.faults] == ["mode", "speed", "fromSeq", "toSeq"]


def test_what_nobody_asked_for_is_ignored_in_a_query() -> None:
    assert queried(ticket="t", snapshotMs="0") == queried()
