"""The data folder of the embedded PostgreSQL: made whole or not at all, and opened only by the version that made it."""

import logging
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from config.postgres_account import Account
from config.postgres_binaries import Binaries, reachable_binaries
from config.private_folder import UnsafeFolder, new_private_folder
from config.process_identity import ProcessIdentity, command_name, working_folder

USER = "signalbox"

_TUNING = {
    "listen_addresses": "127.0.0.1",
    # TCP with a password alone: a socket's path may have 107 bytes at most, and deep folders have more.
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "wal_compression": "on",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "logging_collector": "off",
}
_THROWAWAY_TUNING = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}

log = logging.getLogger("signalbox.postgres")


class PostgresFailed(Exception):
    """The embedded PostgreSQL cannot be started."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """One data folder with the programs and the account that open it."""

    directory: Path
    binaries: Binaries
    account: Account

    @property
    def data(self) -> Path:
        """PGDATA; a link to a private folder where the account of PostgreSQL cannot reach `directory`."""
        return self.directory / "data"

    @classmethod
    def open(cls, directory: Path, binaries: Binaries, account: Account, *, new_password: str) -> "Cluster":
        """The data folder exists and fits the programs; a new one lets `USER` in with `new_password`."""
        try:
            cluster = cls(directory, reachable_binaries(binaries, account), account)
        except UnsafeFolder as fault:
            raise PostgresFailed(str(fault)) from fault
        if cluster.data.is_symlink() and not cluster.data.exists():
            raise PostgresFailed(
                f"the data of {directory} lay in {cluster.data.readlink()}, which is gone; "
                f"restore it, or delete {cluster.data} to begin with an empty database"
            )
        if not cluster.data.exists():
            cluster._create(new_password)
        cluster._check_version()
        return cluster

    @staticmethod
    def exists(directory: Path) -> bool:
        """True when the folder has held a database before."""
        return (directory / "data").is_symlink() or (directory / "data").exists()

    def server_command(self, port: int, *, throwaway: bool) -> list[str]:
        """The command line of the server; `throwaway` trades durability for speed."""
        tuning = {**_TUNING, "port": str(port), **(_THROWAWAY_TUNING if throwaway else {})}
        options = [argument for name, value in tuning.items() for argument in ("-c", f"{name}={value}")]
        return [str(self.binaries.tool("postgres")), "-D", str(self.data.resolve()), *options]

    def set_password(self, password: str) -> None:
        """`USER` is let in with this password; no server may be running."""
        command = [str(self.binaries.tool("postgres")), "--single", "-D", str(self.data.resolve()), "postgres"]
        answer = self.account.run(command, stdin=f"ALTER ROLE {USER} PASSWORD '{password}'\n")
        if answer.returncode != 0:
            raise PostgresFailed(f"the password could not be set: {answer.stderr.strip()}")

    def _create(self, password: str) -> None:
        # PG_VERSION appears early in initdb: only the rename at the end tells a whole cluster from half of one.
        unfinished = self._empty_folder()
        password_file = unfinished.with_name("password.new")
        password_file.touch(mode=0o600)
        password_file.write_text(password)
        self.account.give(password_file)
        options = ["--no-sync", "--no-locale", "-E", "UTF8", "-A", "scram-sha-256", "-U", USER]
        answer = self.account.run(
            [self.binaries.tool("initdb"), *options, f"--pwfile={password_file}", "-D", unfinished]
        )
        password_file.unlink()
        if answer.returncode != 0:
            raise PostgresFailed(f"initdb failed in {unfinished}: {answer.stderr.strip()}")
        data = unfinished.rename(unfinished.with_name("data"))
        if data != self.data:
            self.data.symlink_to(data)
            log.warning("the account of PostgreSQL cannot reach %s; its data is in %s", self.directory, data)
        log.info("created a PostgreSQL %s data folder in %s", self.binaries.version, data)

    def _empty_folder(self) -> Path:
        for home in self._homes():
            folder = home / "data.new"
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(mode=0o700, parents=True)
            self.account.give(folder)
            if self.account.can_write(folder):
                return folder
            folder.rmdir()
        raise PostgresFailed(f"the account of PostgreSQL can write neither in {self.directory} nor below /var/tmp")

    def _homes(self) -> Iterator[Path]:
        yield self.directory
        yield new_private_folder()

    def _check_version(self) -> None:
        try:
            made_by = (self.data / "PG_VERSION").read_text().strip()
        except OSError as fault:
            raise PostgresFailed(f"{self.data} is not a PostgreSQL data folder: {fault}") from fault
        if made_by != str(self.binaries.major):
            raise PostgresFailed(
                f"{self.directory} was made by PostgreSQL {made_by}, but the programs in {self.binaries.folder} are "
                f"version {self.binaries.version}. Set PGBIN to the programs of version {made_by}; "
                "to move up, dump with the old version and restore into a new folder"
            )


def leftover_server(directory: Path) -> ProcessIdentity | None:
    """The server that still runs on a data folder after its owner died; a zombie or a stranger is none."""
    data = (directory / "data").resolve()
    try:
        pid = int((data / "postmaster.pid").read_text().split("\n", 1)[0])
    except (OSError, ValueError):
        return None
    server = ProcessIdentity.of(pid)
    ours = command_name(pid) == "postgres" and working_folder(pid) in (None, data)
    return server if server is not None and ours else None


def forget_dead_server(directory: Path) -> None:
    """No pid file is left that would keep a new server from starting; only for the owner of the folder."""
    (directory / "data" / "postmaster.pid").unlink(missing_ok=True)


def delete_cluster(directory: Path) -> None:
    """The folder is gone, and so is the private folder that holds its data, if there is one."""
    data = directory / "data"
    if data.is_symlink():
        shutil.rmtree(data.readlink().parent, ignore_errors=True)
    shutil.rmtree(directory, ignore_errors=True)
