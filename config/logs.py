"""Logging: one line a record, as text or as JSON, with time, level, logger, process, run and request.

Secrets are masked in the finished text, tracebacks included: the configured ones literally, all others by their form.
"""

import logging
import re
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from types import TracebackType

import orjson
from django.core.exceptions import ImproperlyConfigured

from runs.log_context import current_request_id, current_run_id

MASK = "***"
FOREIGN = ("django", "django.server", "django-q", "daphne", "uvicorn", "uvicorn.access", "uvicorn.error")
SHORTEST_SECRET = 8  # masking shorter ones would garble ordinary words and so reveal them

_LABELLED = (
    r"(?i)(\b(?:bearer|basic)\s+|\b[\w-]*(?:api[_-]?key|token|secret|password|passwd|authorization|ticket)\b"
    r"[\"']?\s*[=:]\s*[\"']?(?:bearer\s+|basic\s+)?)[^\s\"',;&)}\]]+"
)
_FORMS = (
    (re.compile(_LABELLED), rf"\g<1>{MASK}"),
    (re.compile(r"(?<=://)[^/\s:@]*:[^/\s@]+(?=@)"), MASK),
    (re.compile(r"\beyJ[\w-]+\.[\w-]+\.[\w-]*"), MASK),
    (re.compile(r"\b(?:sb_(?:dev|live|test)_|sk-|whsec_|AKIA)[\w+/=-]+"), MASK),
)


def masked(text: str, secrets: Iterable[str] = ()) -> str:
    """`text` without the given secrets and without whatever has the form of one."""
    for secret in secrets:
        text = text.replace(secret, MASK)
    for form, replacement in _FORMS:
        text = form.sub(replacement, text)
    return text


class _Line(logging.Formatter):
    """What both formats share: the facts of a record, without secrets."""

    def __init__(self, process: str, secrets: Iterable[str] = ()) -> None:
        super().__init__()
        self.process = process
        # The longest first: one secret may be the beginning of another.
        self.secrets = sorted({s for s in secrets if len(s) >= SHORTEST_SECRET}, key=len, reverse=True)

    def facts(self, record: logging.LogRecord) -> dict[str, str]:
        facts = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")[:-6] + "Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "process": self.process,
            "message": masked(record.getMessage(), self.secrets),
            "runId": current_run_id(),
            "requestId": current_request_id(),
        }
        if record.exc_info:
            facts["exception"] = masked(self.formatException(record.exc_info), self.secrets)
        return {name: fact for name, fact in facts.items() if fact}


class JsonLines(_Line):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line of JSON; lone surrogates become question marks."""
        facts = self.facts(record)
        return orjson.dumps({name: fact.encode("utf-8", "replace").decode() for name, fact in facts.items()}).decode()


class PlainText(_Line):
    """One line for people, followed by the traceback if there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as text: time, level, process, logger, message, ids."""
        facts = self.facts(record)
        ids = "".join(f" {name}={facts[name]}" for name in ("runId", "requestId") if name in facts)
        head = f"{facts['time']} {facts['level']:<8} {self.process} {record.name}: {facts.get('message', '')}{ids}"
        return f"{head}\n{facts['exception']}" if "exception" in facts else head


def logging_settings(*, process: str, level: str, style: str, secrets: Iterable[str] = ()) -> dict[str, object]:
    """The value of Django's LOGGING: everything goes to standard error, in the style `text` or `json`."""
    line = {"json": JsonLines, "text": PlainText}[style]
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": line, "process": process, "secrets": tuple(secrets)}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": level.upper()},
        "loggers": {
            # Some bring handlers of their own: their lines would come twice, or in another form.
            **{name: {"handlers": [], "propagate": True} for name in FOREIGN},
            # Every 4xx is a warning to Django; clients may cause as many as they like.
            "django.request": {"level": "ERROR"},
            "django.security.DisallowedHost": {"level": "CRITICAL"},  # an error with its traceback to Django
            # At debug level it writes down the headers of answers from outside, and they may echo what we sent.
            "httpcore": {"level": "WARNING"},
        },
    }


def log_uncaught() -> None:
    """From now on an exception that ends the process is logged; a bad setting without its traceback."""
    sys.excepthook = _log_uncaught


def _log_uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    logger = logging.getLogger("config.start")
    if issubclass(kind, ImproperlyConfigured):
        logger.critical("cannot start: %s", error)
    else:
        logger.critical("ended by %s", kind.__name__, exc_info=(kind, error, trace))
