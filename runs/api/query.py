"""Reading a query string: text becomes numbers, times and words; every fault is noted, what nobody asked for is ignored."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from runs.api.json_values import is_storable
from runs.api.members import one_of
from runs.errors import FieldFault, ValidationFailed

BIGGEST = 2**63 - 1  # of a bigint column
BIGGEST_OFFSET = 2**31 - 1

_INTEGER = re.compile(r"-?[0-9]{1,19}", re.ASCII)
_NUMBER = re.compile(r"[0-9]{1,19}([.][0-9]{1,40})?", re.ASCII)
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}


class Query:
    """The parameters of one request; `done` raises whatever was found wrong."""

    def __init__(self, parameters: Mapping[str, str]) -> None:
        self._parameters = parameters
        self._faults: list[FieldFault] = []

    def done(self) -> None:
        """Raises ValidationFailed with every fault noted so far."""
        if self._faults:
            raise ValidationFailed(self._faults)

    def fault(self, name: str, message: str) -> None:
        """Note that the parameter `name` breaks a rule."""
        self._faults.append(FieldFault(name, message))

    def integer(self, name: str, *, default: int, least: int, most: int) -> int:
        """A whole number from `least` to `most`."""
        found = self.optional_integer(name, least=least, most=most)
        return default if found is None else found

    def optional_integer(self, name: str, *, least: int, most: int) -> int | None:
        """A whole number from `least` to `most`, or None."""
        text = self._parameters.get(name)
        if text is None:
            return None
        if _INTEGER.fullmatch(text) and least <= int(text) <= most:
            return int(text)
        self.fault(name, f"must be an integer from {least} to {most}")
        return None

    def number(self, name: str, *, default: float, least: float, most: float) -> float:
        """A decimal number from `least` to `most`."""
        text = self._parameters.get(name)
        if text is None:
            return default
        if _NUMBER.fullmatch(text) and least <= float(text) <= most:
            return float(text)
        self.fault(name, f"must be a number from {least:g} to {most:g}")
        return default

    def boolean(self, name: str, *, default: bool) -> bool:
        """true, false, 1 or 0 in any case."""
        text = self._parameters.get(name)
        if text is None:
            return default
        if text.lower() not in _BOOLEANS:
            self.fault(name, "must be true, false, 1 or 0")
        return _BOOLEANS.get(text.lower(), default)

    def choice(self, name: str, allowed: Sequence[str]) -> str | None:
        """One of `allowed`, or None."""
        text = self._parameters.get(name)
        if text is None or text in allowed:
            return text
        self.fault(name, f"must be {one_of(allowed)}")
        return None

    def moment(self, name: str) -> datetime | None:
        """A time in ISO-8601 with an offset, in UTC."""
        text = self._parameters.get(name)
        if text is None:
            return None
        moment = _parsed_moment(text)
        if moment is None:
            self.fault(name, "must be an ISO-8601 time with an offset, e.g. 2026-01-31T09:30:00.000Z")
        return moment

    def text(self, name: str) -> str:
        """Any text; empty if absent."""
        text = self._parameters.get(name, "")
        if is_storable(text):
            return text
        self.fault(name, "must not contain NUL")
        return ""

    def words(self, name: str) -> tuple[str, ...]:
        """Words between commas; empty ones are left out."""
        return tuple(word.strip() for word in self.text(name).split(",") if word.strip())

    def page(self, *, default: int, most: int) -> tuple[int, int]:
        """`limit` and `offset`."""
        limit = self.integer("limit", default=default, least=1, most=most)
        return limit, self.integer("offset", default=0, least=0, most=BIGGEST_OFFSET)


def _parsed_moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
        return None if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
