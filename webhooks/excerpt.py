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

LOOKED_AT = 16 * 1024
"""Bytes that are searched for secrets: what is kept comes from them. A long answer must not hold up other deliveries."""

_SHORTEST_KNOWN = 6  # characters; what is shorter stands anywhere by chance, and keeps no secret
_CONTROL = re.compile(r"[\x01-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_BETWEEN_WORDS = re.compile(r"[\s;,=]+")
_SCHEMES = {"bearer", "basic", "digest"}  # no secrets, and what other secrets are found by


class Mask:
    """Hides what looks like a secret, and whatever we sent that must not be seen when a receiver says it back."""

    def __init__(self, redactor: Redactor, *, secrets: Iterable[str], header_values: Iterable[str]) -> None:
        self._redactor = redactor
        known = {*_of_secrets(secrets), *_of_headers(header_values)}
        forms = {form for value in known if len(value) >= _SHORTEST_KNOWN for form in _written(value)}
        # The longest first: a part of it may be known, too.
        self._known = sorted(forms, key=len, reverse=True)

    def text(self, text: str) -> str:
        """`text` without secrets, and without what a terminal would take for a command."""
        return self._redactor.redact_text(self._without_known(_printable(text)))

    def excerpt(self, body: bytes) -> str:
        """The beginning of `body`, without secrets. They are looked for before it is cut, so that no half of one is left."""
        text = self._without_known(_printable(body[:LOOKED_AT].decode(errors="replace")))
        if len(body) > LOOKED_AT and self._known:
            text = text[: -len(self._known[0])]
        return shortened(self._redactor.redact_text(self._without_members(text)), LONGEST)

    def _without_known(self, text: str) -> str:
        for form in self._known:
            text = text.replace(form, MASK)
        return text

    def _without_members(self, text: str) -> str:
        """JSON without the members whose names say that they hold a secret; any other text as it is."""
        try:
            value = orjson.loads(text)
        except ValueError:
            return text
        masked = self._redactor.redact(value)
        return text if masked is value else orjson.dumps(masked).decode()


def _printable(text: str) -> str:
    return _CONTROL.sub("\ufffd", clean(text))


def _of_secrets(secrets: Iterable[str]) -> Iterator[str]:
    for secret in secrets:
        yield from (secret, secret.removeprefix(PREFIX))


def _of_headers(values: Iterable[str]) -> Iterator[str]:
    for value in values:
        yield value
        yield from (word for word in _BETWEEN_WORDS.split(value) if word.lower() not in _SCHEMES)


def _written(value: str) -> set[str]:
    """The ways in which a page, JSON or an address writes `value`."""
    json_forms = {json.dumps(value, ensure_ascii=of_ascii)[1:-1] for of_ascii in (True, False)}
    json_forms |= {form.replace("/", r"\/") for form in json_forms}
    return {value, *json_forms, quote(value, safe="", errors="replace"), html.escape(value)}
