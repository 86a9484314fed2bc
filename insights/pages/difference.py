"""A comparison of two runs as the page shows it: each value ready to be read."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from runs.domain.events import JsonObject

NOTHING = "–"


@dataclass(frozen=True, slots=True)
class Line:
    """One thing compared: what the left run has, what the right one has, and what that comes to."""

    name: str
    left: str
    right: str
    verdict: str
    is_same: bool


@dataclass(frozen=True, slots=True)
class Names:
    """Names that one of the two has and the other lacks, and those of both."""

    title: str
    only_left: tuple[str, ...]
    only_right: tuple[str, ...]
    both: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """Two runs side by side."""

    left: str
    right: str
    lines: tuple[Line, ...]
    names: tuple[Names, ...]


def difference_of(compared: JsonObject) -> Difference:
    """The answer of a comparison in words."""
    left, right = _member(compared, "left"), _member(compared, "right")
    return Difference(
        left=str(left["runId"]),
        right=str(right["runId"]),
        lines=(
            _line("Status", str(left["status"]), str(right["status"])),
            _line("Mode", str(left.get("modeName", NOTHING)), str(right.get("modeName", NOTHING))),
            _durations(left, right, cast("int | None", compared.get("durationDeltaMs"))),
            _confidence(cast("float | None", compared.get("confidenceDelta"))),
        ),
        names=(
            _names("Participants", _member(compared, "participantsDiff")),
            _names("Signals", _member(compared, "signalsDiff")),
        ),
    )


def lasting(milliseconds: int) -> str:
    """A time in its two largest units."""
    if milliseconds < 1_000:
        return f"{milliseconds} ms"
    seconds = milliseconds // 1_000
    if seconds < 60:
        return f"{milliseconds / 1_000:.1f} s"
    if seconds < 3_600:
        return f"{seconds // 60} min {seconds % 60} s"
    return f"{seconds // 3_600} h {seconds // 60 % 60} min"


def _line(name: str, left: str, right: str) -> Line:
    same = left == right
    return Line(name=name, left=left, right=right, verdict="the same" if same else "different", is_same=same)


def _durations(left: Mapping[str, object], right: Mapping[str, object], delta: int | None) -> Line:
    shown = [_duration(side.get("durationMs")) for side in (left, right)]
    verdict = NOTHING if delta is None else "the same" if delta == 0 else _more(delta)
    return Line(name="Duration", left=shown[0], right=shown[1], verdict=verdict, is_same=not delta)


def _duration(value: object) -> str:
    return lasting(value) if isinstance(value, int) else NOTHING


def _more(delta: int) -> str:
    return f"right took {lasting(abs(delta))} {'longer' if delta > 0 else 'less'}"


def _confidence(delta: float | None) -> Line:
    """A comparison says by how much it differs; how high it is stands in the panels."""
    if delta is None:
        verdict = NOTHING
    elif delta == 0:
        verdict = "the same"
    else:
        verdict = f"right is {abs(delta) * 100:.4g} points {'higher' if delta > 0 else 'lower'}"
    return Line(name="Confidence", left="", right="", verdict=verdict, is_same=not delta)


def _names(title: str, found: Mapping[str, object]) -> Names:
    removed, added, common = (tuple(cast("list[str]", found.get(key, []))) for key in ("removed", "added", "common"))
    return Names(title=title, only_left=removed, only_right=added, both=common)


def _member(document: Mapping[str, object], name: str) -> Mapping[str, object]:
    return cast("Mapping[str, object]", document[name])
