"""Members of an event's data as the catalogue types them, or their absence.

Agents write most of the data, so nothing here trusts it: what is missing, empty, mistyped or absurd is read as absent.
"""

from collections.abc import Mapping, Sequence
from typing import TypeVar

from runs.domain.events import JsonObject
from runs.domain.projection import bounds

E = TypeVar("E")

_EXACT = 2**53  # numbers beyond it do not survive every JSON reader
_PLAUSIBLE = 10**12  # of tokens or milliseconds; sums of these still fit 64 bits after millions of calls


def text(value: object) -> str | None:
    """A text that is not empty, or None."""
    return value if isinstance(value, str) and value else None


def prose(value: object) -> str | None:
    """A free text, cut to what a projection keeps of one."""
    return value[: bounds.PROSE] if isinstance(value, str) and value else None


def texts(value: object, cap: int | None = None) -> list[str]:
    """The texts of a list, the last `cap` of them; empty for anything else."""
    if not isinstance(value, (list, tuple)):
        return []
    found = [item for item in value if isinstance(item, str) and item]
    return found if cap is None else found[-cap:]


def reasons(value: object) -> list[str]:
    """Reasons given as one text or as a list of them."""
    given = [value] if isinstance(value, str) else value
    return [item[: bounds.PROSE] for item in texts(given, bounds.REASONS)]


def number(value: object) -> int | float | None:
    """A finite number that every JSON reader reads alike, or None; true, false and NaN are no numbers."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return value if -_EXACT <= value <= _EXACT else None


def count(value: object) -> int | None:
    """A whole number from 0 up, or None."""
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 <= value <= _PLAUSIBLE else None


def content(value: object) -> Mapping[str, object]:
    """A payload as an object, out of the `{json: ...}` wrapper of payloads of unknown types."""
    if isinstance(value, dict) and isinstance(value.get("json"), dict) and value.get("encoding") == "json":
        value = value["json"]
    return value if isinstance(value, dict) else {}


def first_text(payload: Mapping[str, object], *names: str) -> str | None:
    """The first member of these names that is a text."""
    for name in names:
        value = payload.get(name)
        if isinstance(value, str) and value:
            return value
    return None


def present(**members: object) -> JsonObject:
    """An object of the given members, without the absent ones."""
    return {name: value for name, value in members.items() if value is not None}


def kept(entries: Sequence[E], entry: E, cap: int) -> list[E]:
    """A new list with `entry` last, cut to the last `cap`."""
    return [*entries, entry][-cap:]
