"""How values look on the pages. Agent text is always escaped."""

import json
from urllib.parse import urlencode

from django.db.models import Model
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from runs.domain.normaliser.payloads import shown_bytes
from runs.queries.shown import redactor

NOTHING = "–"
SHOWN_BYTES = 4_096
LINK = "text-primary-600 dark:text-primary-500"  # what the theme gives its own links; without it they look like text


def pretty(text: str | None) -> str:
    """JSON text with one member a line; what is no JSON as it is."""
    if not text:
        return NOTHING
    try:
        return _pre(json.dumps(json.loads(text), indent=2, ensure_ascii=False))
    except ValueError:
        return _pre(text)


def pretty_value(value: object) -> str:
    """A JSON value with one member a line."""
    return _pre(json.dumps(value, indent=2, ensure_ascii=False))


def received(body: bytes | memoryview) -> str:
    """Bytes as received, without secrets: JSON with one member a line, else as text as far as they are text; cut."""
    data = bytes(body)
    shown = shown_bytes(data, redactor())
    if "json" in shown:
        data = json.dumps(shown["json"], indent=2, ensure_ascii=False).encode()
    else:
        data = redactor().redact_bytes(data)
    cut = f"\n… {len(data) - SHOWN_BYTES} more bytes" if len(data) > SHOWN_BYTES else ""
    return _pre(data[:SHOWN_BYTES].decode(errors="backslashreplace") + cut)


def size(column: object) -> str:
    """How many bytes are stored, never which."""
    return f"{len(column)} bytes" if isinstance(column, bytes | memoryview) else NOTHING


def rows_link(model: type[Model], text: object, **lookups: object) -> SafeString:
    """A link to the list of those rows of a model."""
    address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    return format_html('<a class="{}" href="{}?{}">{}</a>', LINK, address, urlencode(lookups), text)


def row_link(model: type[Model], key: object, text: object = None) -> str:
    """A link to one row of a model."""
    if key is None:
        return NOTHING
    address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_change", args=[key])
    return format_html('<a class="{}" href="{}">{}</a>', LINK, address, key if text is None else text)


def _pre(text: str) -> SafeString:
    return format_html('<pre class="sb-raw">{}</pre>', text)
