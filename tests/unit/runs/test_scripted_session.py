"""A scripted session: what it says is a function of plan, cursor and committed state, whoever asks."""

import asyncio
import tomllib
from pathlib import Path

from runs.domain.events import ObservationKind, SessionSnapshot, SessionState
from tests.plans import a_plan
from tests.scripted import RUNTIME, attached
from tests.streams import envelopes, is_lifecycle, read_ready, read_until, states, take, take_envelopes, types


async def test_a_played_session_says_that_it_is_resolved_and_then_nothing() -> None:
    heard = await read_ready(attached(a_plan()).observe(0))

    assert states(heard) == [SessionState.RESOLVED]
    assert is_lifecycle(heard[-1])


async def test_a_take_over_at_the_very_end_hears_the_end_again() -> None:
    plan = a_plan()
    count = len(envelopes(await read_ready(attached(plan).observe(0))))

    heard = await read_ready(attached(plan).observe(count))

    assert [one.kind for one in heard] == [ObservationKind.LIFECYCLE]
    assert states(heard) == [SessionState.RESOLVED]


async def test_a_cursor_beyond_the_script_is_taken_as_its_end() -> None:
    heard = await read_ready(attached(a_plan()).observe(10_000))

    assert states(heard) == [SessionState.RESOLVED]


async def test_the_first_envelope_has_the_id_of_the_session_start() -> None:
    plan = a_plan()
    session = attached(plan)
    started = await session.start(RUNTIME.encode_start(plan))

    [first] = await take(session.observe(0), 1)

    assert first.source_id == f"env:{started.ack.message_id}"


async def test_an_agent_opened_session_is_there_without_a_start() -> None:
    heard = await read_ready(attached(a_plan(opener="agent")).observe(0))

    assert types(heard)[0] == "SessionStart"


async def test_bytes_that_are_no_session_start_are_refused() -> None:
    answer = await attached(a_plan()).start(b"\xff")

    assert not answer.ack.ok
    assert answer.ack.error is not None
    assert answer.ack.error.code == "INVALID_ENVELOPE"


async def test_a_fresh_handle_calls_the_session_open_and_counts_nothing() -> None:
    observation = await attached(a_plan()).snapshot()

    assert isinstance(observation.body, SessionSnapshot)
    assert observation.body.state is SessionState.OPEN
    assert observation.body.message_count is None


async def test_a_snapshot_counts_the_messages_played_without_the_session_start() -> None:
    session = attached(a_plan())
    await take_envelopes(session.observe(0), 3)

    observation = await session.snapshot()

    assert isinstance(observation.body, SessionSnapshot)
    assert observation.body.message_count == 2
    assert observation.body.expires_at_unix_ms - observation.body.started_at_unix_ms == a_plan().ttl_ms


async def test_closing_a_handle_ends_its_streams() -> None:
    session = attached(a_plan(options={"scenario": "silent"}))
    stream = session.observe(0)
    await take(stream, 1)
    waiting = asyncio.ensure_future(anext(stream, None))
    await asyncio.sleep(0)

    await session.close()

    assert await asyncio.wait_for(waiting, 1) is None


async def test_a_busy_unpaced_stream_lets_other_tasks_run() -> None:
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(other())
    await read_until(attached(a_plan(options={"scenario": "load", "events": 5_000})).observe(0), is_lifecycle)
    task.cancel()

    assert turns >= 10


async def test_a_paced_session_is_not_faster_than_its_pace() -> None:
    plan = a_plan(options={"scenario": "load", "events": 200, "ratePerSecond": 1000})
    clock = asyncio.get_running_loop().time
    began = clock()

    await take_envelopes(attached(plan).observe(0), 201)

    assert clock() - began >= 0.199


async def test_the_runtime_has_the_version_of_the_package() -> None:
    package = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())

    assert (await RUNTIME.initialize()).version == package["project"]["version"]
