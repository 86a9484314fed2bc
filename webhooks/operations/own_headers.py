"""Headers that an endpoint brings for the requests to it: which it may, and how they are kept."""

import re
from collections.abc import Iterator, Mapping
from typing import cast

import orjson

from runs.domain.redaction import MASK
from runs.errors import FieldFault
from webhooks import sealing
from webhooks.models import Endpoint

MOST_HEADERS = 20
LONGEST_NAME = 100
LONGEST_VALUE = 1000

BAD_NAME = f"must be a header name of 1 to {LONGEST_NAME} letters, digits and hyphens"
BAD_VALUE = f"must be 1 to {LONGEST_VALUE} printable ASCII characters, without a blank at either end"
RESERVED = "is a header that Signalbox sets, or one of the connection"
TWICE = "is given twice"
MASKED = "is what is shown in place of a value; give the value"

_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}", re.ASCII)  # a token of HTTP
_VALUE = re.compile(r"[!-~]([ -~]{0,998}[!-~])?", re.ASCII)
_RESERVED = frozenset(
    {"host", "content-length", "content-type", "content-encoding", "transfer-encoding", "accept-encoding"}
    | {"connection", "keep-alive", "te", "trailer", "upgrade", "expect", "cookie", "cookie2", "forwarded", "via"}
    | {"proxy-connection", "proxy-authorization", "proxy-authenticate"}
)
_RESERVED_FAMILIES = ("webhook-", "x-macp-")


def header_faults(headers: Mapping[str, str]) -> Iterator[FieldFault]:
    """What is wrong with them. No value is repeated: it may be a secret."""
    if len(headers) > MOST_HEADERS:
        yield FieldFault("headers", f"must have at most {MOST_HEADERS} members")
    seen: set[str] = set()
    for name, value in headers.items():
        problem = _name_problem(name, seen) or _value_problem(value)
        seen.add(name.lower())
        if problem:
            yield FieldFault(f"headers.{name[:LONGEST_NAME]}", problem)


def sealed_headers(endpoint: Endpoint, headers: Mapping[str, str]) -> dict[str, object]:
    """The columns that keep them."""
    text = orjson.dumps(dict(headers)).decode()
    sealed = sealing.seal(text, endpoint_id=endpoint.id).text if headers else ""
    return {"headers_sealed": sealed, "header_names": list(headers)}


def unsealed_headers(endpoint: Endpoint) -> dict[str, str]:
    """As they were given. Raises SecretUnreadable."""
    if not endpoint.headers_sealed:
        return {}
    return cast(dict[str, str], orjson.loads(sealing.unseal(endpoint.headers_sealed, endpoint_id=endpoint.id)))


def _name_problem(name: str, seen: set[str]) -> str | None:
    plain = name.lower()
    if not _NAME.fullmatch(name):
        return BAD_NAME
    if plain in _RESERVED or plain.startswith(_RESERVED_FAMILIES):
        return RESERVED
    return TWICE if plain in seen else None


def _value_problem(value: str) -> str | None:
    if value == MASK:
        return MASKED
    return None if _VALUE.fullmatch(value) else BAD_VALUE
