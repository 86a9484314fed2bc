"""Which run and which request the code at hand works for, so that every log line can say it."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_run_id: ContextVar[str] = ContextVar("signalbox_run_id", default="")
_request_id: ContextVar[str] = ContextVar("signalbox_request_id", default="")


def current_run_id() -> str:
    """The id of the run at hand, or an empty string."""
    return _run_id.get()


def current_request_id() -> str:
    """The id of the request at hand, or an empty string."""
    return _request_id.get()


@contextmanager
def log_context(*, run_id: object = None, request_id: object = None) -> Iterator[None]:
    """Inside, log lines name this run and this request; what is None stays as it was."""
    before = _run_id.get(), _request_id.get()
    if run_id is not None:
        _run_id.set(str(run_id))
    if request_id is not None:
        _request_id.set(str(request_id))
    try:
        yield
    finally:
        # Not by token: a generator may be closed in another context than the one that entered.
        _run_id.set(before[0])
        _request_id.set(before[1])
