"""Reading a JSON body member by member: every fault is noted with its path, and reading goes on with a stand-in value.

    faults: list[FieldFault] = []
    body = Members.of(value, "", faults)
    mode = body.choice("mode", ("live", "sandbox"))
    body.refuse_others()
    if faults: raise ValidationFailed(faults)

An optional member that is null counts as absent.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from runs.api.json_values import faults_in, is_storable
from runs.domain.events import JsonObject
from runs.errors import FieldFault

T = TypeVar("T")

LONGEST_NAME = 255  # of everything that becomes a column of names
LONGEST_URL = 2000
UNBOUNDED = 1 << 30  # the body limit is the bound


class Members:
    """One JSON object while it is read; `path` is where it stands in the body, empty for the body itself."""

    def __init__(self, value: JsonObject, path: str, faults: list[FieldFault]) -> None:
        self._value = value
        self._path = path
        self._faults = faults
        self._known: set[str] = set()

    @classmethod
    def of(cls, value: object, path: str, faults: list[FieldFault]) -> "Members":
        """`value` as members; anything but an object is one fault and reads as an empty object."""
        if isinstance(value, dict):
            return cls(value, path, faults)
        faults.append(FieldFault(path or "body", "must be an object"))
        return _Silent({}, path, [])

    def fault(self, name: str, message: str) -> None:
        """Note that the member `name` breaks a rule."""
        self._faults.append(FieldFault(self._below(name), message))

    def has(self, name: str) -> bool:
        """True if the member is there and not null."""
        return self._take(name) is not None

    def says(self, name: str, text: str) -> bool:
        """True if the member is this very text."""
        return self._take(name) == text

    def refuse_others(self) -> None:
        """Every member that nobody asked for is a fault."""
        for name in self._value.keys() - self._known:
            self.fault(name if is_storable(name) else "?", "is not a known field")

    def text(self, name: str, *, longest: int = LONGEST_NAME, shortest: int = 1) -> str:
        """A required text of `shortest` to `longest` characters."""
        value = self.optional_text(name, longest=longest, shortest=shortest)
        if value is None and not self.has(name):
            self.fault(name, "is required")
        return value or ""

    def optional_text(self, name: str, *, longest: int = LONGEST_NAME, shortest: int = 0) -> str | None:
        """A text of `shortest` to `longest` characters, or None."""
        value = self._take(name)
        if value is None:
            return None
        problem = text_problem(value, longest=longest, shortest=shortest)
        if problem:
            self.fault(name, problem)
            return None
        return str(value)

    def choice(self, name: str, allowed: Sequence[str]) -> str:
        """A required text out of `allowed`."""
        value = self.optional_choice(name, allowed)
        if value is None and not self.has(name):
            self.fault(name, f"is required: {one_of(allowed)}")
        return value or allowed[0]

    def optional_choice(self, name: str, allowed: Sequence[str]) -> str | None:
        """A text out of `allowed`, or None."""
        value = self._take(name)
        if value is None:
            return None
        if value not in allowed:
            self.fault(name, f"must be {one_of(allowed)}")
            return None
        return str(value)

    def integer(self, name: str, *, least: int, most: int) -> int:
        """A required integer between `least` and `most`."""
        value = self.optional_integer(name, least=least, most=most)
        if value is None and not self.has(name):
            self.fault(name, "is required")
        return least if value is None else value

    def optional_integer(self, name: str, *, least: int, most: int) -> int | None:
        """An integer between `least` and `most`, or None."""
        value = self._take(name)
        if value is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            self.fault(name, f"must be an integer from {least} to {most}")
            return None
        return value

    def optional_number(self, name: str, *, least: float, most: float) -> float | None:
        """A number from `least` to `most`, or None."""
        value = self._take(name)
        if value is None:
            return None
        if not isinstance(value, int | float) or isinstance(value, bool) or not least <= value <= most:
            self.fault(name, f"must be a number from {least:g} to {most:g}")
            return None
        return float(value)

    def optional_boolean(self, name: str) -> bool | None:
        """True, false or None."""
        value = self._take(name)
        if value is not None and not isinstance(value, bool):
            self.fault(name, "must be true or false")
            return None
        return value

    def optional_object(self, name: str) -> JsonObject | None:
        """A free-form object, or None."""
        value = self._take(name)
        if value is None:
            return None
        if not isinstance(value, dict):
            self.fault(name, "must be an object")
            return None
        self._faults.extend(faults_in(value, self._below(name)))
        return value

    def required_child(self, name: str) -> "Members":
        """The members of a required object."""
        child = self.optional_child(name)
        if child is not None:
            return child
        self.fault(name, "is required and must be an object")
        return _Silent({}, self._below(name), [])

    def optional_child(self, name: str) -> "Members | None":
        """The members of an object, or None."""
        value = self._take(name)
        return None if value is None else Members.of(value, self._below(name), self._faults)

    def children(self, name: str, read: Callable[["Members"], T], *, most: int, least: int = 0) -> tuple[T, ...]:
        """What `read` makes of each object of a list of `least` to `most` objects."""
        return tuple(read(Members.of(item, path, self._faults)) for path, item in self._items(name, least, most))

    def texts(self, name: str, *, most: int, least: int = 0, longest: int = LONGEST_NAME) -> tuple[str, ...]:
        """A list of `least` to `most` texts, none of them empty."""
        kept = []
        for path, item in self._items(name, least, most):
            problem = text_problem(item, longest=longest, shortest=1)
            if problem:
                self._faults.append(FieldFault(path, problem))
            else:
                kept.append(str(item))
        return tuple(kept)

    def _items(self, name: str, least: int, most: int) -> Iterator[tuple[str, object]]:
        value = self._take(name)
        if value is None and not least:
            return
        if not isinstance(value, list) or not least <= len(value) <= most:
            self.fault(name, f"must be a list of {least} to {most} items")
            return
        for index, item in enumerate(value):
            yield f"{self._below(name)}[{index}]", item

    def _take(self, name: str) -> object:
        self._known.add(name)
        return self._value.get(name)

    def _below(self, name: str) -> str:
        return f"{self._path}.{name}" if self._path else name


class _Silent(Members):
    """Stands for an object that is missing, which was noted already: its members are no further faults."""

    def fault(self, name: str, message: str) -> None:
        """Noted nowhere."""

    def optional_child(self, name: str) -> Members | None:
        """Nothing below a missing object is a fault either."""
        return _Silent({}, self._below(name), [])


def text_problem(value: object, *, longest: int, shortest: int) -> str | None:
    """What is wrong with a text, or None."""
    if not isinstance(value, str):
        return "must be a string"
    if len(value) < shortest:
        return "must not be empty"
    if len(value) > longest:
        return f"must have at most {longest} characters"
    if not is_storable(value):
        return "must not contain NUL or lone surrogates"
    return None


def one_of(allowed: Sequence[str]) -> str:
    """The allowed words as a sentence says them."""
    return "one of " + ", ".join(allowed)
