"""GET /events: events across runs, in order of time; and of one run, in order of their numbers (E04, E05, E08, E09)."""

import base64
from itertools import pairwise
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test import Client

from runs.api.cursor import cursor_of
from runs.models import Event, Run
from runs.models.identity import uuid7
from runs.queries import Position, feed
from runs.recorder import record
from tests.bodies import Body, short_body
from tests.caller import Post
from tests.cast import envelope, fresh, queued_run, running_run
from tests.integration.runs.conftest import append, store_run
from tests.keys import stored_key

pytestmark = pytest.mark.django_db

Place = tuple[str, str, int]

AT_ONE_MOMENT = """
INSERT INTO runs_event (id, run_id, project_id, seq, ts, created_at, type, source_kind, source_name, lease_epoch, data)
SELECT gen_random_uuid(), %s, project_id, seq, '2026-01-31T09:30:00Z', now(), 'message.received', 'runtime', 'r', 0, '{}'
FROM runs_run, generate_series(1, 3) AS seq WHERE runs_run.id = %s
"""


def page(caller: Client, **query: str | int) -> Body:
    response = caller.get("/events", query)
    assert response.status_code == 200, response.content
    body: Body = response.json()
    return body


def pages(caller: Client, **query: str | int) -> list[Body]:
    """All pages there are, each asked for with the cursor of the one before it."""
    found = [page(caller, **query)]
    cursors: set[object] = set()
    while "nextCursor" in found[-1]:
        cursor = found[-1]["nextCursor"]
        assert cursor not in cursors, "the pages should come to an end"
        cursors.add(cursor)
        found.append(page(caller, **query, cursor=cursor))
    return found


def places(events: list[Body]) -> list[Place]:
    return [(event["ts"], event["runId"], event["seq"]) for event in events]


def refused(caller: Client, **query: str | int) -> tuple[int, str, list[str]]:
    response = caller.get("/events", query)
    faults = response.json().get("details", {}).get("errors", [])
    return response.status_code, response.json()["errorCode"], [fault["path"] for fault in faults]


@pytest.fixture
def three_runs() -> list[Run]:
    """Three runs that talk by turns, eighteen events in all."""
    runs = [running_run() for _ in range(3)]
    for number in range(2):
        for run in runs:
            record(run.id, [envelope(number)], epoch=None)
    return [fresh(run) for run in runs]


def test_bare_it_answers_all_events_in_order_of_time_a04(caller: Client, three_runs: list[Run]) -> None:
    body = page(caller)

    assert (set(body), body["limit"]) == ({"data", "total", "limit"}, 500)
    assert body["total"] == len(body["data"]) == Event.objects.count()
    assert places(body["data"]) == sorted(places(body["data"]))


def test_an_event_has_the_one_shape_e05(caller: Client, three_runs: list[Run]) -> None:
    body = page(caller)
    for run in three_runs:
        of_run = [event for event in body["data"] if event["runId"] == str(run.id)]
        assert of_run == caller.get(f"/runs/{run.id}/events").json()


def test_an_empty_project_has_an_empty_feed(caller: Client) -> None:
    assert page(caller) == {"data": [], "total": 0, "limit": 500}


@pytest.mark.parametrize("limit", [1, 4, 17, 18])
def test_pages_join_without_a_gap_or_a_repeat_e08(caller: Client, three_runs: list[Run], limit: int) -> None:
    whole = page(caller)["data"]
    found = pages(caller, limit=limit)

    assert [event for one in found for event in one["data"]] == whole
    assert {one["total"] for one in found} == {len(whole)}
    assert all(len(one["data"]) == limit for one in found[:-1])


@pytest.mark.handmade_rows("events of many runs at one moment, without runs that tell of them")
def test_events_of_one_moment_are_ordered_by_run_and_number_e08(caller: Client) -> None:
    run_ids = [store_run().id for _ in range(3)]
    with connection.cursor() as cursor:
        for run_id in reversed(run_ids):
            cursor.execute(AT_ONE_MOMENT, [run_id, run_id])

    found = [event for one in pages(caller, limit=2) for event in one["data"]]
    assert [(event["runId"], event["seq"]) for event in found] == [
        (str(run_id), seq) for run_id in sorted(run_ids, key=str) for seq in (1, 2, 3)
    ]


def test_types_filter_and_total_counts_under_them_e09(caller: Client, three_runs: list[Run]) -> None:
    body = page(caller, type="message.received, run.created", limit=2)
    assert body["total"] == Event.objects.filter(type__in=["message.received", "run.created"]).count() == 9
    found = [
        event["type"] for one in pages(caller, type="message.received, run.created", limit=2) for event in one["data"]
    ]
    assert sorted(set(found)) == ["message.received", "run.created"]
    assert len(found) == 9


def test_times_filter_from_one_on_and_before_another(caller: Client, three_runs: list[Run]) -> None:
    times = sorted({event["ts"] for event in page(caller)["data"]})
    first, last = times[1], times[-2]
    body = page(caller, afterTs=first, beforeTs=last)

    shown = [event["ts"] for event in body["data"]]
    assert (min(shown), max(shown) < last) == (first, True)
    assert body["total"] == len(shown)


def test_numbers_filter_within_each_run(caller: Client, three_runs: list[Run]) -> None:
    body = page(caller, afterSeq=4)
    assert {event["seq"] for event in body["data"]} == {5, 6, 7} - ({7} if three_runs[0].last_seq < 7 else set())
    assert body["total"] == len(body["data"]) == sum(run.last_seq - 4 for run in three_runs)


def test_a_scenario_filters_by_what_its_run_was_made_of_a15(caller: Client, post_run: Post) -> None:
    def posted(**metadata: str) -> str:
        body = short_body()
        body["session"]["metadata"] = metadata
        return str(post_run(body)["runId"])

    staged, sourced, _ = posted(scenarioRef="Pack/One@1"), posted(sourceRef="pack/one"), posted(sourceRef="pack/two")
    body = page(caller, scenarioRef="pack/one")
    assert {event["runId"] for event in body["data"]} == {staged, sourced}
    assert body["total"] == len(body["data"])
    assert page(caller, scenarioRef="pack/one", runId=sourced)["total"] == 1
    assert page(caller, scenarioRef="pack/two", runId=sourced) == {"data": [], "total": 0, "limit": 500}


def test_sandbox_and_archived_runs_are_runs_too(caller: Client) -> None:
    run = store_run()  # in a sandbox
    append(run)
    caller.generic("POST", f"/runs/{run.id}/archive")
    assert page(caller)["total"] == 1


def test_more_than_anybody_counts_says_so(
    caller: Client, three_runs: list[Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "COUNTED_TO", 5)
    assert {(one["total"], one["totalCapped"]) for one in pages(caller, limit=4)} == {(5, True)}
    monkeypatch.setattr(feed, "COUNTED_TO", Event.objects.count())
    assert "totalCapped" not in page(caller)


def test_one_run_is_read_by_its_numbers(caller: Client, three_runs: list[Run]) -> None:
    run = three_runs[1]
    first = page(caller, runId=str(run.id), limit=4)
    assert [event["seq"] for event in first["data"]] == [1, 2, 3, 4]
    assert (first["nextCursor"], first["total"]) == (4, run.last_seq)
    second = page(caller, runId=str(run.id), limit=4, afterSeq=first["nextCursor"])
    assert [event["seq"] for event in second["data"]] == list(range(5, run.last_seq + 1))
    assert (second["total"], "nextCursor" in second) == (run.last_seq, False)
    assert page(caller, runId=str(run.id), type="run.created")["total"] == 1


def test_a_run_nobody_knows_and_one_of_another_project_are_not_found(caller: Client, client: Client) -> None:
    run, key = queued_run(), stored_key(project_id=uuid7())
    assert refused(caller, runId=str(uuid4())) == (404, "RUN_NOT_FOUND", [])
    stranger = client.get("/events", {"runId": str(run.id)}, headers={"authorization": key.header})
    assert (stranger.status_code, stranger.json()["errorCode"]) == (404, "RUN_NOT_FOUND")


def test_nothing_of_another_project_is_shown_or_counted(caller: Client, client: Client, three_runs: list[Run]) -> None:
    key = stored_key(project_id=uuid7())
    other = client.get("/events", headers={"authorization": key.header}).json()
    assert (other["data"], other["total"]) == ([], 0)


def test_who_may_not_read_runs_may_not_read_events_d05(client: Client) -> None:
    assert client.get("/events").status_code == 401
    missing = client.get("/events", headers={"authorization": stored_key("runs:write", "admin:read").header})
    assert (missing.status_code, missing.json()["details"]) == (403, {"scope": "runs:read"})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("limit", value) for value in ("0", "5001", "ten", "-1")),
        *(("afterSeq", value) for value in ("-1", "x", "9223372036854775808")),
        *(("afterTs", value) for value in ("yesterday", "2026-01-31T09:30:00")),
        *(("beforeTs", value) for value in ("1", "2026-13-01T00:00:00Z")),
        *(("runId", value) for value in ("1", "none")),
        *(("cursor", value) for value in ("1", "x", "AAAA", "=", "é", "A" * 44)),
    ],
)
def test_a_bad_value_is_refused_with_its_name_e04(caller: Client, name: str, value: str) -> None:
    assert refused(caller, **{name: value}) == (400, "VALIDATION_ERROR", [name])


def test_a_cursor_is_not_for_one_run(caller: Client, three_runs: list[Run]) -> None:
    cursor = page(caller, limit=1)["nextCursor"]
    assert refused(caller, runId=str(three_runs[0].id), cursor=cursor) == (400, "VALIDATION_ERROR", ["cursor"])


def test_a_cursor_of_another_form_is_refused(caller: Client, three_runs: list[Run]) -> None:
    cursor = page(caller, limit=1)["nextCursor"]
    packed = base64.urlsafe_b64decode(cursor)
    assert page(caller, cursor=cursor)["data"], "as it was told it should be taken"
    for bad in (b"\x02" + packed[1:], packed[:-1], packed + b"\x00", packed[:1] + b"\x7f" * 8 + packed[9:]):
        assert refused(caller, cursor=base64.urlsafe_b64encode(bad).decode())[2] == ["cursor"]


def test_a_cursor_holds_whatever_it_is_asked_with(caller: Client, three_runs: list[Run]) -> None:
    whole = page(caller)["data"]
    behind = page(caller, limit=7)["nextCursor"]
    assert page(caller, cursor=behind, type="message.received")["data"] == [
        event for event in whole[7:] if event["type"] == "message.received"
    ]


def test_a_cursor_may_stand_where_no_event_is(caller: Client, three_runs: list[Run]) -> None:
    last = Event.objects.order_by("-ts", "-run_id", "-seq").values_list("ts", "run_id", "seq").first()
    assert last is not None
    beyond = cursor_of(Position(last[0], UUID(int=2**128 - 1), 1))
    assert page(caller, cursor=beyond)["data"] == []


def test_what_nobody_asked_for_is_ignored(caller: Client, three_runs: list[Run]) -> None:
    assert page(caller, colour="red", cursor="", runId="")["total"] == Event.objects.count()


def test_the_places_of_pages_grow(caller: Client, three_runs: list[Run]) -> None:
    found: list[Any] = [place for one in pages(caller, limit=5) for place in places(one["data"])]
    assert all(earlier < later for earlier, later in pairwise(found))
