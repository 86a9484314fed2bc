"""The processes of a drill: each a child that is started again when it dies, as under `manage.py up`, until it is let go."""

import asyncio
import contextlib
import os
import secrets
import signal
import sys
from collections.abc import AsyncIterator, Iterable, Mapping
from pathlib import Path

from config.children import Child, ChildSpec
from config.variables import VARIABLES
from config.watcher import Watcher

MANAGE = Path(__file__).resolve().parents[2] / "manage.py"
STOP_WITHIN_S = 10.0
LOOK_S = 0.01
# What the operator's own settings decide; everything else would lead to the operator's own data or take too long.
KEPT = frozenset({"PGBIN", "RUN_RECOVERY_ENABLED", "RUN_RECOVERY_MAX_ATTEMPTS", "DB_STATEMENT_TIMEOUT_MS"})
LEASE_S, SWEEP_S = 3, 1
LEASES = {"OBSERVER_BEAT_S": "1", "OBSERVER_LEASE_S": str(LEASE_S), "OBSERVER_SWEEP_S": str(SWEEP_S)}


def environment_of(*, database_url: str, folder: Path, port: int, key: str) -> dict[str, str]:
    """The environment of the children: a service of its own, with short leases."""
    foreign = {name for variable in VARIABLES for name in (variable, f"{variable}_FILE")} - KEPT
    foreign |= {name for name in os.environ if name.startswith("CRASH_")}
    return {
        **os.environ,
        # Empty, not left out: an `.env` in the working directory fills in what is missing.
        **dict.fromkeys(foreign, ""),
        **LEASES,
        "SIGNALBOX_ENV": "development",
        "SIGNALBOX_DATA": str(folder),
        "SECRET_KEY": secrets.token_urlsafe(32),
        "DATABASE_URL": database_url,
        "AUTH_API_KEYS": f"drill={key}",
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "RUNTIME_KIND": "scripted",
        "THROTTLE_LIMIT": "1000000",  # it asks again and again until something has happened
        "PYTHONUNBUFFERED": "1",
    }


class Player:
    """One child under one name."""

    def __init__(self, child: Child) -> None:
        self._child = child
        self._life = asyncio.create_task(child.live_again_and_again())

    @property
    def name(self) -> str:
        """What it is called."""
        return self._child.spec.name

    @property
    def pid(self) -> int | None:
        """The pid of the living process; None between two lives."""
        return self._child.pid

    def send(self, number: signal.Signals) -> None:
        """The process has been sent the signal."""
        self._child.send(number)

    async def retire(self) -> None:
        """Asked to end (SIGTERM), and ended; nothing takes its place."""
        self._child.retire()
        _, late = await asyncio.wait({self._life}, timeout=STOP_WITHIN_S)
        if late:
            await self.vanish()

    async def vanish(self) -> None:
        """Gone at once (SIGKILL); nothing takes its place."""
        self._child.send(signal.SIGKILL)
        while self._child.pid is not None:  # noqa: ASYNC110 - its end is told to the one who started it
            await asyncio.sleep(LOOK_S)
        self._life.cancel()
        await asyncio.wait({self._life})


class Troupe:
    """Starts players. What they say goes to a file each."""

    def __init__(self, environment: Mapping[str, str], *, folder: Path, watcher: Watcher) -> None:
        self.environment = environment
        self.project = MANAGE.parent
        self._folder = folder
        self._watcher = watcher

    async def run(self, name: str, *arguments: str) -> tuple[int, str]:
        """The exit status of `manage.py ...` and what it said, once it has ended."""
        child = self._child(name, arguments, {})
        status = await child.live()
        return status, self._log(name).read_text(errors="replace")

    @contextlib.asynccontextmanager
    async def playing(self, *names: str, **environment: str) -> AsyncIterator[list[Player]]:
        """The processes run; afterwards none of them does. The first word of a name says which: observer, web or queue."""
        players = [Player(self._child(name, _COMMANDS[name.split("-")[0]], environment)) for name in names]
        try:
            yield players
        finally:
            await asyncio.gather(*(player.vanish() for player in players))

    def _child(self, name: str, arguments: Iterable[str], environment: Mapping[str, str]) -> Child:
        process = {"SIGNALBOX_PROCESS": name.split("-")[0]}
        spec = ChildSpec(
            name, [sys.executable, str(MANAGE), *arguments], {**self.environment, **process, **environment}
        )
        return Child(spec, watcher=self._watcher, say=self._keep, changed=_ignore)

    def _keep(self, line: str) -> None:
        name, _, said = line.partition(" | ")
        with self._log(name.split()[0]).open("a") as log:
            log.write(f"{said}\n")

    def _log(self, name: str) -> Path:
        return self._folder / f"{name}.log"


_COMMANDS: Mapping[str, tuple[str, ...]] = {
    "observer": ("observe_runs",),
    "web": ("serve_web",),
    "queue": ("qcluster",),
}


def _ignore() -> None:
    """Nobody keeps a list of these children."""
