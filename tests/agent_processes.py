"""Starting the agents of tests/sdk_agents, each in a process of its own."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from tests.real_runtime import RealRuntime, token_of
from tests.runtime_process import Child


def start_agent(runtime: RealRuntime, script: str, participant: str, session_id: str, *options: str) -> Child:
    """The agent runs; it waits by itself until its session exists."""
    token = token_of(participant) if runtime.participants else participant
    command = [sys.executable, "-m", f"tests.sdk_agents.{script}", "--address", runtime.address, "--id", participant]
    return Child([*command, "--token", token, "--session", session_id, *options])


@contextmanager
def agents(runtime: RealRuntime, session_id: str, cast: Sequence[tuple[str, ...]]) -> Iterator[list[Child]]:
    """Every agent of the cast, (script, participant, options ...) each, runs inside the block and none after it."""
    running = [start_agent(runtime, script, participant, session_id, *rest) for script, participant, *rest in cast]
    try:
        yield running
    finally:
        for child in running:
            child.kill()
