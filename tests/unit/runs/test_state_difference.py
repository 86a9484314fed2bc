"""Where a stored state differs from the fold: the first path, by name, or none."""

from typing import cast

import orjson
import pytest

from runs.domain.events import JsonObject
from runs.domain.projection import dump, empty
from runs.domain.projection.difference import first_difference

FOLDED = empty("r-1")
STATE, PRIVATE = (text.decode() for text in dump(FOLDED))


def changed(*path: str, value: object) -> str:
    """The stored state with another value at a path of names."""
    state = cast(JsonObject, orjson.loads(STATE))
    place = state
    for name in path[:-1]:
        place = cast(JsonObject, place[name])
    place[path[-1]] = value
    return orjson.dumps(state, option=orjson.OPT_SORT_KEYS).decode()


def test_the_same_bytes_differ_nowhere() -> None:
    assert first_difference(STATE, PRIVATE, FOLDED) is None


@pytest.mark.parametrize(
    ("path", "value", "found"),
    [
        (("run", "status"), "failed", "state.run.status"),
        (("timeline", "latestSeq"), 7, "state.timeline.latestSeq"),
        (("timeline", "latestSeq"), 0.0, "state.timeline.latestSeq"),
        (("timeline", "latestSeq"), False, "state.timeline.latestSeq"),
        (("timeline", "more"), None, "state.timeline.more"),
        (("participants",), [{"participantId": "alice"}], "state.participants[0]"),
        (("participants",), {}, "state.participants"),
        (("graph",), {"nodes": []}, "state.graph.edges"),
    ],
)
def test_a_difference_is_found_by_its_path(path: tuple[str, ...], value: object, found: str) -> None:
    assert first_difference(changed(*path, value=value), PRIVATE, FOLDED) == found


def test_the_first_by_name_is_told() -> None:
    both = changed("timeline", "latestSeq", value=7).replace('"status":"queued"', '"status":"failed"')
    assert first_difference(both, PRIVATE, FOLDED) == "state.run.status"


def test_what_only_the_fold_sees_counts_too() -> None:
    private = PRIVATE.replace('"eventCount":0', '"eventCount":1')
    assert first_difference(STATE, private, FOLDED) == "private.metrics.eventCount"


@pytest.mark.parametrize("text", ["", "no JSON", "\ud800", STATE + " "])
def test_a_column_that_is_equal_in_no_byte_sense_is_named_alone(text: str) -> None:
    assert first_difference(text, PRIVATE, FOLDED) == "state"
