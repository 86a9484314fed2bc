"""docs/asyncapi.json: what is sent without being asked for each time, by event streams, WebSockets and webhooks."""

from collections.abc import Iterable, Mapping
from typing import Any

from config.documents.channels import CHANNELS, Channel
from config.documents.operation import KEY, SESSION, TICKET
from config.documents.schemas import schemas_of
from runs.api.schemas.shapes import Schema, shape
from runs.version import VERSION

INFO = {
    "title": "Signalbox streams",
    "version": VERSION,
    "description": "Live streams of the control plane; requests and answers are in docs/openapi.json.",
}
SERVERS = {
    "http": {"host": "localhost:3001", "protocol": "http", "description": "Streams of server-sent events."},
    "ws": {"host": "localhost:3001", "protocol": "ws", "description": "WebSockets."},
}
SECURITY: dict[str, Schema] = {
    KEY: {"type": "http", "scheme": "bearer", "description": "An API key with the scope runs:read."},
    SESSION: {"type": "httpApiKey", "in": "cookie", "name": "sessionid", "description": "A staff session."},
    TICKET: {"type": "httpApiKey", "in": "query", "name": "ticket", "description": "Good once."},
}


def asyncapi() -> dict[str, Any]:
    """The document."""
    channels = {channel.name: _channel(channel) for channel in CHANNELS}
    return {
        "asyncapi": "3.0.0",
        "info": INFO,
        "servers": SERVERS,
        "defaultContentType": "application/json",
        "channels": channels,
        "operations": {f"send_{channel.name}": _operation(channel) for channel in CHANNELS},
        "components": {"schemas": schemas_of(channels), "securitySchemes": SECURITY},
    }


def _channel(channel: Channel) -> dict[str, Any]:
    described: dict[str, Any] = {
        "address": channel.address,
        "title": channel.title,
        "description": channel.description,
        "messages": {name: _message(name, schema, channel) for name, schema in channel.messages.items()},
    }
    if channel.server:
        described["servers"] = [{"$ref": f"#/servers/{channel.server}"}]
    if channel.address and "{run_id}" in channel.address:
        described["parameters"] = {"run_id": {"description": "The id of the run."}}
    if channel.close_codes:
        described["x-close-codes"] = {str(code): why for code, why in channel.close_codes.items()}
    if channel.query:
        described["bindings"] = {"ws": {"query": _query(channel.query)}} if channel.server == "ws" else {}
        described["x-query"] = _query(channel.query)
    return described


def _message(name: str, schema: Schema, channel: Channel) -> dict[str, Any]:
    message: dict[str, Any] = {"name": name, "title": name, "payload": schema}
    return message | ({"headers": channel.headers} if channel.headers else {})


def _operation(channel: Channel) -> dict[str, Any]:
    address = f"#/channels/{channel.name}"
    operation: dict[str, Any] = {
        "action": "send",
        "channel": {"$ref": address},
        "summary": channel.title,
        "messages": [{"$ref": f"{address}/messages/{name}"} for name in channel.messages],
    }
    ways = (KEY, SESSION, TICKET) if channel.server else ()
    return operation | ({"security": [{"$ref": f"#/components/securitySchemes/{way}"} for way in ways]} if ways else {})


def _query(parameters: Iterable[Mapping[str, Any]]) -> Schema:
    return shape({}, **{one["name"]: one["schema"] for one in parameters})
