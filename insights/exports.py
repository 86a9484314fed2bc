"""Exports as text, in pieces: the next page is read when whoever receives them has room for it."""

import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from uuid import UUID

import orjson
from django.db import InterfaceError, OperationalError

from insights.bundle import Bundle, Part, Wanted, open_bundle
from runs import bridge
from runs.domain.events import JsonObject
from runs.errors import ControlPlaneError

MOST_AT_ONCE = (
    64 << 10
)  # bytes: a reader is given its time for each piece, so that a slow one gets through a large page
EVENTS_OF_EACH = 10_000  # of a bundle in an array, as of a single one whose caller names no limit

log = logging.getLogger("signalbox.insights")

Shape = Callable[[JsonObject], JsonObject]


class RunGone(ControlPlaneError):
    """The run was deleted while it was exported."""


def json_export(bundle: Bundle) -> AsyncGenerator[bytes]:
    """The bundle as one JSON object."""
    return _in_pieces(_cut_short(_as_json(bundle)))


def line_export(bundle: Bundle) -> AsyncGenerator[bytes]:
    """The bundle as JSON lines: a header, a line for each entry, and a footer. Without the footer something is missing."""
    return _in_pieces(_cut_short(_as_lines(bundle)))


def array_export(project_id: UUID, run_ids: Sequence[UUID]) -> AsyncGenerator[bytes]:
    """These runs as one JSON array of bundles, each with its canonical events, opened when its turn comes."""
    return _in_pieces(_cut_short(_as_array(project_id, run_ids)))


async def _as_json(bundle: Bundle) -> AsyncGenerator[bytes]:
    async for chunk in _head(bundle, orjson.dumps(bundle.head)):
        yield chunk
    for part in bundle.parts:
        separator = f',"{part.name}":['.encode()
        if not part.count:
            yield separator
        async for page in _pages(part, _as_it_is):
            yield separator + b",".join(page)
            separator = b","
        yield b"]"
    yield b"," + orjson.dumps({"truncated": bundle.truncated, "exportedAt": bundle.exported_at})[1:]


async def _as_lines(bundle: Bundle) -> AsyncGenerator[bytes]:
    header = orjson.dumps({"type": "header", **bundle.head, "exportedAt": bundle.exported_at})
    async for chunk in _head(bundle, header, end=b"}\n"):
        yield chunk
    for part in bundle.parts:
        async for page in _pages(part, _line_of(part)):
            yield b"\n".join([*page, b""])
    footer: JsonObject = {"type": "footer", **{part.name: part.count for part in bundle.parts}}
    if bundle.truncated:
        footer["truncated"] = True
    yield orjson.dumps(footer) + b"\n"


async def _as_array(project_id: UUID, run_ids: Sequence[UUID]) -> AsyncGenerator[bytes]:
    separator = b"["
    for run_id in run_ids:
        bundle = await bridge.rows(open_bundle, project_id, run_id, Wanted(limit=EVENTS_OF_EACH))
        yield separator
        async for chunk in _as_json(bundle):
            yield chunk
        separator = b","
    yield b"]"


async def _head(bundle: Bundle, head: bytes, *, end: bytes = b"") -> AsyncGenerator[bytes]:
    """The head with its artifacts, which are read as they are written; the object is still open before `end`."""
    part = bundle.artifacts
    opened = head[:-1] + f',"{part.name}":['.encode()
    async for page in _pages(part, _as_it_is):
        yield opened + b",".join(page)
        opened = b","
    yield (b"]" if part.count else opened + b"]") + end


async def _pages(part: Part, shape: Shape) -> AsyncIterator[list[bytes]]:
    """The entries of the part as JSON, a page at a time. Raises RunGone where fewer are left than there were."""
    done = 0
    while done < part.count:
        page = await bridge.rows(_read, part, done, shape)
        if not page:
            raise RunGone
        done += len(page)
        yield page


def _read(part: Part, done: int, shape: Shape) -> list[bytes]:
    # On the thread that reads: writing a page takes longer than reading it, and the loop has others to serve.
    return [orjson.dumps(shape(document)) for document in part.read(done)[: part.count - done]]


def _as_it_is(document: JsonObject) -> JsonObject:
    return document


def _line_of(part: Part) -> Shape:
    def line(document: JsonObject) -> JsonObject:
        # An event has a type of its own already.
        own = {"eventType": document["type"]} if "type" in document else {}
        return {"type": part.line_type, **own, **{name: it for name, it in document.items() if name != "type"}}

    return line


async def _cut_short(chunks: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    """The chunks; where they fail, they end: an answer that has begun can say it only by what is missing at its end."""
    try:
        async for chunk in chunks:
            yield chunk
    except (ControlPlaneError, OperationalError, InterfaceError) as error:
        log.warning("an export was cut short: %s", error)
    except Exception:
        log.exception("an export was cut short")


async def _in_pieces(chunks: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    async for chunk in chunks:
        for start in range(0, len(chunk), MOST_AT_ONCE):
            yield chunk[start : start + MOST_AT_ONCE]
