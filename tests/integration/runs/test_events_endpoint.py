"""GET /runs/{id}/events and /state: both forms, the one shape of an event, and the fold (E04, E05)."""

from itertools import pairwise

import orjson
import pytest
from django.test import Client

from runs.domain.events import Draft
from runs.models import Projection, Run
from runs.queries import iterate_events
from runs.recorder import record
from tests.bodies import Body
from tests.cast import envelope, fresh, running_run
from tests.invariants import assert_invariants

pytestmark = pytest.mark.django_db

FLAT = {"subjectKind", "subjectId", "sourceKind", "sourceName", "rawType", "traceId", "spanId", "parentSpanId"}
ALWAYS = FLAT | {"id", "runId", "seq", "ts", "type", "schemaVersion", "source", "data", "createdAt"}


@pytest.fixture
def talking_run() -> Run:
    """A running run with messages in its log."""
    run = running_run(trace_id="4bf92f3577b34da6a3ce929d0e0e4736")
    record(run.id, [envelope(number) for number in range(3)], epoch=0)
    return fresh(run)


def events(caller: Client, run: Run, **query: str | int) -> list[Body]:
    response = caller.get(f"/runs/{run.id}/events", query)
    assert response.status_code == 200, response.content
    array: list[Body] = response.json()
    return array


def page(caller: Client, run: Run, **query: str | int) -> Body:
    body: Body = caller.get(f"/runs/{run.id}/events", query).json()
    return body


def test_without_a_filter_the_answer_is_a_bare_array_in_order_a04(caller: Client, talking_run: Run) -> None:
    array = events(caller, talking_run)

    assert [event["seq"] for event in array] == list(range(1, talking_run.last_seq + 1))
    assert events(caller, talking_run, afterSeq=talking_run.last_seq) == []
    assert [event["seq"] for event in events(caller, talking_run, afterSeq=2, limit=2)] == [3, 4]


def test_an_event_of_the_runtime_has_the_documented_shape_e05(caller: Client, talking_run: Run) -> None:
    (event,) = [one for one in events(caller, talking_run) if one["subjectId"] == "m-1"]

    assert set(event) == ALWAYS | {"subject", "trace"}
    assert event["subject"] == {"kind": "message", "id": "m-1"}
    assert event["source"] == {"kind": "runtime", "name": "scripted-runtime", "rawType": "Note", "rawSeq": 2}
    assert event["trace"] == {"traceId": talking_run.trace_id}
    assert (event["schemaVersion"], event["spanId"], event["data"]["sender"]) == (3, None, "alice")
    assert event["ts"].endswith("Z")
    assert len(event["ts"]) == len(event["createdAt"]) == 24


def test_what_an_event_lacks_is_null_in_the_flat_members_and_absent_elsewhere(caller: Client) -> None:
    run = running_run()
    record(run.id, [Draft(type="participant.seen", data={"participantId": "zoe"})], epoch=0)
    event = events(caller, run)[-1]

    assert set(event) == ALWAYS
    assert set(event["source"]) == {"kind", "name"}
    assert [event[name] for name in ("subjectKind", "subjectId", "rawType", "traceId")] == [None] * 4


def test_data_is_served_as_it_is_stored(caller: Client) -> None:
    run = running_run()
    data: Body = {"participantId": "z", "number": 1.0, "big": 2**60, "text": "é\u2028𝄞"}
    record(run.id, [Draft(type="participant.seen", data=data)], epoch=0)

    assert orjson.dumps(data, option=orjson.OPT_SORT_KEYS) in caller.get(f"/runs/{run.id}/events").content


def test_a_filter_makes_it_a_page_that_counts_all_matches(caller: Client, talking_run: Run) -> None:
    first = page(caller, talking_run, type="message.received, run.created", limit=2)
    rest = page(caller, talking_run, type="message.received,run.created", limit=2, afterSeq=first["nextCursor"])

    assert (first["total"], first["limit"], rest["total"]) == (4, 2, 4)
    assert first["nextCursor"] == first["data"][-1]["seq"]
    assert "nextCursor" not in rest, "it should be there only if more follow"
    types = [event["type"] for event in [*first["data"], *rest["data"]]]
    assert types == ["run.created", *["message.received"] * 3]


def test_times_filter_from_and_before(caller: Client, talking_run: Run) -> None:
    array = events(caller, talking_run)
    last = array[-1]["ts"]
    of_last = [event["seq"] for event in array if event["ts"] == last]

    assert [event["seq"] for event in page(caller, talking_run, afterTs=last)["data"]] == of_last
    before = page(caller, talking_run, beforeTs=last)
    assert [event["seq"] for event in before["data"]] == [event["seq"] for event in array if event["ts"] < last]
    assert page(caller, talking_run, afterTs="2999-01-01T00:00:00Z") == {"data": [], "total": 0, "limit": 200}


def test_paging_reaches_every_event_once(caller: Client, talking_run: Run) -> None:
    seen, after = [], 0
    while batch := events(caller, talking_run, afterSeq=after, limit=3):
        seen += [event["seq"] for event in batch]
        after = seen[-1]

    assert all(later == earlier + 1 for earlier, later in pairwise(seen))
    assert len(seen) == talking_run.last_seq


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("afterSeq", "-1"),
        ("afterSeq", "x"),
        ("afterSeq", str(2**63)),
        ("limit", "0"),
        ("limit", "5001"),
        ("afterTs", "now"),
        ("beforeTs", "2026-01-01"),
        ("type", "a\0"),
    ],
)
def test_a_bad_query_value_is_400_with_its_name_e04(caller: Client, talking_run: Run, name: str, value: str) -> None:
    response = caller.get(f"/runs/{talking_run.id}/events", {name: value})

    assert response.status_code == 400
    assert [fault["path"] for fault in response.json()["details"]["errors"]] == [name]


def test_an_event_reads_back_as_the_value_it_was_written_from(caller: Client) -> None:
    run = running_run()
    recorded = record(run.id, [envelope(1)], epoch=0)

    assert tuple(iterate_events(run.id))[-len(recorded.events) :] == recorded.events
    assert [event.seq for event in iterate_events(run.id, up_to=2)] == [1, 2]


def test_the_state_is_the_stored_projection(caller: Client, talking_run: Run) -> None:
    response = caller.get(f"/runs/{talking_run.id}/state")

    assert response.content == talking_run.projection.state.encode()
    assert response.json()["timeline"]["latestSeq"] == talking_run.last_seq
    assert_invariants()


def test_a_state_of_an_older_schema_is_folded_anew(caller: Client, talking_run: Run) -> None:
    Projection.objects.filter(run=talking_run).update(state='{"old": true}', schema_version=1)

    assert caller.get(f"/runs/{talking_run.id}/state").content == talking_run.projection.state.encode()
