"""Where two states differ, for whoever must say what has drifted."""

from collections.abc import Mapping

import orjson

from runs.domain.projection.state import ProjectionState, dump


def first_difference(state: str, private: str, folded: ProjectionState) -> str | None:
    """The first path, in order of the names, at which a stored state is not `folded`; None if every byte is equal.

    Paths begin with the column: `state.participants[2].status`. A column that holds the same value in other bytes, or no
    JSON at all, is named alone.
    """
    stored = {"state": state, "private": private}
    for (column, text), wanted in zip(stored.items(), dump(folded), strict=True):
        if text.encode(errors="surrogatepass") != wanted:
            return _path_in(text, wanted, column)
    return None


def _path_in(text: str, wanted: bytes, column: str) -> str:
    try:
        value = orjson.loads(text)
    except ValueError:
        return column
    return _path(value, orjson.loads(wanted), column) or column


def _path(stored: object, wanted: object, path: str) -> str | None:
    if isinstance(stored, dict) and isinstance(wanted, dict):
        return _path_of_members(stored, wanted, path)
    if isinstance(stored, list) and isinstance(wanted, list):
        return _path_of_items(stored, wanted, path)
    if isinstance(stored, dict | list) or isinstance(wanted, dict | list):
        return path  # of another kind, and maybe too deep to be written as text
    # Compared as text: 1, 1.0 and true are equal to Python and different to a reader.
    return None if orjson.dumps(stored) == orjson.dumps(wanted) else path


def _path_of_members(stored: Mapping[str, object], wanted: Mapping[str, object], path: str) -> str | None:
    for name in sorted(stored.keys() | wanted.keys()):
        here = f"{path}.{name}"
        if name not in stored or name not in wanted:
            return here
        if found := _path(stored[name], wanted[name], here):
            return found
    return None


def _path_of_items(stored: list[object], wanted: list[object], path: str) -> str | None:
    for index in range(max(len(stored), len(wanted))):
        here = f"{path}[{index}]"
        if index >= len(stored) or index >= len(wanted):
            return here
        if found := _path(stored[index], wanted[index], here):
            return found
    return None
