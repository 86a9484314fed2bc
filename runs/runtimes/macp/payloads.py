"""A payload between its bytes and a JSON object.

Reading is on the path of every envelope, so each type's fields are looked up once and walked by hand; writing happens
once per message sent and leaves the work to protobuf's own JSON mapping.
"""

import base64
import math
from collections.abc import Callable, Iterable, Mapping
from typing import cast

import orjson

from runs.domain.events import JsonObject
from runs.errors import RuntimeRejected
from runs.runtimes.macp.payload_types import CORE_TYPES, MODE_TYPES, payload_type
from runs.runtimes.macp.wire import (
    DecodeError,
    Descriptor,
    EnumDescriptor,
    FieldDescriptor,
    Message,
    ParseDict,
    ParseError,
)

Convert = Callable[[object], object]
Read = Callable[[Message], JsonObject]

_CPP_DOUBLE, _CPP_FLOAT, _CPP_ENUM, _CPP_MESSAGE = 5, 6, 8, 10
_CPP_64_BIT = frozenset({2, 4})
_TYPE_BYTES = 12
_EXACT_IN_A_DOUBLE = 2**53  # a reader in a browser would round anything beyond


def decode_payload(mode: str, message_type: str, payload: bytes) -> tuple[JsonObject | None, str | None]:
    """The payload as a JSON object and its type's full name; (None, None) if unknown or not readable as that type."""
    known = payload_type(mode, message_type)
    if known is None:
        return None, None
    if message_type == "Contribute" and payload.startswith(b"{"):
        return _json_contribution(payload, known)
    try:
        decoded = READERS[known](known.FromString(payload))
    except DecodeError:
        return None, None
    if message_type == "Signal" and "data" in decoded:
        _add_parsed_data(decoded)
    return decoded, known.DESCRIPTOR.full_name


def _json_contribution(payload: bytes, known: type[Message]) -> tuple[JsonObject | None, str | None]:
    try:
        value = orjson.loads(payload)
    except orjson.JSONDecodeError:
        return None, None
    if not isinstance(value, dict) or set(value) != {"value"}:
        return None, None
    return value, known.DESCRIPTOR.full_name


def _add_parsed_data(decoded: JsonObject) -> None:
    try:
        decoded["dataJson"] = orjson.loads(base64.b64decode(cast(str, decoded["data"])))
    except orjson.JSONDecodeError:
        return


def _reader(descriptor: Descriptor) -> Read:
    plain = [(f.name, f.json_name, _converter(f)) for f in descriptor.fields if not _has_presence(f)]
    present = [(f.name, f.json_name, _converter(f)) for f in descriptor.fields if _has_presence(f)]

    def read(message: Message) -> JsonObject:
        found: JsonObject = {}
        for name, key, convert in plain:
            value = getattr(message, name)
            if value:
                found[key] = convert(value) if convert else value
        for name, key, convert in present:
            if message.HasField(name):
                value = getattr(message, name)
                found[key] = convert(value) if convert else value
        return found

    return read


def _has_presence(field: FieldDescriptor) -> bool:
    return field.has_presence and not field.is_repeated


def _converter(field: FieldDescriptor) -> Convert | None:
    """How one value of the field becomes JSON; None where it already is."""
    if field.cpp_type == _CPP_MESSAGE and field.message_type.GetOptions().map_entry:
        return _map_converter(field.message_type)
    one = _scalar_converter(field)
    if not field.is_repeated:
        return one
    if one is None:
        return lambda values: list(cast(Iterable[object], values))
    return lambda values: [one(value) for value in cast(Iterable[object], values)]


def _map_converter(entry: Descriptor) -> Convert:
    one = _scalar_converter(entry.fields_by_name["value"])
    if one is None:
        return lambda values: {str(key): value for key, value in cast(Mapping[object, object], values).items()}
    return lambda values: {str(key): one(value) for key, value in cast(Mapping[object, object], values).items()}


def _scalar_converter(field: FieldDescriptor) -> Convert | None:
    if field.cpp_type == _CPP_MESSAGE:
        return cast(Convert, _reader(field.message_type))
    if field.type == _TYPE_BYTES:
        return _base64
    if field.cpp_type in _CPP_64_BIT:
        return _exact_integer
    if field.cpp_type in (_CPP_DOUBLE, _CPP_FLOAT):
        return _finite
    if field.cpp_type == _CPP_ENUM:
        return _enum_converter(field.enum_type)
    return None


def _base64(value: object) -> str:
    return base64.b64encode(cast(bytes, value)).decode("ascii")


def _exact_integer(value: object) -> object:
    return value if abs(cast(int, value)) <= _EXACT_IN_A_DOUBLE else str(value)


def _finite(value: object) -> object:
    number = cast(float, value)
    if math.isfinite(number):
        return number
    return "NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"


def _enum_converter(enum: EnumDescriptor) -> Convert:
    names = {number: value.name for number, value in enum.values_by_number.items()}
    return lambda value: names.get(cast(int, value), value)


def encode_payload(mode: str, message_type: str, payload: JsonObject, *, type_name: str = "") -> bytes:
    """The payload's bytes, equal for equal payloads. Raises RuntimeRejected naming what does not fit its type.

    The type is the one called `type_name`, where one is named, else that of the message; JSON where there is none.
    """
    known = _TYPES.get(type_name) if type_name else payload_type(mode, message_type)
    if type_name and known is None:
        raise RuntimeRejected(f"{type_name} is no type of the protocol", runtime_code="INVALID_PAYLOAD")
    try:
        if known is None:
            return orjson.dumps(payload, option=orjson.OPT_SORT_KEYS)
        return ParseDict(payload, known()).SerializeToString(deterministic=True)
    except (ParseError, TypeError, ValueError, AttributeError) as error:
        reason = " ".join(str(error).split())  # protobuf tells it in several lines
        raise RuntimeRejected(f"{message_type} payload: {reason}", runtime_code="INVALID_PAYLOAD") from error


# From a message of each known type to its JSON object: camelCase names, defaults left out.
READERS: dict[type[Message], Read] = {
    known: _reader(known.DESCRIPTOR) for known in {*CORE_TYPES.values(), *MODE_TYPES.values()}
}
_TYPES = {known.DESCRIPTOR.full_name: known for known in READERS}
