"""The steps of the drill: what is done to the service, what is expected, and what was seen."""

import asyncio
import contextlib
import json
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

from config.drill.stage import Log, Stage, Unexpected
from config.drill.troupe import LEASE_S, SWEEP_S, Player
from config.drill.viewer import Viewer

TAKE_OVER_S = LEASE_S + SWEEP_S + 2 + 2  # and a little for a busy machine
HAND_BACK_S = 2.0
EVENTS, RATE = 300, 100
LONG = 900  # still going on when a frozen observer wakes up
FINALISERS = 20
NET_S = 100.0  # its schedule comes every minute


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that is done to the service. `play` says what was seen, or raises Unexpected."""

    name: str
    what: str
    expected: str
    play: Callable[[Stage], Awaitable[str]]


async def ordinary(stage: Stage) -> str:
    """Nobody is killed."""
    async with stage.troupe.playing("observer-1"):
        run_id = await stage.launch(scenario="decision")
        return _told(_resolved(await stage.ended(run_id)))


async def kill(stage: Stage) -> str:
    """The owner is killed in the middle of the stream."""
    async with _two_observers(stage) as players:
        run_id = await _in_mid_run(stage)
        await (await stage.owner_of(run_id, players)).vanish()
        seconds = await _taken_over(stage, run_id)
        return f"taken over after {seconds:.1f} s, {_told(_complete(await stage.ended(run_id)))}"


async def kill_early(stage: Stage) -> str:
    """The owner dies between two steps of the launch, before the runtime has said anything."""
    async with stage.troupe.playing("observer-1", CRASH_AT="session.start.before_call") as players:
        run_id = await stage.launch(scenario="decision")
        first = players[0].pid
        await stage.until(lambda: players[0].pid != first, "the death of the observer")
        await players[0].vanish()
    async with stage.troupe.playing("observer-2"):
        return _told(_resolved(await stage.ended(run_id)))


async def freeze(stage: Stage) -> str:
    """The owner stands still for three leases and wakes up, when the run belongs to somebody else."""
    async with _two_observers(stage) as players:
        run_id = await _in_mid_run(stage, LONG)
        owner = await stage.owner_of(run_id, players)
        frozen = owner.pid
        owner.send(signal.SIGSTOP)
        seconds = await _taken_over(stage, run_id)
        await asyncio.sleep(3 * LEASE_S - seconds)
        owner.send(signal.SIGCONT)
        await stage.until(lambda: owner.pid != frozen, "the end of the observer that woke up")
        log = _complete(await stage.ended(run_id), LONG)
        if stage.epochs_go_back(run_id):
            raise Unexpected("the observer that woke up wrote to the run")
        return f"taken over after {seconds:.1f} s, it stopped itself, {_told(log)}"


async def hand_back(stage: Stage) -> str:
    """The owner is asked to stop in the middle of the stream."""
    async with _two_observers(stage) as players:
        run_id = await _in_mid_run(stage)
        owner = await stage.owner_of(run_id, players)
        stopping = asyncio.create_task(owner.retire())
        seconds = await stage.taken_over(run_id, after=stage.epoch_of(run_id))
        await stopping
        log = _complete(await stage.ended(run_id))
        if seconds > HAND_BACK_S:
            raise Unexpected(f"handed on only after {seconds:.1f} s")
        return f"handed on after {seconds:.1f} s, {_told(log)}"


async def database(stage: Stage) -> str:
    """The database is restarted twice, or every connection cut, in the middle of the stream."""
    async with _two_observers(stage):
        run_id = await _in_mid_run(stage)
        done = [await stage.cut_database(signal.SIGINT)]
        await stage.reached(run_id, EVENTS // 2)
        done.append(await stage.cut_database(signal.SIGQUIT))
        return f"{', '.join(done)}; {_told(_complete(await stage.ended(run_id)))}"


async def finalisers(stage: Stage) -> str:
    """Twenty in two processes end one run at the same moment."""
    async with stage.troupe.playing("observer-1"):
        run_id = await stage.launch(scenario="silent")
        await stage.until(lambda: stage.is_running(run_id), "a running run")
        at = time.time() + 3
        outcomes = await asyncio.gather(*(_finish(stage, run_id, at) for _ in range(2)))
        log = await stage.ended(run_id)
    ended, lost = (sum(outcome.get(name, 0) for outcome in outcomes) for name in ("ended", "lost"))
    if (ended, lost) != (1, FINALISERS - 1):
        raise Unexpected(f"{ended} wrote an ending and {lost} knew that they lost")
    return f"one wrote it, {lost} knew that they lost; {_told(log)}"


async def viewer(stage: Stage) -> str:
    """A viewer is cut off again and again, and the owner of the run is killed meanwhile."""
    async with _two_observers(stage) as players:
        run_id = await stage.launch(scenario="load", events=EVENTS, ratePerSecond=RATE)
        watching = Viewer(stage.client, run_id)
        seeing = asyncio.create_task(watching.watch(lambda: stage.random.randint(1, 60)))
        try:
            await stage.reached(run_id, 50)
            await (await stage.owner_of(run_id, players)).vanish()
            log = _complete(await stage.ended(run_id))
            await asyncio.wait_for(seeing, TAKE_OVER_S)
        finally:
            seeing.cancel()
    if watching.events != log.events:
        raise Unexpected(
            f"{len(watching.events)} events seen in {watching.visits} visits, {len(log.events)} in the log"
        )
    return f"{len(watching.events)} events in {watching.visits} visits, the same as in the log"


async def net(stage: Stage) -> str:
    """Every observer is dead, only the queue lives: its net ends what is past its deadlines."""
    async with _two_observers(stage):
        abandoned = await stage.launch(scenario="silent", timeouts={"progressMs": 4_000})
        await stage.until(lambda: stage.is_running(abandoned), "a running run")
    never = await stage.launch(scenario="decision", timeouts={"admissionMs": 500})
    async with stage.troupe.playing("queue"):
        logs = [await stage.ended(run_id, within_s=NET_S) for run_id in (abandoned, never)]
    endings = [(log.code, log.decided_by) for log in logs]
    if endings != [("progress_timeout", "sweeper"), ("never_started", "sweeper")]:
        raise Unexpected(f"ended as {endings}")
    return "progress_timeout and never_started, decided by the sweeper"


async def invariants(stage: Stage) -> str:
    """What was promised holds for every run of the steps before."""
    status, said = await stage.troupe.run("invariants", "check_invariants")
    told = said.strip().splitlines()[-1] if said.strip() else "nothing"
    if status != 0:
        raise Unexpected(told)
    return told


STEPS = (
    Step("ordinary", "a run from its launch to its end", "completed, numbered without a gap", ordinary),
    Step(
        "kill",
        "kill -9 of the owner in mid-run",
        f"taken over within {TAKE_OVER_S} s, completed, {EVENTS + 1} messages once each",
        kill,
    ),
    Step("kill-early", "kill -9 of the owner before the first event", "completed by the next observer", kill_early),
    Step(
        "freeze",
        "SIGSTOP of the owner for three leases, then SIGCONT",
        "taken over, completed, nothing written by the one that woke up, which stops itself",
        freeze,
    ),
    Step("hand-back", "SIGTERM of the owner in mid-run", f"handed on within {HAND_BACK_S:.0f} s, completed", hand_back),
    Step("database", "PostgreSQL restarted twice in mid-run", f"completed, {EVENTS + 1} messages once each", database),
    Step(
        "finalisers",
        f"{FINALISERS} end one run at the same moment",
        f"one ending; {FINALISERS - 1} know that they lost",
        finalisers,
    ),
    Step(
        "viewer",
        "a viewer that is cut off and resumes, the owner killed meanwhile",
        "every event of the log once, in order",
        viewer,
    ),
    Step(
        "net",
        "every observer dead, only the queue alive",
        "progress_timeout and never_started, decided by the sweeper",
        net,
    ),
    Step("invariants", "every run of this drill is checked", "no violation", invariants),
)


@contextlib.asynccontextmanager
async def _two_observers(stage: Stage) -> AsyncIterator[list[Player]]:
    async with stage.troupe.playing("observer-1", "observer-2") as players:
        yield players


async def _in_mid_run(stage: Stage, events: int = EVENTS) -> UUID:
    """A run that is streaming, somewhere in its first half."""
    run_id = await stage.launch(scenario="load", events=events, ratePerSecond=RATE)
    await stage.reached(run_id, stage.random.randint(30, EVENTS // 3))
    return run_id


async def _taken_over(stage: Stage, run_id: UUID) -> float:
    seconds = await stage.taken_over(run_id, after=stage.epoch_of(run_id))
    if seconds > TAKE_OVER_S:
        raise Unexpected(f"taken over only after {seconds:.1f} s")
    return seconds


async def _finish(stage: Stage, run_id: UUID, at: float) -> dict[str, int]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "config.drill.finalisers", str(run_id), str(FINALISERS // 2), str(at)),
        cwd=stage.troupe.project,
        env={**stage.troupe.environment, "LOG_LEVEL": "warning"},  # its log would stand in the middle of the table
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        out, _ = await process.communicate()
    except asyncio.CancelledError:
        process.kill()
        await process.wait()
        raise
    outcome: dict[str, int] = json.loads(out) if process.returncode == 0 else {}
    return outcome


def _resolved(log: Log) -> Log:
    if (log.status, log.code) != ("completed", "resolved"):
        raise Unexpected(_told(log))
    return log


def _complete(log: Log, events: int = EVENTS) -> Log:
    """Resolved, with every message once."""
    if _resolved(log).messages != events + 1:
        raise Unexpected(f"{log.messages} messages instead of {events + 1}")
    return log


def _told(log: Log) -> str:
    return f"{log.status} ({log.code}), {log.messages} messages in {len(log.events)} events"
