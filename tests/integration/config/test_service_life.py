"""A server that tells of its start and its end has what it counted handed over, too."""

from collections.abc import MutableMapping
from typing import Any

import pytest

from config import service_life
from config.service_life import ServiceLife
from runs.bridge import rows
from runs.metrics import RUN_TRANSITIONS
from runs.models import Metric
from runs.reporter import Reporter
from tests.figures import begin_anew

pytestmark = pytest.mark.django_db(transaction=True)

Message = MutableMapping[str, Any]


async def test_the_life_of_the_server_is_the_life_of_the_reporter(monkeypatch: pytest.MonkeyPatch) -> None:
    begin_anew()
    monkeypatch.setattr(service_life, "reporter", Reporter())
    looked: list[str] = []
    monkeypatch.setattr(service_life, "collect_seldom", lambda: looked.append("seldom"))
    told: list[Message] = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]
    sent: list[str] = []

    async def receive() -> Message:
        if len(told) == 1:
            RUN_TRANSITIONS.add("queued")
        return told.pop(0)

    async def send(message: Message) -> None:
        sent.append(message["type"])

    async def application(*_: object) -> None:
        raise AssertionError("it is not asked")

    await ServiceLife(application)({"type": "lifespan"}, receive, send)
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert await rows(lambda: Metric.objects.get().value) == 1.0
    assert looked == ["seldom"]


async def test_everything_else_is_the_applications() -> None:
    asked: list[str] = []

    async def application(scope: Message, *_: object) -> None:
        asked.append(scope["type"])

    async def nothing(*_: object) -> Any:
        raise AssertionError("nothing is said")

    for kind in ("http", "websocket"):
        await ServiceLife(application)({"type": kind}, nothing, nothing)
    assert asked == ["http", "websocket"]
