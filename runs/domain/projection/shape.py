"""The way back from a stored state. Whether it can be gone on with: what a state has from the beginning is what folding and
normalising read without asking."""

from collections.abc import Mapping
from typing import cast

import orjson

from runs.domain.events import JsonObject
from runs.domain.projection.state import EMPTY, ProjectionState


class StateUnreadable(ValueError):
    """What is stored is no state of a run."""


def load(public: bytes | str, private: bytes | str) -> ProjectionState:
    """The state that was dumped to these texts. Raises StateUnreadable where they hold none."""
    try:
        state = ProjectionState(public=orjson.loads(public), private=orjson.loads(private))
    except ValueError as error:
        raise StateUnreadable(f"no JSON: {error}") from error
    missing = _missing(state.public, EMPTY.public, "state") or _missing(state.private, EMPTY.private, "private")
    if missing is None and not _are_texts(cast(JsonObject, state.private["context"])["seen"]):
        missing = "a text in private.context.seen"
    if missing is not None:
        raise StateUnreadable(f"{missing} is missing or of another kind")
    return state


def _missing(stored: object, wanted: object, path: str) -> str | None:
    """The first path at which `stored` has not what `wanted` has."""
    if isinstance(wanted, Mapping):
        if not isinstance(stored, dict):
            return path
        for name, value in wanted.items():
            if name not in stored:
                return f"{path}.{name}"
            if (found := _missing(stored[name], value, f"{path}.{name}")) is not None:
                return found
        return None
    return None if wanted is None or _is_of_its_kind(stored, wanted) else path


def _is_of_its_kind(stored: object, wanted: object) -> bool:
    if isinstance(wanted, int):
        return isinstance(stored, int | float) and not isinstance(stored, bool)
    return isinstance(stored, type(wanted))


def _are_texts(stored: object) -> bool:
    return isinstance(stored, list) and all(isinstance(one, str) for one in stored)
