"""The payload of an envelope as events show it: decoded where its type is known, else as JSON, text or bytes.

Everything that leaves this file is storable as it is, and redacted.
"""

import json
from base64 import b64decode, b64encode
from binascii import Error as Base64Error

import msgspec
import orjson

from runs.domain.events import Envelope, JsonObject
from runs.domain.redaction import Redactor
from runs.domain.text import clean, may_be_deep, storable, storable_object

# Members of known types that hold bytes (as base64): secrets hide there from a look at the text.
_BYTES_MEMBERS = ("data", "supportingData", "details", "input", "partialOutput", "output", "context")


class Payload(msgspec.Struct, frozen=True):
    """A payload as shown, and the paths of what was masked in it."""

    shown: JsonObject
    redacted: list[str]


def read_payload(envelope: Envelope, redactor: Redactor) -> Payload:
    """The payload as `message.received` shows it: `{}`, the decoded object, `{json}`, `{text}` or `{payloadBase64}`."""
    if envelope.decoded is not None:
        return _known(envelope.decoded, envelope.message_type == "Signal", redactor)
    if not envelope.payload:
        return Payload({}, [])
    return _unknown(envelope.payload, redactor)


def shown_bytes(data: bytes, redactor: Redactor) -> JsonObject:
    """Any bytes as a payload of unknown type is shown: `{}`, `{json}`, `{text}` or `{payloadBase64}`, redacted.

    Base64 inside JSON is looked into: a frame may hold a payload in it.
    """
    shown = _unknown(data, redactor).shown if data else {}
    return {**shown, "json": _looked_into(shown["json"], redactor)} if "json" in shown else shown


def redacted_json(data: bytes, redactor: Redactor) -> object:
    """The JSON value in `data`, storable and redacted; None where `data` holds none."""
    try:
        value, encoded = _parsed(data)
    except ValueError:
        return None
    return redactor.scrub(value, encoded)[0]


def base64_text(data: bytes, redactor: Redactor) -> str:
    """`data` in base64, after masking the secrets that stand in it as text."""
    return b64encode(redactor.redact_bytes(data)).decode()


def shown_base64(data: bytes, redactor: Redactor) -> str:
    """`data` in base64, masked as `shown_bytes` masks it; without secrets these are the very bytes."""
    try:
        value, encoded = _parsed(data)
    except ValueError:
        return base64_text(data, redactor)
    masked, paths = redactor.scrub(value, encoded)
    looked_into = _looked_into(masked, redactor)
    return b64encode(orjson.dumps(looked_into) if paths or looked_into != masked else data).decode()


def _known(decoded: JsonObject, is_signal: bool, redactor: Redactor) -> Payload:
    kept, encoded = storable_object(decoded)
    masked, paths = redactor.scrub(kept, encoded)
    shown = masked if isinstance(masked, dict) else {}
    if is_signal and "dataJson" not in shown:
        shown = _with_signal_data(shown, redactor)
    for name in _BYTES_MEMBERS:
        if name in shown:
            shown, paths = _masked_bytes(shown, name, paths, redactor)
    if "extensions" in shown:
        shown, paths = _masked_extensions(shown, paths, redactor)
    return Payload(shown, paths)


def _with_signal_data(shown: JsonObject, redactor: Redactor) -> JsonObject:
    data = _bytes_of(shown.get("data"))
    parsed = None if data is None else redacted_json(data, redactor)
    return shown if parsed is None else {**shown, "dataJson": parsed}


def _masked_bytes(shown: JsonObject, name: str, paths: list[str], redactor: Redactor) -> tuple[JsonObject, list[str]]:
    value = shown[name]
    masked = _masked_base64(value, redactor)
    return (shown, paths) if masked is value else ({**shown, name: masked}, [*paths, name])


def _masked_extensions(shown: JsonObject, paths: list[str], redactor: Redactor) -> tuple[JsonObject, list[str]]:
    extensions = shown["extensions"]
    if not isinstance(extensions, dict):
        return shown, paths
    masked = {key: _masked_base64(value, redactor) for key, value in extensions.items()}
    touched = [f"extensions.{key}" for key, value in extensions.items() if masked[key] is not value]
    return ({**shown, "extensions": masked}, paths + touched) if touched else (shown, paths)


def _masked_base64(value: object, redactor: Redactor) -> object:
    data = _bytes_of(value)
    if data is None:
        return value
    masked = _masked_content(data, redactor)
    return value if masked is data else b64encode(masked).decode()


def _looked_into(value: object, redactor: Redactor) -> object:
    if isinstance(value, dict):
        return {name: _looked_into(item, redactor) for name, item in value.items()}
    if isinstance(value, list):
        return [_looked_into(item, redactor) for item in value]
    return _masked_base64(value, redactor)


def _masked_content(data: bytes, redactor: Redactor) -> bytes:
    """JSON is masked member by member (`{"password": 1}` is no secret as text), anything else as text."""
    try:
        value, encoded = _parsed(data)
    except ValueError:
        return redactor.redact_bytes(data)
    masked, paths = redactor.scrub(value, encoded)
    return orjson.dumps(masked) if paths else data


def _bytes_of(value: object) -> bytes | None:
    if not isinstance(value, str) or not value:
        return None
    try:
        return b64decode(value, validate=True)
    except (Base64Error, ValueError):
        return None


def _unknown(payload: bytes, redactor: Redactor) -> Payload:
    try:
        value, encoded = _parsed(payload)
    except ValueError:
        return _unparsed(payload, redactor)
    masked, paths = redactor.scrub(value, encoded)
    return Payload({"json": masked, "encoding": "json"}, [f"json.{path}" if path else "json" for path in paths])


def _unparsed(payload: bytes, redactor: Redactor) -> Payload:
    try:
        text = payload.decode()
    except UnicodeDecodeError:
        masked = redactor.redact_bytes(payload)
        return Payload({"payloadBase64": b64encode(masked).decode()}, _touched(masked is not payload, "payloadBase64"))
    shown = redactor.redact_text(text)
    data = payload if shown is text else shown.encode()
    return Payload(
        {"text": clean(shown), "encoding": "text", "payloadBase64": b64encode(data).decode()},
        _touched(shown is not text, "text"),
    )


def _touched(touched: bool, path: str) -> list[str]:
    return [path] if touched else []


def _parsed(data: bytes) -> tuple[object, bytes]:
    """The JSON value in `data` and its text without escapes; ValueError (orjson's is one) where it holds none."""
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError:
        if b"\\u" not in data:
            raise
        return storable(_leniently_parsed(data))
    if b"\\" in data or may_be_deep(data):
        return storable(value)  # escapes could hide a secret from the first look, nesting the value from the log
    return value, data


def _leniently_parsed(data: bytes) -> object:
    # The standard parser lets lone surrogates pass, which are cleaned later; all else it must refuse as orjson does.
    try:
        value: object = json.loads(data, parse_constant=_refused)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    return value


def _refused(constant: str) -> object:
    raise ValueError(f"{constant} is not JSON")
