"""JSON in: strict, bounded, and with the place of every fault."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import IO

import orjson
from django.conf import settings
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from runs.errors import FieldFault, PayloadTooLarge, ValidationFailed

MAX_DEPTH = 32
MAX_KEYS = 10_000
MAX_TEXT_BYTES = 256 * 1024

_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")


class _Repeated:
    """Stands where an object had the same key twice."""

    def __init__(self, key: str) -> None:
        self.key = key


class _TooBig:
    """Stands where an integer does not fit 64 bits."""


_SUSPECT = (dict, list, str, _Repeated, _TooBig)


class JsonParser(BaseParser):
    """Reads one JSON object of at most MAX_BODY_BYTES."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, object] | None = None,
    ) -> dict[str, object]:
        """The object. Raises PayloadTooLarge, ParseError (not JSON) or ValidationFailed (JSON we do not take)."""
        body = stream.read(settings.MAX_BODY_BYTES + 1)
        if len(body) > settings.MAX_BODY_BYTES:
            raise PayloadTooLarge(f"the body may have {settings.MAX_BODY_BYTES} bytes")
        return parse_object(body)


def parse_object(body: bytes) -> dict[str, object]:
    """The JSON object `body` holds. Refused: lone surrogates, NaN, NUL, repeated keys, big integers, deep, long, many."""
    try:
        document: object = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise ParseError(f"the body is not JSON: {error.msg} at position {error.pos}") from None
    if not isinstance(document, dict):
        raise _fault("", "must be a JSON object")
    _refuse_unstorable(document)
    _refuse_what_orjson_hides(body)
    return document


def _refuse_unstorable(document: dict[str, object]) -> None:
    keys = 0
    for path, depth, value in _walk(document):
        if depth > MAX_DEPTH:
            raise _fault(_joined(path), f"must not be nested deeper than {MAX_DEPTH} levels")
        if isinstance(value, dict):
            keys += len(value)
            for key in value:
                _refuse_text(key, (*path, key))
        elif isinstance(value, str):
            _refuse_text(value, path)
        if keys > MAX_KEYS:
            raise _fault("", f"must not have more than {MAX_KEYS} keys")


def _refuse_text(text: str, path: tuple[str, ...]) -> None:
    if len(text) * 4 > MAX_TEXT_BYTES and len(text.encode()) > MAX_TEXT_BYTES:
        raise _fault(_joined(path)[:100], f"must have at most {MAX_TEXT_BYTES} bytes")
    if "\x00" in text:
        raise _fault(_joined(path), "must not contain NUL characters")


def _refuse_what_orjson_hides(body: bytes) -> None:
    # orjson keeps the last of two equal keys and rounds big integers. Safe to recurse: the depth is known by now.
    for path, _, value in _walk(json.loads(body, object_pairs_hook=_pairs, parse_int=_integer)):
        if isinstance(value, _Repeated):
            raise _fault(_joined((*path, value.key)), "must not be given twice")
        if isinstance(value, _TooBig):
            raise _fault(_joined(path), "must be a number that fits 64 bits")


def _integer(digits: str) -> int | _TooBig:
    value = int(digits)
    return value if -(2**63) <= value < 2**64 else _TooBig()


def _pairs(pairs: list[tuple[str, object]]) -> object:
    known: dict[str, object] = {}
    for key, value in pairs:
        if key in known:
            return _Repeated(key)
        known[key] = value
    return known


def _walk(document: object) -> Iterator[tuple[tuple[str, ...], int, object]]:
    """What may hold a fault, with its path and depth, the document first; a stack, so that depth costs nothing."""
    ahead: list[tuple[tuple[str, ...], int, object]] = [((), 1, document)]
    while ahead:
        path, depth, value = ahead.pop()
        yield path, depth, value
        if isinstance(value, dict):
            ahead += [((*path, key), depth + 1, child) for key, child in value.items() if isinstance(child, _SUSPECT)]
        elif isinstance(value, list):
            ahead += [
                ((*path, f"[{index}]"), depth + 1, child)
                for index, child in enumerate(value)
                if isinstance(child, _SUSPECT)
            ]


def _joined(path: tuple[str, ...]) -> str:
    """`("a", "[0]", "b")` as `a[0].b`; a key that is no plain name is quoted."""
    joined = ""
    for step in path:
        if step.startswith("[") and step[1:-1].isdecimal():
            joined += step
        else:
            name = step if _PLAIN_NAME.fullmatch(step) else json.dumps(step)
            joined += f".{name}" if joined else name
    return joined


def _fault(path: str, message: str) -> ValidationFailed:
    return ValidationFailed([FieldFault(path, message)], None if path else f"the body {message}")
