"""Showing a stream of frames to a person, wherever the frames come from."""

from collections.abc import AsyncIterable
from dataclasses import dataclass

import orjson

from runs.streaming.burst import Burst
from runs.streaming.frame import Frame
from runs.streaming.terminal import Screen

EXIT_CODES = {"completed": 0, "failed": 1, "cancelled": 2}


class StreamFailed(Exception):
    """The stream broke off with an error."""


@dataclass
class View:
    """What was shown of a run so far: the number of its last event, and the status it ended with."""

    screen: Screen
    cursor: int = 0
    status: str | None = None

    async def show(self, bursts: AsyncIterable[Burst]) -> None:
        """Every frame is on the screen. Raises StreamFailed at an error frame."""
        async for burst in bursts:
            for frame in burst:
                self._show(frame)

    def _show(self, frame: Frame) -> None:
        content = orjson.loads(frame.data)
        if frame.event == "canonical_event":
            self.screen.event(content)
            self.cursor = content["seq"]
        elif frame.event == "snapshot":
            self.screen.state(content)
        elif frame.event == "end":
            self.screen.ending(content)
            self.status = content["status"]
        elif frame.event == "error":
            raise StreamFailed(content["message"])
