"""`manage.py up`: ready once, alive again after any death, gone within ten seconds, and no orphan ever."""

import json
import os
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.postgres_cluster import delete_cluster
from config.process_identity import ProcessIdentity
from tests.processes import ManageCommand, identities, processes_of, wait_until, wait_until_dead

pytestmark = pytest.mark.acceptance

EVERYBODY = {"supervisor", "watcher", "postgres", "web", "observer", "queue"}


class Service:
    """`manage.py up` in a folder of its own."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.command = self.start()

    def start(self, port: int = 0) -> ManageCommand:
        """Another `up` on the same folder."""
        return ManageCommand("up", "--port", str(port), "--data", str(self.data))

    def wait_until_ready(self) -> int:
        """The port it listens on."""
        return int(self.command.wait_for_line("ready http://127.0.0.1:").rpartition(":")[2])

    def pid(self, name: str) -> int:
        """The pid of one of its processes; 0 while there is none."""
        return processes_of(self.data).get(name, 0)

    def wait_for_another(self, name: str, than: int) -> int:
        """The pid of the process that came after `than`."""
        wait_until(lambda: self.pid(name) not in (0, than), within_s=20, what=f"another {name}")
        return self.pid(name)


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    service = Service(tmp_path / "data")
    try:
        yield service
    finally:
        left = [found for pid in processes_of(service.data).values() if (found := ProcessIdentity.of(pid))]
        service.command.end()
        try:
            wait_until_dead(left, within_s=20)
        finally:
            # A broken watcher fails the test; it must not leave its orphans to the machine.
            for process in left:
                process.send_to_group(signal.SIGKILL)
            delete_cluster(service.data / "postgres")


def test_everything_runs_and_is_listed_once_it_is_ready(service: Service) -> None:
    port = service.wait_until_ready()
    assert set(processes_of(service.data)) == EVERYBODY
    identities(processes_of(service.data).values())
    assert service.command.said("migrate |   Applying")
    assert service.command.said("observer | here")
    with socket.create_connection(("127.0.0.1", port), timeout=5):
        pass


def test_sigterm_ends_everything_within_ten_seconds(service: Service) -> None:
    service.wait_until_ready()
    everybody = identities(processes_of(service.data).values())
    began = time.monotonic()
    service.command.send(signal.SIGTERM)
    assert service.command.wait(within_s=10) == 0
    assert time.monotonic() - began < 10
    assert not any(process.is_alive for process in everybody)
    assert processes_of(service.data) == {}


def test_a_child_that_ignores_sigterm_is_killed_in_time(service: Service) -> None:
    service.wait_until_ready()
    everybody = identities(processes_of(service.data).values())
    os.kill(service.pid("observer"), signal.SIGSTOP)
    service.command.send(signal.SIGTERM)
    assert service.command.wait(within_s=10) == 0
    assert not any(process.is_alive for process in everybody)


def test_no_orphan_is_left_when_the_supervisor_is_killed(service: Service) -> None:
    service.wait_until_ready()
    everybody = identities(processes_of(service.data).values())
    service.command.send(signal.SIGKILL)
    wait_until_dead(everybody, within_s=15)


def test_a_killed_watcher_is_replaced_and_still_knows_everybody(service: Service) -> None:
    service.wait_until_ready()
    first = service.pid("watcher")
    os.kill(first, signal.SIGKILL)
    service.wait_for_another("watcher", first)
    everybody = identities(processes_of(service.data).values())
    service.command.send(signal.SIGKILL)
    wait_until_dead(everybody, within_s=15)


def test_a_child_that_dies_comes_back_and_the_service_is_ready_once(service: Service) -> None:
    service.wait_until_ready()
    first = service.pid("web")
    os.kill(first, signal.SIGKILL)
    service.wait_for_another("web", first)
    assert service.command.said("web | ended with signal SIGKILL; starting it again in 0.5 s")
    service.command.send(signal.SIGTERM)
    assert service.command.wait(within_s=10) == 0
    assert sum(line.startswith("ready ") for line in service.command.lines) == 1


def test_a_killed_database_comes_back_at_the_same_address(service: Service) -> None:
    service.wait_until_ready()
    address = json.loads((service.data / "postgres" / "postgres.json").read_text())
    os.kill(address["pid"], signal.SIGKILL)
    service.wait_for_another("postgres", address["pid"])
    again = json.loads((service.data / "postgres" / "postgres.json").read_text())
    assert (again["host"], again["port"], again["password"]) == (address["host"], address["port"], address["password"])


def test_after_a_kill_the_next_start_waits_for_the_clean_up_and_takes_the_same_port(service: Service) -> None:
    port = service.wait_until_ready()
    service.command.send(signal.SIGKILL)
    service.command = service.start(port)
    assert service.wait_until_ready() == port


def test_a_second_start_on_the_same_folder_is_refused_with_the_reason(service: Service) -> None:
    port = service.wait_until_ready()
    elsewhere, same_port = service.start(), service.start(port)
    assert (elsewhere.wait(within_s=20), same_port.wait(within_s=20)) == (1, 1)
    assert elsewhere.said(f"Signalbox already runs: {service.data} is already in use by process {service.command.pid}")
    assert same_port.said(f"port {port} on 127.0.0.1 is already in use")


def test_a_port_in_use_is_said_at_once(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = ManageCommand("up", "--port", str(port), "--data", str(tmp_path))
        assert command.wait(within_s=10) == 1
    assert command.said(f"port {port} on 127.0.0.1 is already in use: stop what uses it, or choose another with --port")
    assert not (tmp_path / "postgres").exists()


def test_a_migration_that_fails_ends_everything_with_exit_status_1(tmp_path: Path) -> None:
    environment = {"DATABASE_URL": "postgres://nobody:x@127.0.0.1:1/nothing"}
    command = ManageCommand("up", "--port", "0", "--data", str(tmp_path), environment=environment)
    assert command.wait(within_s=20) == 1
    assert command.said("migrate failed")


def test_a_server_that_db_start_owns_is_used_and_left_running(tmp_path: Path) -> None:
    database = ManageCommand("db", "start", "--data", str(tmp_path))
    try:
        database.wait_for_line("ready ")
        command = ManageCommand("up", "--port", "0", "--data", str(tmp_path))
        command.wait_for_line("PostgreSQL is already running")
        command.wait_for_line("ready http://")
        assert "postgres" not in processes_of(tmp_path)
        command.send(signal.SIGINT)
        assert command.wait(within_s=10) == 0
        status = ManageCommand("db", "status", "--data", str(tmp_path))
        assert status.wait(within_s=10) == 0
        database.send(signal.SIGTERM)
        assert database.wait(within_s=10) == 0
    finally:
        database.end()
        delete_cluster(tmp_path / "postgres")
