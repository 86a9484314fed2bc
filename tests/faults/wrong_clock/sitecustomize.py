"""Read by Python at its start from PYTHONPATH: this process believes its host's clock to be off by CLOCK_OFF_BY_S seconds.

Only the time of day is wrong; the monotonic clock, by which every process measures how long something took, is right, as
it is on a host whose clock was set wrongly.
"""

import datetime
import os
import time

_OFF_BY = float(os.environ.get("CLOCK_OFF_BY_S", "0"))
_time, _time_ns = time.time, time.time_ns
_gmtime, _localtime = time.gmtime, time.localtime
_datetime = datetime.datetime


class _AnyDateTime(type):
    def __instancecheck__(cls, one: object) -> bool:
        return isinstance(one, _datetime)  # also those that C code made


class _WrongDateTime(_datetime, metaclass=_AnyDateTime):
    @classmethod
    def now(cls, tz: datetime.tzinfo | None = None) -> "datetime.datetime":  # type: ignore[override]
        return super().now(tz) + datetime.timedelta(seconds=_OFF_BY)

    @classmethod
    def utcnow(cls) -> "datetime.datetime":  # type: ignore[override]
        return super().utcnow() + datetime.timedelta(seconds=_OFF_BY)


if _OFF_BY:
    time.time = lambda: _time() + _OFF_BY
    time.time_ns = lambda: _time_ns() + int(_OFF_BY * 1_000_000_000)
    time.gmtime = lambda seconds=None: _gmtime(time.time() if seconds is None else seconds)
    time.localtime = lambda seconds=None: _localtime(time.time() if seconds is None else seconds)
    datetime.datetime = _WrongDateTime  # type: ignore[misc]
