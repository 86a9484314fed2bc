"""The stories: what happens to runs in each, as if nobody died. What dies is replaced while a story waits."""

from tests.crash_matrix.play import Play  # isort: skip  # First: it sets Django up.

from collections.abc import Callable, Mapping

from tests.crash_matrix.stories import ending, launching, owners, shelf, steering

Story = Callable[[Play], None]

# The longest first: it would keep everybody waiting at the end.
STORIES: Mapping[str, Story] = {
    "left": steering.left,
    "unowned": steering.unowned,
    "launch": launching.launch,
    "scripted": launching.scripted,
    "watch": launching.watch,
    "refuse": launching.refuse,
    "rebuild": launching.rebuild,
    "end": ending.end,
    "outlast": ending.outlast,
    "take-over": owners.take_over,
    "hand-back": owners.hand_back,
    "recover": owners.recover,
    "net": ending.net,
    "suspended": ending.suspended,
    "cancel": steering.cancel,
    "cancel by callback": steering.cancel_by_callback,
    "suspend and resume": steering.suspend_and_resume,
    "say": steering.say,
    "shelve": shelf.shelve,
}
