"""Killed in mid-stream: does the log of a run hold everything once, whenever its observer was killed?

`make bench-recovery`. First on the stand-in, which can replay: 500 envelopes at 100/s, SIGKILL at a random moment, a fresh
observer at once. Then on the real macp-runtime, where the session ends while no observer lives: what its storage cannot
replay any more must be stated in the ending, envelope by envelope. Leases are short (3 s): the moments are what matters.
"""

import argparse
import asyncio
import contextlib
import os
import random
import signal
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import grpc
import orjson
from macp.modes.decision.v1.decision_pb2 import EvaluationPayload, ProposalPayload

from tests.benchmarks.run import launched
from tests.benchmarks.stage import Stage, observer, progress, stand_in_runtime, throwaway_database
from tests.benchmarks.table import load_average, print_table
from tests.crash_matrix.agents import LEAD, Agents
from tests.real_runtime import RealRuntime, binary
from tests.runtime_process import StandInRuntime

LEASES = {"OBSERVER_BEAT_S": "1", "OBSERVER_LEASE_S": "3", "OBSERVER_SWEEP_S": "1"}
ENVELOPES, RATE = 500, 100
EARLIEST_S, LATEST_S = 0.1, ENVELOPES / RATE - 0.1
SAID = 40  # evaluations, half of them with nobody watching
ENVELOPES_OF = "SELECT count(*) FROM runs_rawobservation WHERE run_id = %s AND kind = 'stream-envelope'"
DISTINCT_OF = ENVELOPES_OF.replace("count(*)", "count(DISTINCT source_id)")
HAS_ENDED = "SELECT ending_seq IS NOT NULL FROM runs_run WHERE id = %s"
IS_RUNNING = "SELECT status = 'running' FROM runs_run WHERE id = %s"
IS_TAKEN_OVER = "SELECT lease_epoch > 1 FROM runs_run WHERE id = %s"
PARTS = 5


@dataclass(frozen=True, slots=True)
class Trial:
    """One run and one kill."""

    at: int  # envelopes that were recorded when the observer was killed
    missing: int
    doubled: int
    taken_over_s: float
    status: str


def main() -> None:
    """Prints two tables."""
    wanted = argparse.ArgumentParser(description=__doc__)
    wanted.add_argument("--trials", type=int, default=50)
    wanted.add_argument("--real-trials", type=int, default=5, help="for each storage of the real runtime")
    wanted.add_argument("--seed", type=int, default=1)
    options = wanted.parse_args()
    chance = random.Random(options.seed)
    with throwaway_database() as stage:
        trials = _replayed(stage, options.trials, chance)
        print_table(_by_moment(trials), load_average(), f"seed {options.seed}")
        if binary() is None:
            progress("no macp-runtime binary: MACP_RUNTIME_BIN names one")
        else:
            print_table(_unwatched(stage, options.real_trials, chance), load_average())


def _replayed(stage: Stage, trials: int, chance: random.Random) -> list[Trial]:
    done = []
    options = ("--script", "load", "--events", str(ENVELOPES - 2), "--rate", str(RATE))
    with stand_in_runtime(*options) as runtime, contextlib.ExitStack() as observers:
        pid = observers.enter_context(observer(stage, runtime, **LEASES))
        for number in range(trials):
            progress(f"trial {number + 1} of {trials}")
            run_id = launched("macp")
            stage.wait_until(f"SELECT ({ENVELOPES_OF}) > 0", run_id, step=0.01)
            time.sleep(chance.uniform(EARLIEST_S, LATEST_S))
            os.kill(pid, signal.SIGKILL)
            trial, pid = _followed(stage, runtime, observers, run_id)
            done.append(trial)
    return done


def _followed(
    stage: Stage, runtime: StandInRuntime, observers: contextlib.ExitStack, run_id: UUID
) -> tuple[Trial, int]:
    """What became of the run under a fresh observer, and the pid of that."""
    killed = time.monotonic()
    at = round(stage.number(ENVELOPES_OF, run_id))
    pid = observers.enter_context(observer(stage, runtime, **LEASES))
    stage.wait_until(IS_TAKEN_OVER, run_id, step=0.01)
    taken_over_s = time.monotonic() - killed
    stage.wait_until(HAS_ENDED, run_id)
    recorded, distinct = round(stage.number(ENVELOPES_OF, run_id)), round(stage.number(DISTINCT_OF, run_id))
    status = str(stage.row("SELECT status FROM runs_run WHERE id = %s", run_id)[0])
    return Trial(at, ENVELOPES - distinct, recorded - distinct, taken_over_s, status), pid


def _by_moment(trials: Sequence[Trial]) -> list[dict[str, object]]:
    part = ENVELOPES // PARTS
    parts = [(f"{low} to {low + part - 1}", [one for one in trials if low <= one.at < low + part])
             for low in range(0, ENVELOPES, part)]  # fmt: skip
    return [_row(name, some) for name, some in [*parts, ("all", list(trials))] if some]


def _row(name: str, trials: Sequence[Trial]) -> dict[str, object]:
    seconds = sorted(one.taken_over_s for one in trials)
    return {
        f"recorded of {ENVELOPES} when killed": name,
        "trials": len(trials),
        "missing": sum(one.missing for one in trials),
        "doubled": sum(one.doubled for one in trials),
        "completed": sum(one.status == "completed" for one in trials),
        "taken over after s, p50": round(seconds[len(seconds) // 2], 1),
        "max": round(seconds[-1], 1),
    }


def _unwatched(stage: Stage, trials: int, chance: random.Random) -> list[dict[str, object]]:
    rows = []
    for storage in ("memory", "file"):
        with _real_runtime(storage) as runtime, grpc.insecure_channel(runtime.address) as channel:
            for number in range(trials):
                progress(f"macp-runtime, {storage} storage, trial {number + 1} of {trials}")
                rows.append({"storage": storage, **_unwatched_end(stage, runtime, channel, chance)})
    return rows


@contextlib.contextmanager
def _real_runtime(storage: str) -> Iterator[RealRuntime]:
    with tempfile.TemporaryDirectory() as folder:
        runtime = RealRuntime(data=Path(folder) if storage == "file" else None)
        asyncio.run(runtime.start())
        try:
            yield runtime
        finally:
            runtime.kill()


def _unwatched_end(
    stage: Stage, runtime: RealRuntime, channel: grpc.Channel, chance: random.Random
) -> dict[str, object]:
    """The observer is killed somewhere in the first half of a session, which ends before another one starts."""
    run_id = launched("macp")
    agents = Agents(channel, str(stage.row("SELECT session_id FROM runs_run WHERE id = %s", run_id)[0]))
    heard = chance.randint(1, SAID // 2)
    with observer(stage, runtime, **LEASES) as pid:
        stage.wait_until(IS_RUNNING, run_id)
        assert agents.say(LEAD, "Proposal", ProposalPayload(proposal_id="p1", option="ship").SerializeToString()).ok
        _evaluate(agents, heard)
        stage.wait_until(f"SELECT ({ENVELOPES_OF}) >= %s", run_id, heard + 2)  # SessionStart and Proposal
        os.kill(pid, signal.SIGKILL)
    before = round(stage.number(ENVELOPES_OF, run_id))
    _evaluate(agents, SAID - heard)
    agents.commit()
    with observer(stage, runtime, **LEASES):
        stage.wait_until(HAS_ENDED, run_id)
    recorded, distinct = round(stage.number(ENVELOPES_OF, run_id)), round(stage.number(DISTINCT_OF, run_id))
    status, text = stage.row("SELECT status, ending FROM runs_run WHERE id = %s", run_id)
    stated = orjson.loads(str(text))["evidence"]["missing"]
    return {
        "said": SAID + 3,  # with SessionStart, Proposal and Commitment
        "recorded when killed": before,
        "in the log": distinct,
        "doubled": recorded - distinct,
        "the ending states": "nothing missing"
        if stated is None
        else f"{stated['reason']} after {stated['afterOrdinal']}",
        "status": status,
    }


def _evaluate(agents: Agents, number: int) -> None:
    told = EvaluationPayload(proposal_id="p1", recommendation="APPROVE", confidence=0.8, reason="sound")
    for _ in range(number):
        assert agents.say("a", "Evaluation", told.SerializeToString()).ok


if __name__ == "__main__":
    main()
