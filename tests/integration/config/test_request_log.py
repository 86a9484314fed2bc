"""Every line that is logged while a request is served names the request, whichever thread serves it."""

import logging
from collections.abc import Iterator

import orjson
import pytest
from asgiref.sync import async_to_sync
from django.test import AsyncClient, Client

from config.logs import JsonLines
from tests.integration.config.conftest import KEY

pytestmark = pytest.mark.django_db

CALLER = {"Authorization": f"Bearer {KEY}", "X-Request-Id": "req-9"}


class Lines(logging.Handler):
    """Formats at once, as on a real stream: what the line names must be known by then."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(JsonLines("web"))
        self.facts: list[dict[str, str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.facts.append(orjson.loads(self.format(record)))


@pytest.fixture
def lines() -> Iterator[Lines]:
    lines, root = Lines(), logging.getLogger()
    level = root.level
    root.addHandler(lines)
    root.setLevel(logging.DEBUG)
    yield lines
    root.removeHandler(lines)
    root.setLevel(level)


FAILING = ["/fail", "/fail/database", "/plain/anything", "/plain/database"]


@pytest.mark.parametrize("path", FAILING)
def test_lines_of_a_request_name_it(path: str, lines: Lines) -> None:
    Client(raise_request_exception=False).get(path, headers=CALLER)
    assert {facts.get("requestId") for facts in lines.facts} == {"req-9"}


@pytest.mark.parametrize("path", [*FAILING, "/runs/00000000-0000-7000-8000-00000000000f/stream"])
def test_lines_of_a_request_to_an_asynchronous_server_name_it(path: str, lines: Lines) -> None:
    async_to_sync(AsyncClient(raise_request_exception=False).get)(path, headers=CALLER)
    named = [facts for facts in lines.facts if facts["logger"] not in {"asyncio"}]
    assert named or path.endswith("stream")
    assert {facts.get("requestId") for facts in named} <= {"req-9"}
