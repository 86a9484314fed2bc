"""Read by Python at its start from PYTHONPATH: this process believes its host's clock to be off, by what CLOCK_FILE says now.

Only the time of day is wrong; the monotonic clock, by which every process measures how long something took, is right, as
it is on a host whose clock was set wrongly, or is set while it runs.
"""

import datetime
import mmap
import os
import struct
import sys
import time
from collections.abc import Callable

_FILE = os.environ.get("CLOCK_FILE")
_time, _time_ns = time.time, time.time_ns
_gmtime, _localtime = time.gmtime, time.localtime
_datetime = datetime.datetime


class _AnyDateTime(type):
    def __instancecheck__(cls, one: object) -> bool:
        return isinstance(one, _datetime)  # also those that C code made


class _WrongDateTime(_datetime, metaclass=_AnyDateTime):
    @classmethod
    def now(cls, tz: datetime.tzinfo | None = None) -> "datetime.datetime":  # type: ignore[override]
        return super().now(tz) + datetime.timedelta(seconds=_off_by())

    @classmethod
    def utcnow(cls) -> "datetime.datetime":  # type: ignore[override]
        return super().utcnow() + datetime.timedelta(seconds=_off_by())


def _off_by() -> float:
    seconds: float = struct.unpack_from("d", _shown)[0]
    return seconds


def _shifted() -> float:
    # gRPC hands its deadlines, as times of day, to a library in C that compares them with the right clock: on a host both
    # are wrong alike.
    return _time() if str(sys._getframe(1).f_globals.get("__name__")).startswith("grpc") else _time() + _off_by()


def _broken_down(
    convert: Callable[[float], time.struct_time],
) -> Callable[[float | None], time.struct_time]:
    return lambda seconds=None: convert(_time() + _off_by() if seconds is None else seconds)


if _FILE:
    with open(_FILE, "rb") as _file:
        _shown = mmap.mmap(_file.fileno(), 0, access=mmap.ACCESS_READ)
    time.time = _shifted
    time.time_ns = lambda: _time_ns() + int(_off_by() * 1_000_000_000)
    time.gmtime = _broken_down(_gmtime)
    time.localtime = _broken_down(_localtime)
    datetime.datetime = _WrongDateTime  # type: ignore[misc]
