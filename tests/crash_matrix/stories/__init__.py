"""The stories: what happens to runs in each, as if nobody died. What dies is replaced while a story waits.

A story that takes a route which does not exist is not told; it is from the day on which the route does.
"""

from tests.crash_matrix.play import Play  # isort: skip  # First: it sets Django up.

from collections.abc import Callable, Mapping

from django.urls import Resolver404, resolve

from tests.crash_matrix import labels
from tests.crash_matrix.stories import ending, launching, owners, steering

Story = Callable[[Play], None]

# By name, with the routes of a run that it takes.
_TOLD: Mapping[str, tuple[Story, tuple[str, ...]]] = {
    "launch": (launching.launch, ()),
    "scripted": (launching.scripted, ()),
    "watch": (launching.watch, ()),
    "refuse": (launching.refuse, ()),
    "end": (ending.end, ()),
    "outlast": (ending.outlast, ()),
    "take-over": (owners.take_over, ()),
    "hand-back": (owners.hand_back, ()),
    "net": (ending.net, ()),
    "suspended": (ending.suspended, ()),
    "rebuild": (launching.rebuild, ()),
    "cancel": (steering.cancel, ("cancel",)),
    "cancel by callback": (steering.cancel_by_callback, ("cancel",)),
    "suspend and resume": (steering.suspend_and_resume, ("suspend", "resume")),
    "say": (steering.say, ("signal", "context")),
    "nobody": (steering.nobody, ("signal", "suspend", "cancel")),
}
_CALLBACK = "callback.before_call"


def _can_be_told(name: str, routes: tuple[str, ...]) -> bool:
    if name == "cancel by callback" and _CALLBACK not in labels.known_to_the_source():
        return False
    return all(map(_exists, routes))


def _exists(route: str) -> bool:
    try:
        resolve(f"/runs/some-run/{route}")
    except Resolver404:
        return False
    return True


STORIES: Mapping[str, Story] = {name: story for name, (story, routes) in _TOLD.items() if _can_be_told(name, routes)}
