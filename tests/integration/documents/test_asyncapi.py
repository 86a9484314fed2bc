"""docs/asyncapi.json: valid, and of every stream there is, in the forms in which it is sent."""

from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import orjson
from django.test import Client

from config.documents.channels import CHANNELS, CLOSE_CODES
from runs.api.schemas.frames import FRAMES
from runs.api.schemas.shapes import Schema, ref
from runs.streaming import consumers
from runs.streaming.routing import websocket_urlpatterns
from tests import scenarios
from tests.documents import DOCS, document, faults_of
from tests.integration.documents.answers import COMMITTED, documented, whole
from tests.integration.documents.scene import told
from tests.routes import calls

META = DOCS.parent / "tests" / "asyncapi_schema" / "3.0.0.json"


def test_it_is_a_document_of_asyncapi_3() -> None:
    judge = jsonschema_rs.Draft7Validator(orjson.loads(META.read_bytes()))
    assert [fault.message[:300] for fault in judge.iter_errors(document("asyncapi"))] == []


def test_every_reference_leads_somewhere() -> None:
    for target in references(document("asyncapi")):
        found: Any = document("asyncapi")
        for step in target.removeprefix("#/").split("/"):
            found = found[step.replace("~1", "/")]


def references(value: object) -> list[str]:
    if isinstance(value, dict):
        own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return own + [target for inner in value.values() for target in references(inner)]
    return [target for inner in value for target in references(inner)] if isinstance(value, list) else []


def test_it_has_every_stream_there_is() -> None:
    streams = {documented(call.route) for call in calls() if not call.route.has_handlers}
    sockets = {"/" + str(one.pattern).replace("<str:run_id>", "{run_id}") for one in websocket_urlpatterns[:-1]}
    assert {channel.address for channel in CHANNELS if channel.address} == streams | sockets


def test_the_close_codes_are_those_that_are_sent() -> None:
    sent = {*consumers.REFUSALS.values(), consumers.ENDED, consumers.RESTARTS, consumers.FAILED, consumers.TOO_MANY}
    assert sent <= set(CLOSE_CODES)


def test_both_documents_mean_the_same_by_a_name() -> None:
    mine, theirs = (document(one)["components"]["schemas"] for one in ("asyncapi", "openapi"))
    shared = mine.keys() & theirs.keys()
    assert shared >= {"Event", "Projection", "RunStatus"}
    assert {name: mine[name] for name in shared} == {name: theirs[name] for name in shared}


@COMMITTED
def test_every_frame_of_a_stream_is_as_described(insider: Client) -> None:
    for story in scenarios.ALL.values():
        run = told(story)
        for way in ("stream?afterSeq=0", "replay/stream?mode=instant"):
            frames = list(sent(insider, f"/runs/{run.id}/{way}"))
            assert frames[-1][0] == "end"
            for name, data in frames:
                assert faults_in(FRAMES[name], data) == [], name
        for _, data in sent(insider, f"/runs/{run.id}/agui"):
            assert faults_in(ref("AguiEvent"), data) == []


def sent(insider: Client, address: str) -> Iterator[tuple[str, bytes]]:
    """Name and data of each frame of an event stream."""
    for block in whole(insider.get(address)).decode().split("\n\n"):
        fields = dict(line.partition(": ")[::2] for line in block.splitlines())
        if "data" in fields:
            yield fields.get("event", "message"), fields["data"].encode()


def faults_in(schema: Schema, data: bytes) -> list[str]:
    return faults_of(str(schema["$ref"]).rpartition("/")[2], orjson.loads(data))
