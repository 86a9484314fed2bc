"""What a stream says when it breaks off: an `error` frame in words for strangers, the rest in our own log."""

import logging

from django.db import InterfaceError, OperationalError

from runs.errors import ControlPlaneError
from runs.streaming.burst import Burst
from runs.streaming.frame import error_frame

log = logging.getLogger("signalbox.streaming")


def last_words(what: str, error: Exception) -> Burst:
    """The last burst of the stream of `what`, which `error` has broken off."""
    if isinstance(error, ControlPlaneError):
        return Burst([error_frame(error.code, error.message)])
    if isinstance(error, OperationalError | InterfaceError):
        log.warning("stream of %s: the database cannot be reached", what)
        return Burst([error_frame("SERVICE_UNAVAILABLE", "The database cannot be reached.")])
    log.error("stream of %s failed", what, exc_info=error)
    return Burst([error_frame("INTERNAL_ERROR", "The stream failed.")])
