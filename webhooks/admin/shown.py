"""How the values of webhooks look on the pages. What receivers and agents said is always escaped, and without secrets."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from runs.admin.shown import NOTHING
from runs.queries.shown import redactor
from webhooks.admin.health import Colour, Health

LONGEST_HOST = 26  # in a list
TONES: dict[str, Colour] = {
    **{"pending": "grey", "delivered": "green", "exhausted": "red", "cancelled": "amber"},
    **{"failing": "red", "recovered": "green", "disabled": "red", "silent": "amber"},
}


def dot(health: Health) -> SafeString:
    """A coloured dot with its words."""
    return format_html('<span class="sb-dot sb-dot-{}">{}</span>', health.colour, health.words)


def badge(word: str) -> SafeString:
    """One word of a closed list, with the colour of what it means."""
    return dot(Health(TONES.get(word, "grey"), word))


def safe(text: str) -> str:
    """The text without what looks like a secret."""
    return redactor().redact_text(text) or NOTHING


def short(text: str, most: int) -> SafeString:
    """The beginning of the text, on one line: lists are read line by line, on a phone in cells of one line."""
    cut = text if len(text) <= most else f"{text[: most - 1]}…"
    return format_html('<span class="sb-one-line" title="{}">{}</span>', text, cut)


def tail(key: object) -> SafeString:
    """The end of an id: the beginning is its time, and much the same for all."""
    return format_html('<span class="sb-one-line">…{}</span>', str(key)[-12:])


def moment(at: datetime | None) -> SafeString:
    """A time to the second, on one line."""
    shown = NOTHING if at is None else f"{at:%Y-%m-%d %H:%M:%S}"
    return format_html('<span class="sb-one-line">{}</span>', shown)


def two_lines(text: str) -> SafeString:
    """The beginning of a sentence, as much of it as two lines hold: on a phone a cell shows no more."""
    return format_html('<span class="sb-two-lines" title="{}">{}</span>', text, text)


def milliseconds(number: float | None) -> str:
    """A duration."""
    return NOTHING if number is None else f"{number:,.0f}\N{NO-BREAK SPACE}ms"


def table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A small table that scrolls by itself where there is no room for it; `NOTHING` where there are no rows."""
    lines = [(format_html_join("", "<td>{}</td>", ((value,) for value in row)),) for row in rows]
    if not lines:
        return NOTHING
    head = format_html_join("", '<th scope="col">{}</th>', ((one,) for one in heads))
    return format_html(
        '<div class="sb-own-width"><table><thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>',
        head,
        format_html_join("", "<tr>{}</tr>", lines),
    )
