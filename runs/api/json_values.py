"""What a free-form JSON value may hold: nothing that PostgreSQL or orjson would refuse when it is too late to say so."""

import math
import re
from collections.abc import Iterator

from runs.errors import FieldFault

DEEPEST = 32
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def is_storable(text: str) -> bool:
    """False if `text` holds NUL or half a surrogate pair."""
    return not _UNSTORABLE.search(text)


def faults_in(value: object, path: str, depth: int = 1) -> Iterator[FieldFault]:
    """Every fault of a JSON value, with its path below `path`."""
    if isinstance(value, str):
        if not is_storable(value):
            yield FieldFault(path, "must not contain NUL or lone surrogates")
    elif isinstance(value, dict | list):
        yield from _faults_below(value, path, depth)
    elif not _is_number_in_range(value):
        yield FieldFault(path, "must be a number that fits 64 bits")


def _faults_below(value: dict[str, object] | list[object], path: str, depth: int) -> Iterator[FieldFault]:
    if depth > DEEPEST:
        yield FieldFault(path, f"must not be nested deeper than {DEEPEST} levels")
        return
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from faults_in(item, f"{path}[{index}]", depth + 1)
        return
    for name, item in value.items():
        if is_storable(name):
            yield from faults_in(item, f"{path}.{name}", depth + 1)
        else:
            yield FieldFault(path, "must not have member names with NUL or lone surrogates")


def _is_number_in_range(value: object) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, int):
        return -(2**63) <= value < 2**64
    return value is None
