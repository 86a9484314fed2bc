"""What a stream says when it breaks off: an `error` frame in words for strangers, the rest in our own log."""

import contextlib
import logging
from collections.abc import AsyncGenerator

from django.db import InterfaceError, OperationalError

from runs.errors import ControlPlaneError
from runs.streaming.frame import Burst, error_frame

log = logging.getLogger("signalbox.streaming")


async def failing_in_words(what: str, bursts: AsyncGenerator[Burst]) -> AsyncGenerator[Burst]:
    """Yield the bursts of `what`; if they fail, the last frame is `error`. Closes them, however the reader leaves."""
    try:
        async with contextlib.aclosing(bursts):
            async for burst in bursts:
                yield burst
    except ControlPlaneError as error:
        yield [error_frame(error.code, error.message)]
    except (OperationalError, InterfaceError):
        log.warning("stream of %s: the database cannot be reached", what)
        yield [error_frame("SERVICE_UNAVAILABLE", "The database cannot be reached.")]
    except Exception:
        log.exception("stream of %s failed", what)
        yield [error_frame("INTERNAL_ERROR", "The stream failed.")]
