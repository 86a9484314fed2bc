"""Take-over: how long until another living observer owns a run whose owner is gone.

`make bench-recovery`. Default settings (beat 10 s, lease 30 s, sweep 5 s), two observers, one quiet run on the stand-in.
"""

import argparse
import contextlib
import os
import random
import signal
import time

from tests.benchmarks.run import launched
from tests.benchmarks.stage import Stage, observer, progress, stand_in_runtime, throwaway_database
from tests.benchmarks.table import load_average, print_table
from tests.runtime_process import StandInRuntime

IS_RUNNING = "SELECT status = 'running' FROM runs_run WHERE id = %s"
OWNER = """
SELECT coalesce((SELECT o.process_id FROM runs_observer o WHERE o.id = r.observer_id AND o.lost_at IS NULL), 0), r.lease_epoch
  FROM runs_run r WHERE r.id = %s
"""
IS_TAKEN_OVER = """
SELECT r.lease_epoch > %s AND EXISTS (SELECT 1 FROM runs_observer o WHERE o.id = r.observer_id AND o.lost_at IS NULL)
  FROM runs_run r WHERE r.id = %s
"""
LONGEST_BEAT_S = 10  # the moment of a kill within a beat decides how long its lease still lasts
GOALS = {signal.SIGKILL: "37", signal.SIGTERM: "2"}


def main() -> None:
    """Prints one table."""
    wanted = argparse.ArgumentParser(description=__doc__)
    wanted.add_argument("--kills", type=int, default=8)
    wanted.add_argument("--stops", type=int, default=10)
    wanted.add_argument("--seed", type=int, default=1)
    options = wanted.parse_args()
    chance = random.Random(options.seed)
    with throwaway_database() as stage, stand_in_runtime() as runtime:
        stops = [_seconds(stage, runtime, signal.SIGTERM, 0.0) for _ in range(options.stops)]
        kills = [
            _seconds(stage, runtime, signal.SIGKILL, chance.uniform(0, LONGEST_BEAT_S)) for _ in range(options.kills)
        ]
    print_table([_row(signal.SIGKILL, kills), _row(signal.SIGTERM, stops)], load_average(), f"seed {options.seed}")


def _seconds(stage: Stage, runtime: StandInRuntime, number: signal.Signals, after_s: float) -> float:
    """From the signal to the next owner, `after_s` seconds after the run was running."""
    progress(f"{number.name} after {after_s:.1f} s")
    with contextlib.ExitStack() as observers:
        for _ in range(2):
            observers.enter_context(observer(stage, runtime))
        run_id = launched("macp")
        stage.wait_until(IS_RUNNING, run_id)
        time.sleep(after_s)
        pid, epoch = (int(str(value)) for value in stage.row(OWNER, run_id))
        began = time.monotonic()
        os.kill(pid, number)
        stage.wait_until(IS_TAKEN_OVER, epoch, run_id, step=0.01)
        return time.monotonic() - began


def _row(number: signal.Signals, seconds: list[float]) -> dict[str, object]:
    ordered = sorted(seconds)
    return {
        "the owner gets": number.name,
        "times": len(ordered),
        "next owner after s, min": round(ordered[0], 2),
        "p50": round(ordered[len(ordered) // 2], 2),
        "max": round(ordered[-1], 2),
        "goal": f"at most {GOALS[number]}",
    }


if __name__ == "__main__":
    main()
