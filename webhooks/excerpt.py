"""Excerpt: what a receiver answered, as it may be shown: short, readable, without secrets."""

import html
import json
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote

import orjson

from runs.domain.redaction import MASK, Redactor
from runs.domain.text import clean, shortened
from webhooks.signing import PREFIX

LONGEST = 4096
"""Bytes that are kept."""

_SHORTEST_KNOWN = 6  # characters; what is shorter stands anywhere by chance, and keeps no secret
_CONTROL = re.compile(r"[\x01-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_BETWEEN_WORDS = re.compile(r"[\s;,=]+")


class Mask:
    """Hides what looks like a secret, and whatever we sent that must not be seen when a receiver says it back."""

    def __init__(self, redactor: Redactor, *, secrets: Iterable[str], header_values: Iterable[str]) -> None:
        self._redactor = redactor
        known = {*_of_secrets(secrets), *_of_headers(header_values)}
        forms = {form for value in known if len(value) >= _SHORTEST_KNOWN for form in _written(value)}
        # The longest first: a part of it may be known, too.
        self._known = re.compile("|".join(re.escape(form) for form in sorted(forms, key=len, reverse=True)) or "(?!)")

    def text(self, text: str) -> str:
        """`text` without secrets."""
        return self._redactor.redact_text(self._known.sub(MASK, text))

    def excerpt(self, body: bytes) -> str:
        """The beginning of `body`, without secrets: those are found before it is cut, so that no half of one is left."""
        text = self._known.sub(MASK, _readable(body))
        return shortened(self._redactor.redact_text(self._without_members(text)), LONGEST)

    def _without_members(self, text: str) -> str:
        """JSON without the members whose names say that they hold a secret; any other text as it is."""
        try:
            value = orjson.loads(text)
        except ValueError:
            return text
        masked = self._redactor.redact(value)
        return text if masked is value else orjson.dumps(masked).decode()


def _readable(body: bytes) -> str:
    return _CONTROL.sub("\ufffd", clean(body.decode(errors="replace")))


def _of_secrets(secrets: Iterable[str]) -> Iterator[str]:
    for secret in secrets:
        yield from (secret, secret.removeprefix(PREFIX))


def _of_headers(values: Iterable[str]) -> Iterator[str]:
    for value in values:
        yield value
        yield from _BETWEEN_WORDS.split(value)  # of `Bearer ...` the second word is the secret


def _written(value: str) -> set[str]:
    """The ways in which a page, JSON or an address writes `value`."""
    as_json = json.dumps(value)[1:-1]
    return {value, as_json, as_json.replace("/", r"\/"), quote(value, safe=""), html.escape(value)}
