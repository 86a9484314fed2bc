"""Progress is a percentage from 0 to 100, whichever message it came from."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runs.domain.events import JsonObject
from runs.domain.normaliser.progress import percentage
from tests import scenarios
from tests.drafting import only, play, types


@pytest.mark.parametrize(
    ("progress", "total", "expected"),
    [
        (3, 4, 75.0),
        (0.4, None, 40.0),
        (1, None, 100.0),
        (40, None, 40.0),
        (0.5, 0, 50.0),
        (0.5, -1, 50.0),
        (7, 4, 100.0),
        (-3, None, 0.0),
        (250, None, 100.0),
        ("0.5", None, None),
        (True, None, None),
        (None, 4, None),
        (float("nan"), None, None),
        (float("inf"), None, None),
        (10**400, None, None),
        (3, float("nan"), 3.0),
    ],
)
def test_e17_progress_becomes_a_percentage(progress: object, total: object, expected: float | None) -> None:
    assert percentage(progress, total) == expected


@given(
    progress=st.integers() | st.floats() | st.text() | st.booleans(),
    total=st.none() | st.integers() | st.floats() | st.text(),
)
def test_e17_a_percentage_is_between_0_and_100_or_absent(progress: object, total: object) -> None:
    value = percentage(progress, total)

    assert value is None or 0 <= value <= 100


def test_a_progress_message_is_its_own_derived_event() -> None:
    reported = only(play(scenarios.SIGNALS_AND_PROGRESS), "progress.reported")

    assert (reported.subject_kind, reported.subject_id) == ("message", "s3")
    expected = {
        "percentage": 75.0,
        "message": "three of four",
        "progressToken": "pt-1",
        "total": 4.0,
        "participantId": "alice",
    }
    assert expected.items() <= reported.data.items()


@pytest.mark.parametrize(
    ("message_type", "payload", "expected"),
    [
        (
            "TaskUpdate",
            {"taskId": "t1", "progress": 0.4, "status": "copying"},
            {"percentage": 40.0, "message": "copying"},
        ),
        ("TaskUpdate", {"task_id": "t1", "progress": 55, "message": "half"}, {"percentage": 55.0, "message": "half"}),
        ("TaskUpdate", {"taskId": "t1", "progress": "NaN", "status": "odd"}, {"message": "odd"}),
        ("TaskComplete", {"taskId": "t1", "summary": "moved"}, {"percentage": 100.0, "message": "moved"}),
        ("TaskComplete", {"taskId": "t1"}, {"percentage": 100.0, "message": "completed"}),
        ("TaskFail", {"taskId": "t1", "reason": "disk"}, {"message": "disk"}),
        ("TaskFail", {"taskId": "t1"}, {"message": "failed"}),
    ],
)
def test_tasks_report_their_progress(message_type: str, payload: JsonObject, expected: JsonObject) -> None:
    drafts = play([scenarios.envelope("m1", "bob", message_type, payload)])

    assert types(drafts)[2:] == ["proposal.updated", "progress.reported"]
    common = {"sender": "bob", "participantId": "bob", "messageId": "m1", "taskId": "t1"}
    assert drafts[3].data == {**common, **expected}
    assert (drafts[3].subject_kind, drafts[3].subject_id) == ("message", "m1")


def test_a_task_update_without_progress_reports_none() -> None:
    assert "progress.reported" not in types(play([scenarios.envelope("m1", "bob", "TaskUpdate", {"status": "on it"})]))
