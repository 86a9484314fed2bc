"""Routes as the document names them, and what they answer."""

import asyncio
import re
from collections.abc import Sequence
from typing import Any

import pytest

from tests.routes import Call, Route

COMMITTED = pytest.mark.django_db(transaction=True)  # for what is read or done on other threads


def documented(route: Route) -> str:
    """Its address as the document has it."""
    return "/" + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", route.path)


def whole(response: Any) -> bytes:
    """The body, however it is written."""
    if not response.streaming:
        return bytes(response.content)

    async def gathered() -> bytes:
        return b"".join([chunk async for chunk in response.streaming_content])

    return asyncio.run(gathered())


def each(found: Sequence[Call]) -> list[Any]:
    """Parameters of a test, one for each call."""
    return [
        pytest.param(call, id=str(call), marks=COMMITTED if _needs_rows(call) else pytest.mark.django_db)
        for call in found
    ]


def _needs_rows(call: Call) -> bool:
    return not call.route.has_handlers or "batch" in call.route.path or "export" in call.route.path
