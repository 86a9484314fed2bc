"""Where something is sent, and which messages: one table for the AsyncAPI document."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from config.documents.plain import AFTER_SEQ, LIVE, PACE, REPLAYED, parameter
from runs.api.schemas.frames import FRAMES, LIST_FRAMES, socket_message
from runs.api.schemas.shapes import TEXT, Schema, ref, shape, word
from runs.domain.lifecycle import RunStatus

NO = {"type": "boolean", "default": False}
LISTED = (
    parameter("status", word(RunStatus)),
    parameter("tags", TEXT),
    parameter("modeName", TEXT),
    parameter("includeSandbox", NO),
    parameter("includeArchived", NO),
    parameter("limit", {"type": "integer", "minimum": 1, "maximum": 200, "default": 50}),
    parameter("includeTotal", {"type": "boolean", "default": True}),
)
CLOSE_CODES = {
    1000: "ended, after `end`; or the cursor stands at or past the ending",
    1011: "internal error",
    1012: "server restarts; reconnect with the cursor",
    4400: "bad query",
    4401: "not authenticated",
    4403: "origin or scope",
    4404: "unknown run",
    4408: "reader too slow; reconnect with the cursor",
    4409: "cursor ahead",
    4429: "rate limited",
}
SIGNED = {
    "webhook-id": "msg_ and the id of the delivery, the same on every attempt",
    "webhook-timestamp": "unix seconds of the attempt",
    "webhook-attempt": "the number of the attempt",
    "webhook-signature": "v1, and the HMAC-SHA256 of id, timestamp and body in base64; one more while a former secret holds",
    "X-MACP-Event": "the type of the event",
    "X-MACP-Signature": "the HMAC-SHA256 of the body in hexadecimal",
}

_ORDER = (
    "A snapshot comes first, then the events after the cursor in order of `seq`, without gap or repeat; a later snapshot "
    "comes when its events were sent; `end` is last. Without `end` or `error` the client may come back with the last `seq`."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One address from which messages come; without a server it is the receiver's own."""

    name: str
    title: str
    address: str | None
    server: str
    messages: Mapping[str, Schema]
    description: str = _ORDER
    query: Sequence[Mapping[str, Any]] = ()
    headers: Schema | None = None
    close_codes: Mapping[int, str] = field(default_factory=dict)


def _in_messages(frames: Mapping[str, Schema]) -> dict[str, Schema]:
    return {name: socket_message(name, data) for name, data in frames.items()}


CHANNELS = (
    Channel(
        name="runStream",
        title="A run, live, as server-sent events.",
        address="/runs/{run_id}/stream",
        server="http",
        messages=FRAMES,
        query=LIVE,
    ),
    Channel(
        name="runSocket",
        title="A run, live, on a WebSocket.",
        address="/ws/runs/{run_id}",
        server="ws",
        messages=_in_messages(FRAMES),
        query=LIVE,
        close_codes=CLOSE_CODES,
    ),
    Channel(
        name="runsSocket",
        title="Summaries of runs as they change, on a WebSocket.",
        description="A list first, then each run that changes. A hint, no log: after a reconnect the list is the truth.",
        address="/ws/runs",
        server="ws",
        messages=_in_messages(LIST_FRAMES),
        query=LISTED,
        close_codes=CLOSE_CODES,
    ),
    Channel(
        name="replayStream",
        title="A run, shown again, as server-sent events.",
        description="The events of the range at the wanted pace, then `end`; its `code` is there only if the run has ended.",
        address="/runs/{run_id}/replay/stream",
        server="http",
        messages={name: schema for name, schema in FRAMES.items() if name != "snapshot"},
        query=REPLAYED,
    ),
    Channel(
        name="aguiStream",
        title="A run, live, as AG-UI events.",
        description="Our own binding of AG-UI 1.0: a GET that can be taken up again. See docs/agui.md.",
        address="/runs/{run_id}/agui",
        server="http",
        messages={"event": ref("AguiEvent")},
        query=(AFTER_SEQ, *PACE),
    ),
    Channel(
        name="webhook",
        title="An event of a run, sent to who subscribed to it.",
        description="A signed POST to the address of the subscriber, at least once, always under the same webhook-id.",
        address=None,
        server="",
        messages={"event": ref("WebhookEvent"), "test": ref("WebhookTest")},
        headers=shape({name: {**TEXT, "description": what} for name, what in SIGNED.items()}),
    ),
)
