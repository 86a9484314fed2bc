"""The query of /ws/runs, and the document it is answered with."""

import pytest

from runs.domain.documents import summary_document
from runs.errors import ValidationFailed
from runs.streaming.selection import ListSubscription, Selection, list_subscription_from
from tests.summary_rows import a_summary


def test_without_a_query_all_live_runs_are_followed_and_fifty_listed() -> None:
    assert list_subscription_from({}) == ListSubscription(selection=Selection(), limit=50)


def test_every_parameter_is_read() -> None:
    query = {
        "status": "running",
        "tags": "b, a,,b",
        "modeName": "macp.mode.task.v1",
        "includeSandbox": "TRUE",
        "includeArchived": "1",
        "limit": "200",
        "includeTotal": "false",
        "whatever": "is ignored",
    }

    assert list_subscription_from(query) == ListSubscription(
        selection=Selection(
            status="running",
            tags=("a", "b"),
            mode_name="macp.mode.task.v1",
            include_archived=True,
            include_sandbox=True,
        ),
        limit=200,
        include_total=False,
    )


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("status", "runing"),
        ("status", ""),
        ("tags", "a\0"),
        ("modeName", "\0"),
        ("includeSandbox", "yes"),
        ("includeArchived", ""),
        ("includeTotal", "no"),
        ("limit", "0"),
        ("limit", "201"),
        ("limit", "-1"),
        ("limit", "ten"),
        ("limit", "1" * 400),
    ],
)
def test_a_bad_parameter_is_named(field: str, text: str) -> None:
    with pytest.raises(ValidationFailed) as failed:
        list_subscription_from({field: text})

    assert [fault.path for fault in failed.value.faults] == [field]
    assert failed.value.message.startswith(f"{field}: must ")
    # It should fit into the reason of a close.
    assert len(failed.value.message.encode()) <= 123


def test_a_summary_is_the_document_of_the_contract() -> None:
    assert summary_document(a_summary(error_code="made_up", tags=["a"])) == {
        "id": "00000000-0000-0000-0000-000000000001",
        "status": "running",
        "mode": "live",
        "modeName": "macp.mode.decision.v1",
        "runtimeKind": "scripted",
        "runtimeSessionId": "s-1",
        "sourceKind": None,
        "sourceRef": None,
        "tags": ["a"],
        "lastEventSeq": 7,
        "errorCode": "internal_error",
        "createdAt": "2026-01-31T09:30:00.123Z",
        "startedAt": "2026-01-31T09:30:00.123Z",
        "endedAt": None,
        "archivedAt": None,
        "updatedAt": "2026-01-31T09:30:00.123Z",
    }
