"""Find members of a payload that an agent, a protobuf message or a JSON text may name in either style."""

import math
from collections.abc import Iterable, Mapping

from runs.domain.events import JsonObject

Name = tuple[str, str]

_NOTHING: JsonObject = {}


def named(camel: str) -> Name:
    """Both spellings of a member: `proposalId` and `proposal_id`."""
    snake = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in camel)
    return camel, snake


def unwrapped(payload: Mapping[str, object]) -> Mapping[str, object]:
    """The object an agent meant: what stands inside `{json: ...}`, wrapped once by us and perhaps once by the agent."""
    for _ in range(2):
        inner = payload.get("json")
        if not isinstance(inner, dict):
            break
        payload = inner
    return payload


def found(members: Mapping[str, object], name: Name) -> object:
    """The member's value, or None."""
    value = members.get(name[0])
    return members.get(name[1]) if value is None else value


def text(members: Mapping[str, object], name: Name) -> str | None:
    """The member as non-empty text, or None where it is no text."""
    value = found(members, name)
    return value if isinstance(value, str) and value else None


def identifier(members: Mapping[str, object], name: Name) -> str | None:
    """The member as an id: non-empty text, or an integer written as text."""
    value = found(members, name)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value if isinstance(value, str) and value else None


def number(members: Mapping[str, object], name: Name) -> int | float | None:
    """The member as a finite number, or None where it is anything else."""
    value = found(members, name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if math.isfinite(value) else None


def nested(members: Mapping[str, object], name: Name) -> JsonObject | None:
    """The member as an object, or None."""
    value = found(members, name)
    return value if isinstance(value, dict) else None


def nested_or_empty(members: Mapping[str, object], name: Name) -> JsonObject:
    """The member as an object; empty where it is none."""
    return nested(members, name) or _NOTHING


def texts(members: Mapping[str, object], name: Name) -> list[str]:
    """The texts of a list, or of one text standing alone; what is no text is left out."""
    value = found(members, name)
    if isinstance(value, str):
        return [value] if value else []
    return [item for item in value if isinstance(item, str) and item] if isinstance(value, list) else []


def present(pairs: Iterable[tuple[str, object]]) -> JsonObject:
    """An object of those pairs whose value is not None: absent optionals are omitted."""
    return {name: value for name, value in pairs if value is not None}
