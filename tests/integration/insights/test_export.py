"""GET /runs/{id}/export and /export/stream, POST /runs/batch/export: the rows, all of them, and nobody's secrets.

A05, A07, B17, D03, D13, E03, E05, E20.
"""

import asyncio
from base64 import b64decode
from collections.abc import AsyncIterator
from typing import Any, cast
from uuid import UUID

import orjson
import pytest
from django.db import connection
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.test import AsyncClient
from pytest_django.fixtures import Settings

from insights.bundle import Wanted, open_bundle
from insights.exports import json_export, line_export
from runs.bridge import rows
from runs.domain.projection import empty, fold, public_state
from runs.models import Artifact, LateObservation, Project, Run
from runs.models.identity import uuid7
from runs.queries.events import event_value
from runs.recorder import quarantine, record
from tests.cast import envelope, fresh, queued_message, running_run
from tests.integration.insights import conversations as said
from tests.integration.insights.reader import Exported, read_export
from tests.integration.insights.stored import in_bytes, stored_events, stored_raw
from tests.integration.runs.conftest import append, store_run
from tests.integration.runs.test_observe_run import body, launch, observe_until

pytestmark = pytest.mark.django_db(transaction=True)

BEARER = "canary-5d1f.of/the=agent"
KEY = {"authorization": "Bearer test-key"}
CALLBACK = {"url": "https://agent.example/cancel", "bearer": BEARER}
PATIENCE_SECONDS = 30


@pytest.fixture
def web(settings: Settings) -> AsyncClient:
    """A caller with a key, served asynchronously."""
    settings.AUTH_API_KEYS = ["tester=test-key"]
    return AsyncClient(raise_request_exception=False)


async def answer_at(web: AsyncClient, address: str) -> HttpResponseBase:
    response: HttpResponseBase = await web.get(address, headers=KEY)
    return response


async def text_of(response: HttpResponseBase) -> bytes:
    async with asyncio.timeout(PATIENCE_SECONDS):
        chunks = cast(AsyncIterator[bytes], cast(StreamingHttpResponse, response).streaming_content)
        return b"".join([chunk async for chunk in chunks])


async def got(web: AsyncClient, address: str, status: int = 200) -> Any:
    """The JSON at this address."""
    response = await answer_at(web, address)
    text = await text_of(response) if response.streaming else cast(HttpResponse, response).content
    assert response.status_code == status, text
    return orjson.loads(text)


async def lines_at(web: AsyncClient, address: str) -> Exported:
    response = await answer_at(web, address)
    assert (response.status_code, response["Content-Type"]) == (200, "application/x-ndjson")
    return read_export(await text_of(response))


async def batch(web: AsyncClient, run_ids: object) -> HttpResponseBase:
    response: HttpResponseBase = await web.post(
        "/runs/batch/export", {"runIds": run_ids}, content_type="application/json", headers=KEY
    )
    return response


async def ended_run() -> Run:
    """A scripted decision from launch to ending, with a callback, an artifact and something that came late."""
    session = {**cast("dict[str, object]", body()["session"]), "metadata": {"cancelCallback": CALLBACK, "source": "t"}}
    run_id = await rows(launch, session=session, execution={"tags": ["a"]})
    await observe_until(lambda: Run.objects.get(id=run_id).has_ended)
    return await rows(_with_what_came_late, run_id)


def _with_what_came_late(run_id: UUID) -> Run:
    quarantine(run_id, [envelope("late")])
    Artifact.objects.create(run_id=run_id, kind="json", label="verdict", inline={"password": "hunter2-of-ann", "n": 1})
    return fresh(Run.objects.get(id=run_id))


# --- what is in it


async def test_a_real_run_is_exported_field_by_field_in_every_form_and_read_back_without_loss_b17_e05_e20(
    web: AsyncClient,
) -> None:
    run = await ended_run()
    bundle = await got(web, f"/runs/{run.id}/export?includeRaw=true")
    listed = await got(web, f"/runs/{run.id}/events?limit=5000")
    state = await got(web, f"/runs/{run.id}/state")
    metrics = await got(web, f"/runs/{run.id}/metrics")
    late = (await got(web, f"/runs/{run.id}/late"))["data"]

    # It should be what every other route shows, and what the rows hold.
    assert bundle["canonicalEvents"] == listed
    assert len(listed) == run.last_seq > 10
    assert in_bytes(bundle["rawEvents"]) == await rows(stored_raw, run)
    assert len(bundle["rawEvents"]) == run.last_raw_seq > 5
    assert (bundle["projection"], bundle["metrics"], bundle["lateObservations"]) == (state, metrics, late)
    assert (len(late), bundle["truncated"]) == (1, False)

    for address in (
        f"/runs/{run.id}/export?format=jsonl&includeRaw=1",
        f"/runs/{run.id}/export/stream?includeRaw=true",
    ):
        exported = await lines_at(web, address)
        assert exported.events == await rows(stored_events, run)
        assert (exported.raw, exported.late) == (bundle["rawEvents"], late)
        assert exported.footer == {
            "canonicalEvents": run.last_seq,
            "rawEvents": run.last_raw_seq,
            "lateObservations": 1,
        }
        assert exported.header.pop("exportedAt")
        assert exported.header == {name: bundle[name] for name in exported.header}
        # It should be enough to make the state anew.
        events = [event_value(row) for row in exported.events]
        assert public_state(fold(empty(str(run.id)), events)) == state


async def test_what_the_state_shows_is_the_same_from_get_stream_and_export_b15(web: AsyncClient) -> None:
    run = await rows(said.talked, said.called("alice", 100, 20))
    await rows(queued_message, run)
    await rows(said.resolved, run)
    state = await got(web, f"/runs/{run.id}/state")
    exported = (await got(web, f"/runs/{run.id}/export"))["projection"]
    stream = await text_of(await answer_at(web, f"/runs/{run.id}/stream"))
    _, data = stream.split(b"event: snapshot\ndata: ", 1)
    streamed = orjson.loads(data.partition(b"\n\n")[0])

    assert (state["outboundMessages"]["total"], state["outboundMessages"]["failed"]) == (1, 1)
    assert [call["model"] for call in state["llm"]["calls"]] == ["gpt-4o"]
    assert state == exported == streamed


async def test_the_head_says_what_is_known_of_the_run_and_of_its_session(web: AsyncClient) -> None:
    run = await ended_run()
    bundle = await got(web, f"/runs/{run.id}/export")
    row = await got(web, f"/runs/{run.id}")

    same = ("id", "status", "runtimeKind", "runtimeVersion", "runtimeSessionId", "createdAt", "startedAt", "endedAt")
    assert bundle["run"] == {
        **{name: row[name] for name in (*same, "metadata", "ending")},
        "tags": ["a"],
        "source": {"kind": "t"},
    }
    session = bundle["session"]
    assert session | {"capabilities": {}} == {
        "runId": str(run.id),
        "runtimeKind": "scripted",
        "runtimeSessionId": run.session_id,
        "modeName": run.mode_name,
        "modeVersion": "1.0.0",
        "configurationVersion": "config.default",
        "policyVersion": "policy.default",
        "initiatorParticipantId": "lead",
        "sessionState": "SESSION_STATE_RESOLVED",
        "expiresAt": session["expiresAt"],
        "lastSeenAt": (await rows(stored_raw, run))[-1]["createdAt"],
        "capabilities": {},
        "metadata": {"cancelCallback": {"url": CALLBACK["url"]}, "source": "t"},
        "createdAt": row["createdAt"],
        "updatedAt": row["updatedAt"],
    }
    shown = set(session["capabilities"])
    assert {"sessions", "modeRegistry", "watchSessions", "policyRegistry"} < shown
    assert not [name for name in shown if "_" in name]


async def test_a_run_that_is_bound_to_no_session_has_none(web: AsyncClient) -> None:
    run = await rows(store_run)
    bundle = await got(web, f"/runs/{run.id}/export")

    assert bundle["session"] is None
    assert set(bundle["run"]) == {"id", "status", "runtimeKind", "runtimeSessionId", "createdAt"}
    assert (bundle["canonicalEvents"], bundle["rawEvents"], bundle["artifacts"]) == ([], [], [])


async def test_defaults_are_in_force_and_each_list_can_be_left_out_a05(web: AsyncClient) -> None:
    run = await rows(said.talked, envelope(1))
    plain = await got(web, f"/runs/{run.id}/export")
    neither = await got(web, f"/runs/{run.id}/export?includeCanonical=false")

    assert len(plain["canonicalEvents"]) == run.last_seq
    assert (plain["rawEvents"], "lateObservations" in plain) == ([], False)
    assert (neither["canonicalEvents"], neither["truncated"]) == ([], False)
    assert (await lines_at(web, f"/runs/{run.id}/export/stream")).footer == {
        "canonicalEvents": run.last_seq,
        "rawEvents": 0,
    }


async def test_a_limit_cuts_each_list_and_is_admitted(web: AsyncClient) -> None:
    run = await rows(said.talked, *map(envelope, range(3)))
    cut = await got(web, f"/runs/{run.id}/export?eventLimit=2&includeRaw=true")
    exact = await got(web, f"/runs/{run.id}/export?eventLimit={run.last_seq}")
    exported = await lines_at(web, f"/runs/{run.id}/export?eventLimit=2&format=jsonl&includeRaw=true")

    assert [event["seq"] for event in cut["canonicalEvents"]] == [1, 2]
    assert [one["seq"] for one in cut["rawEvents"]] == [1, 2]
    assert (cut["truncated"], exact["truncated"]) == (True, False)
    footer = {"canonicalEvents": 2, "rawEvents": 2, "lateObservations": 0, "truncated": True}
    assert (exported.footer, len(exported.events), len(exported.raw)) == (footer, 2, 2)


# --- what is not in it


async def test_no_secret_appears_in_any_form_d03_d13(web: AsyncClient) -> None:
    run = await ended_run()
    secret = "sk-canary0123456789abcdef"
    talking = await rows(running_run)
    await rows(record, talking.id, [envelope(1, text=f"my key is {secret}")], epoch=None)
    await rows(record, talking.id, [envelope(1, text=f"again {secret}")], epoch=None)
    for exported in (run, talking):
        for address in (
            "export?includeRaw=true",
            "export?includeRaw=true&format=jsonl",
            "export/stream?includeRaw=true",
        ):
            text = await text_of(await answer_at(web, f"/runs/{exported.id}/{address}"))
            document = text.decode()
            assert "hunter2" not in document
            assert BEARER not in document
            assert "sealed" not in document  # nor as it is stored
            assert secret not in document
            raw = [one for line in text.splitlines() for one in _base64_in(orjson.loads(line))]
            assert raw
            assert not any(secret.encode() in one or BEARER.encode() in one for one in raw)
    assert BEARER not in (await text_of(await batch(web, [str(run.id)]))).decode()
    assert await rows(LateObservation.objects.filter(run_id=talking.id).count) == 1


def _base64_in(document: object) -> list[bytes]:
    """Every payload in it, decoded."""
    if isinstance(document, list):
        return [found for one in document for found in _base64_in(one)]
    if not isinstance(document, dict):
        return []
    found = [b64decode(it) for name, it in document.items() if name in ("payload", "payloadBase64") and type(it) is str]
    return found + [found for one in document.values() for found in _base64_in(one)]


# --- how it is written


async def test_it_is_written_as_it_is_read_and_a_run_that_is_deleted_meanwhile_leaves_no_footer_e03(
    caplog: pytest.LogCaptureFixture,
) -> None:
    run = await rows(store_run)
    await rows(append, run, 1000)
    bundle = await rows(open_bundle, run.project_id, run.id, Wanted())
    chunks = line_export(bundle)
    first = await anext(chunks) + await anext(chunks)
    await rows(_delete, run.id)
    rest = b"".join([chunk async for chunk in chunks])
    exported = read_export(first + rest)

    # It should have read a page by then, and no more.
    assert 0 < len(exported.events) < 1000
    assert exported.footer is None
    assert "cut short" in caplog.text


def _delete(run_id: UUID) -> None:
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE runs_event")
    Run.objects.filter(id=run_id).delete()


async def test_a_page_holds_so_many_bytes_however_large_the_events_are_e03(web: AsyncClient) -> None:
    run = await rows(store_run)
    await rows(append, run, 6, large="x" * 600_000)
    bundle = await rows(open_bundle, run.project_id, run.id, Wanted())
    (events, _) = bundle.parts

    # The second one reaches a mebibyte.
    assert [len(await rows(events.read, done)) for done in (0, 2, 4)] == [2, 2, 2]
    assert len((await lines_at(web, f"/runs/{run.id}/export/stream")).events) == 6


async def test_artifacts_are_read_in_pages_of_so_many_bytes_however_many_there_are_e03(web: AsyncClient) -> None:
    run = await rows(store_run)
    for number in range(5):
        await rows(_add_artifact, run, number, "x" * 600_000)
    bundle = await rows(open_bundle, run.project_id, run.id, Wanted())

    # The second one reaches a mebibyte.
    assert [len(await rows(bundle.artifacts.read, done)) for done in (0, 2, 4)] == [2, 2, 1]
    # It should hold those of the moment it began.
    await rows(_add_artifact, run, 5, "")
    (header, *_) = b"".join([chunk async for chunk in line_export(bundle)]).splitlines()
    document = orjson.loads(b"".join([chunk async for chunk in json_export(bundle)]))
    for artifacts in (orjson.loads(header)["artifacts"], document["artifacts"]):
        assert [one["label"] for one in artifacts] == ["0", "1", "2", "3", "4"]
        assert artifacts[4]["inline"] == {"text": "x" * 600_000}
    assert len((await got(web, f"/runs/{run.id}/export"))["artifacts"]) == 6


def _add_artifact(run: Run, number: int, text: str) -> None:
    Artifact.objects.create(run_id=run.id, kind="json", label=str(number), inline={"text": text})


async def test_what_is_recorded_meanwhile_is_not_in_it() -> None:
    run = await rows(running_run)
    bundle = await rows(open_bundle, run.project_id, run.id, Wanted(raw=True))
    await rows(record, run.id, [envelope(1)], epoch=None)
    exported = read_export(b"".join([chunk async for chunk in line_export(bundle)]))

    assert len(exported.events) == run.last_seq
    assert exported.footer == {"canonicalEvents": run.last_seq, "rawEvents": 0, "lateObservations": 0}


# --- many runs


async def test_many_runs_are_one_array_of_bundles_in_the_order_asked_for(web: AsyncClient) -> None:
    runs = [await rows(said.talked, envelope(1)) for _ in range(3)]
    ids = [str(run.id) for run in reversed(runs)]
    response = await batch(web, [*ids, ids[0]])
    bundles = orjson.loads(await text_of(response))

    assert response.status_code == 201
    assert [bundle["run"]["id"] for bundle in bundles] == ids
    for bundle in bundles:
        single = await got(web, f"/runs/{bundle['run']['id']}/export")
        assert bundle | {"exportedAt": ""} == single | {"exportedAt": ""}


async def test_unknown_runs_of_a_batch_are_named_and_nothing_is_exported(web: AsyncClient) -> None:
    run = await rows(running_run)
    project = await rows(Project.objects.create, name="other", slug="other")
    missing = [str(uuid7()), str((await rows(running_run, project_id=project.id)).id)]
    response = await batch(web, [missing[0], str(run.id), missing[1]])

    assert response.status_code == 404
    document = orjson.loads(cast(HttpResponse, response).content)
    assert (document["errorCode"], document["details"]) == ("RUN_NOT_FOUND", {"missing": missing})


@pytest.mark.parametrize(
    ("run_ids", "path"),
    [([], "runIds"), (["x" * 36] * 201, "runIds"), (None, "runIds"), ([str(uuid7()), "no-id"], "runIds[1]")],
)
async def test_a_batch_has_1_to_200_ids(web: AsyncClient, run_ids: object, path: str) -> None:
    response = await batch(web, run_ids)

    assert response.status_code == 400
    assert orjson.loads(cast(HttpResponse, response).content)["details"]["errors"][0]["path"] == path


# --- what is refused


async def test_unknown_runs_and_bad_queries_are_refused_before_the_first_byte(web: AsyncClient) -> None:
    run = await rows(running_run)
    for route in ("export", "export/stream"):
        assert (await got(web, f"/runs/{uuid7()}/{route}", 404))["errorCode"] == "RUN_NOT_FOUND"
        assert (await got(web, f"/runs/batch/{route}", 405 if route == "export" else 400))["errorCode"]
        assert (await got(web, f"/runs/{run.id}/{route}?includeRaw=maybe", 400))["errorCode"] == "VALIDATION_ERROR"
    faults = await got(web, f"/runs/{run.id}/export?eventLimit=50001&format=xml&includeCanonical=2", 400)
    assert [fault["path"] for fault in faults["details"]["errors"]] == ["eventLimit", "format", "includeCanonical"]


async def test_a_run_of_another_project_is_not_found(web: AsyncClient) -> None:
    project = await rows(Project.objects.create, name="other", slug="other")
    run = await rows(running_run, project_id=project.id)

    assert (await got(web, f"/runs/{run.id}/export", 404))["errorCode"] == "RUN_NOT_FOUND"
