"""Routes as the document names them, and what they answer."""

import asyncio
import re
from typing import Any

from tests.routes import Route


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
