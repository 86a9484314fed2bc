"""After every test that may touch the database the invariants are checked, unless it says why not."""

import os
import subprocess
import sys

import pytest
from django.db import connection

from tests.processes import PROJECT

pytestmark = [
    pytest.mark.acceptance,
    pytest.mark.usefixtures("django_db_setup"),  # for the address alone: a transaction would be idle for too long
]

SAMPLE = "tests/integration/runs/invariants_sample.py"


def session(**environment: str) -> subprocess.CompletedProcess[str]:
    """A pytest session over the sample tests, with a database of its own on the server of this one."""
    address = "postgres://{USER}:{PASSWORD}@{HOST}:{PORT}/test_invariants_sample".format(**connection.settings_dict)
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_", "TEST_"))}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-rA", "--tb=line", "-p", "no:cacheprovider", SAMPLE],
        cwd=PROJECT,
        env={**inherited, "TEST_DATABASE_URL": address, **environment},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )


@pytest.mark.slow
def test_a_test_that_leaves_broken_rows_behind_fails_and_names_the_invariant() -> None:
    output = session().stdout
    said = {line.partition(f" {SAMPLE}::")[2]: line.partition(" ")[0] for line in output.splitlines() if SAMPLE in line}
    errors = {name.partition(" - ")[0] for name, outcome in said.items() if outcome == "ERROR"}

    assert errors == {"test_broken_rows_that_are_rolled_back", "test_broken_rows_that_are_committed"}, output
    assert "5 passed" in output
    assert "I15 nothing follows the ending in the log, and what came late is kept apart and counted" in output


def test_nobody_opts_out_without_a_reason() -> None:
    ended = session(SAMPLE_REASON=" ")

    assert ended.returncode == pytest.ExitCode.USAGE_ERROR
    assert "test_broken_rows_with_a_reason: handmade_rows needs its reason, as text" in ended.stderr + ended.stdout
