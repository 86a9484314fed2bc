"""One playing of a story: it starts processes, arms the one that is to die, replaces what has died, and waits for rows."""

from tests.crash_matrix import stage  # isort: skip  # First: it sets Django up, which models need to be imported.

import json
import os
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

import grpc

from runs.api.requests import read_execution_request
from runs.audit import Actor
from runs.crashpoint import CRASH_AT, CRASH_TRACE
from runs.models import Observer, Run
from runs.models.project import DEFAULT_PROJECT_ID
from runs.operations.launch import launch_run
from tests.crash_matrix.agents import MODE, PEOPLE, Agents
from tests.crash_matrix.caller import ThreadOfCaller
from tests.crash_matrix.cells import Cell
from tests.crash_matrix.process import Process

CALLER, OBSERVER, SWEEP = "caller", "observer", "sweep"
SCENERY = "first observer"  # there to be killed by the story: never armed, and not traced
# Longer than any story takes: a lease, a sweep, the start of processes on a busy machine, the deadlines of the story.
BOUND_SECONDS = 60.0
LOOK_SECONDS = 0.05
DYING_SECONDS = 2.0
CREATED = 201
MOST_REPLACEMENTS = 8
LOST_LEASE = 70  # an observer that could not beat in time has ended itself: whoever started it starts a new one

MANAGE = str(stage.ROOT / "manage.py")

Body = dict[str, object]
Call = Process | ThreadOfCaller


class Broken(Exception):
    """The story did not go on: something did not happen within its bound, or a process ended as none should."""


@dataclass(slots=True)
class Staged:
    """One run of the story, who speaks in its session, and which endings it may come to, as `status/code`."""

    run_id: UUID
    agents: Agents
    endings: Sequence[str]

    @property
    def run(self) -> Run:
        """The run as it is now."""
        return Run.objects.select_related("session").get(id=self.run_id)


class Play:
    """What a story may do. With a cell one process of it is armed; with `traces` every process records its places."""

    def __init__(
        self,
        *,
        scenario: str,
        seed: int,
        runtime_address: str,
        channel: grpc.Channel,
        folder: Path,
        cell: Cell | None = None,
        traces: bool = False,
    ) -> None:
        self.random = random.Random(f"{scenario}/{seed}")
        self.runs: list[Staged] = []
        self.settings: dict[str, str] = {}  # of the processes of this story
        self.died_at: float | None = None  # when the armed process was killed, by the monotonic clock
        self._cell = cell
        self._traces = traces
        self.folder = folder
        self._runtime_address = runtime_address
        self._channel = channel
        self._watched: list[Process] = []
        self._past: list[Call] = []
        self._replacements = 0

    # --- runs ---------------------------------------------------------------------------------------------------------

    def launch(
        self,
        *endings: str,
        kind: str = "macp",
        options: Body | None = None,
        session: Body | None = None,
        timeouts: Body | None = None,
        **more: object,
    ) -> Staged:
        """A queued run that may come to these endings."""
        return self._staged(_launched(_body(kind, options, session, timeouts, more)), endings)

    def ask_for(self, *endings: str, session: Body | None = None, **more: object) -> Staged:
        """The same, asked for over the API."""
        answer = self.answer(self.post("/runs", _body("macp", None, session, None, more)))
        created = answer["body"]
        self.expect(answer["status"] == CREATED and isinstance(created, dict), f"POST /runs was answered with {answer}")
        assert isinstance(created, dict)
        return self._staged(UUID(created["runId"]), endings)

    def _staged(self, run_id: UUID, endings: Sequence[str]) -> Staged:
        session_id = Run.objects.values_list("session_id", flat=True).get(id=run_id)
        staged = Staged(run_id, Agents(self._channel, str(session_id)), endings)
        self.runs.append(staged)
        return staged

    # --- processes ----------------------------------------------------------------------------------------------------

    def start(self, role: str = OBSERVER) -> None:
        """An observer runs, and runs again should it die, until it is stopped or killed."""
        self._watched.append(self._started(role, (MANAGE, "observe_runs")))

    def stop(self, role: str = OBSERVER) -> None:
        """The observer was asked to stop, and has ended."""
        process = self._no_longer_watched(role)
        process.ask_to_stop()
        self._note_death(process)

    def kill(self, role: str = OBSERVER) -> None:
        """The observer is gone at once; nobody replaces it."""
        self._no_longer_watched(role).kill()

    def sweep(self) -> None:
        """`manage.py sweep --once` has run to its end, perhaps at the second attempt."""
        self.manage(SWEEP, "sweep", "--once")

    def manage(self, role: str, *arguments: str) -> None:
        """`manage.py ...` has run to its end, perhaps at the second attempt."""
        self._run_to_its_end(self._started(role, (MANAGE, *arguments)))

    def post(self, path: str, body: Body, *, is_left: bool = False) -> Call:
        """The API is being asked; `answer` waits for it, `give_up` kills a caller that is to be left without one."""
        if is_left or self._traces or (self._cell is not None and self._cell.place.role == CALLER):
            return self._started(CALLER, ("-m", "tests.crash_matrix.caller", path, json.dumps(body)))
        return ThreadOfCaller(path, json.dumps(body))

    def answer(self, call: Call) -> Body:
        """What the API answered; a caller whose call was cut off calls again."""
        return self._run_to_its_end(call).answer()

    def give_up(self, call: Call) -> None:
        """The caller is gone before it had its answer."""
        assert isinstance(call, Process)
        self._note_death(call)
        call.kill()
        self._past.append(call)

    def expect(self, holds: bool, otherwise: str) -> None:
        """The story goes on only if this holds."""
        if not holds:
            raise Broken(otherwise)

    def until(self, condition: Callable[[], bool], what: str) -> None:
        """The condition holds; meanwhile whatever died was replaced."""
        deadline = time.monotonic() + BOUND_SECONDS
        while not condition():
            if time.monotonic() > deadline:
                raise Broken(f"{what} did not happen within {BOUND_SECONDS:.0f} s")
            self._replace_the_dead()
            time.sleep(LOOK_SECONDS)

    def until_all_is_over(self) -> None:
        """Every run has ended, and nothing is left to do for any of them."""
        self.until(lambda: all(is_over(one.run) for one in self.runs), "the ending of every run, cleaned up")

    def see_it_die(self) -> None:
        """An observer that was to die after the last commit of the story has died, and another one has looked after it."""
        deadline = time.monotonic() + DYING_SECONDS
        while any(one.is_armed and one.status is None for one in self._watched) and time.monotonic() < deadline:
            time.sleep(LOOK_SECONDS)
        known = Observer.objects.count()
        if any(one.is_armed and one.was_killed for one in self._watched):
            self.until(lambda: Observer.objects.count() > known, "the start of another observer")

    def close(self) -> None:
        """No process of the story lives, and no agent speaks."""
        for one in self.runs:
            one.agents.fall_silent()
        for process in self._watched:
            process.kill()

    def last_words(self) -> str:
        """What every process of the story said last."""
        return "\n".join(process.last_words() for process in (*self._past, *self._watched))

    def _started(self, role: str, command: tuple[str, ...]) -> Process:
        is_armed = self._cell is not None and self._cell.place.role == role and self.died_at is None
        is_traced = self._traces and role != SCENERY
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("RUNTIME_", "OBSERVER_"))},
            **stage.SETTINGS,
            "DATABASE_URL": stage.lane_url(),
            "SIGNALBOX_PROCESS": "observer" if role.endswith(OBSERVER) else role,
            "LOG_LEVEL": "info",
            "RUNTIME_ADDRESS": self._runtime_address,
            "RUNTIME_ALLOW_INSECURE": "true",
            "SESSION_DISCOVERY_ENABLED": "false",  # the runtime still has sessions of earlier cells
            "STREAM_BACKOFF_BASE_MS": "50",
            **self.settings,
        }
        if is_armed and self._cell is not None:
            environment[CRASH_AT] = f"{self._cell.place.label}:{self._cell.nth}"
        if is_traced:
            number = len(self._past) + len(self._watched)
            environment[CRASH_TRACE] = str(self.folder / f"{role}.{number}.trace")
        return Process(role, command, environment, self.folder, is_armed=is_armed)

    def _no_longer_watched(self, role: str) -> Process:
        self._replace_the_dead()
        process = next(one for one in self._watched if one.role == role)
        self._watched.remove(process)
        self._past.append(process)
        return process

    def _run_to_its_end(self, process: Call) -> Call:
        """The one that came to its end: the one given, or the one that took the place of a killed one."""
        while True:
            self.until(lambda one=process: one.status is not None, f"the end of the {process.role}")  # type: ignore[misc]
            self._past.append(process)
            if not isinstance(process, Process) or not self._note_death(process):
                return process
            process = self._started(process.role, process.command)

    def _replace_the_dead(self) -> None:
        for process in [one for one in self._watched if one.status is not None]:
            self._watched.remove(process)
            self._past.append(process)
            self._replacements += 1
            is_expected = self._note_death(process) or process.status == LOST_LEASE
            if not is_expected or self._replacements > MOST_REPLACEMENTS:
                raise Broken(f"the {process.role} ended with {process.status}")
            self._watched.append(self._started(process.role, process.command))

    def _note_death(self, process: Process) -> bool:
        """True if the armed process died as it should."""
        if not (process.is_armed and process.was_killed):
            return False
        self.died_at = time.monotonic()
        return True


def is_over(run: Run) -> bool:
    """True once the run has ended and nothing is left to do for it."""
    return run.has_ended and run.cleanup_status != "pending"


def _launched(body: Body) -> UUID:
    return launch_run(
        project_id=DEFAULT_PROJECT_ID,
        request=read_execution_request(body),
        idempotency_key=None,
        traceparent=None,
        actor=Actor(name=stage.API_KEY),
        request_id=None,
    ).run_id


def _body(
    kind: str, options: Body | None, session: Body | None, timeouts: Body | None, more: Mapping[str, object]
) -> Body:
    return {
        "mode": "live",
        "runtime": {"kind": kind, "options": options or {}},
        "session": {
            "modeName": MODE,
            "modeVersion": "1.0.0",
            "configurationVersion": "config.default",
            "ttlMs": 600_000,
            "participants": [{"id": one} for one in PEOPLE],
            **(session or {}),
        },
        "execution": {"idempotencyKey": str(uuid4()), "timeouts": timeouts or {}},
        **more,
    }
