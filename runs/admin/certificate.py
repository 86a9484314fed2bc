"""How a run ended, as the pages show it: the certificate of its ending, and what was left to clean up after it."""

from collections.abc import Iterable

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from runs.admin.shown import NOTHING, pretty
from runs.domain.ending_words import ending_words
from runs.models import Run

_CLEANUPS = {"pending": "Still to be done", "done": "Done", "failed": "Given up"}


def certificate(text: str | None) -> str:
    """The certificate of an ending as sentences: how, by whom, why, and on what evidence."""
    words = ending_words(text)
    return pretty(text) if words is None else _sentences(words.head, words.sentences)


def cleanup(run: Run) -> str:
    """What was left to do at the runtime once the run had ended, and how that went."""
    if not run.has_ended:
        return NOTHING
    if run.cleanup_status is None:
        return "Nothing was left to clean up."
    tries = f"{run.cleanup_attempts} {'try' if run.cleanup_attempts == 1 else 'tries'}"
    head = f"{_CLEANUPS[run.cleanup_status]} after {tries}"
    due = [f"The next try is due at {run.cleanup_due_at:%Y-%m-%d %H:%M:%S} UTC."] if run.cleanup_due_at else []
    return _sentences(head, [*due, *(f"Failed: {error}" for error in run.cleanup_errors)])


def _sentences(head: str, lines: Iterable[str]) -> SafeString:
    return format_html("<strong>{}</strong>{}", head, format_html_join("", "<br>{}", ((line,) for line in lines)))
