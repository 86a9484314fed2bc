"""Test sessions have a server of their own, and leave nothing behind."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from config.process_identity import ProcessIdentity
from tests.processes import PROJECT, wait_until, wait_until_dead

pytestmark = [pytest.mark.slow, pytest.mark.acceptance]

SAMPLE = "tests/integration/config/session_sample.py"


@contextmanager
def session(reports: Path, *arguments: str, environment: Mapping[str, str]) -> "Iterator[subprocess.Popen[str]]":
    """A pytest session over the sample tests."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_", "TEST_"))}
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", SAMPLE, *arguments],
        cwd=PROJECT,
        env={**inherited, "SAMPLE_REPORTS": str(reports), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def reports_in(folder: Path) -> list[list[str]]:
    return [json.loads(report.read_text()) for report in sorted(folder.glob("*.json"))]


def server_of(report: list[str]) -> ProcessIdentity:
    pid = int((Path(report[1]) / "postmaster.pid").read_text().split("\n", 1)[0])
    server = ProcessIdentity.of(pid)
    assert server is not None
    return server


def test_workers_share_one_server_and_have_a_database_each_whatever_database_url_says(tmp_path: Path) -> None:
    with session(tmp_path, "-n", "2", environment={"DATABASE_URL": "mysql://elsewhere/x"}) as process:
        output, _ = process.communicate(timeout=180)
    assert process.returncode == 0, output
    reports = reports_in(tmp_path)
    assert len(reports) == 4
    assert {name for name, *_ in reports} == {"test_signalbox_gw0", "test_signalbox_gw1"}
    assert len({folder for _, folder, *_ in reports}) == 1
    assert not Path(reports[0][1]).exists()


def test_the_server_is_gone_after_a_session_that_failed(tmp_path: Path) -> None:
    with session(tmp_path, "-x", environment={"SAMPLE_FAILS": "1"}) as process:
        process.communicate(timeout=180)
    assert process.returncode == 1
    [report] = reports_in(tmp_path)
    assert report[0] == "test_signalbox"
    assert not Path(report[1]).exists()


def test_the_server_is_gone_after_a_session_that_was_killed(tmp_path: Path) -> None:
    with session(tmp_path, environment={"SAMPLE_SECONDS": "60"}) as process:
        wait_until(lambda: bool(reports_in(tmp_path)), within_s=120)
        server = server_of(reports_in(tmp_path)[0])
        process.send_signal(signal.SIGKILL)
        wait_until_dead([server], within_s=15)
    shutil.rmtree(Path(reports_in(tmp_path)[0][1]).parents[1])


def test_a_database_that_is_not_called_test_is_refused(tmp_path: Path) -> None:
    with session(tmp_path, environment={"TEST_DATABASE_URL": "postgres://u:p@127.0.0.1:1/production"}) as process:
        output, _ = process.communicate(timeout=60)
    assert process.returncode != 0
    assert "the database must be called test_*, not production" in output
    assert reports_in(tmp_path) == []
