"""What is released is the tree of sources: a copy of it alone starts with the command that the README names."""

import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from config.first_key import development_key
from config.postgres_cluster import delete_cluster
from config.process_identity import ProcessIdentity
from tests.architecture.test_the_house import ROOT, tracked
from tests.processes import ManageCommand, processes_of, wait_until_dead

pytestmark = [pytest.mark.acceptance, pytest.mark.slow]

DOCUMENTED = "make run"
REAL = {"DJANGO_SETTINGS_MODULE": "config.settings", "SIGNALBOX_ENV": "development", "LOG_LEVEL": "warning"}


@pytest.fixture
def copy(tmp_path: Path) -> Iterator[Path]:
    """Everything that is under version control, in a folder of its own; nothing that was built or generated beside it."""
    folder = tmp_path / "signalbox"
    for path in tracked():
        if path.parts[0] != "tests":
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / path, folder / path)
    yield folder
    delete_cluster(folder / ".signalbox" / "postgres")


def documented_command(copy: Path) -> list[str]:
    """The arguments of manage.py in what `make run` does, once everything is installed."""
    assert DOCUMENTED in (copy / "README.md").read_text()
    # Under `make test-slow` this make is a make's child, and would add which folder it enters and leaves.
    asked = [*DOCUMENTED.split(), "--dry-run", "--no-print-directory"]
    done = subprocess.run(asked, cwd=copy, capture_output=True, text=True, check=True)
    interpreter, manage, *arguments = shlex.split(done.stdout.splitlines()[-1])
    assert (interpreter, manage) == (".venv/bin/python", "manage.py")
    return arguments


@pytest.fixture
def service(copy: Path) -> Iterator[ManageCommand]:
    """The command that the README names, in the copy; on a free port, for 3001 may be somebody else's."""
    command = ManageCommand(*documented_command(copy), project=copy, environment={**REAL, "PORT": "0"})
    yield command
    left = [found for pid in processes_of(copy / ".signalbox").values() if (found := ProcessIdentity.of(pid))]
    command.end()
    wait_until_dead(left, within_s=40)


def test_a_copy_of_the_sources_starts_with_the_documented_command_alone_a01_a03(
    copy: Path, service: ManageCommand
) -> None:
    base = service.wait_for_line("ready http://", within_s=60).split()[1]
    key = development_key(copy / ".signalbox")
    assert key is not None
    assert service.said(key)
    with httpx.Client(base_url=base, headers={"Authorization": f"Bearer {key}"}, trust_env=False) as caller:
        assert caller.get("/readyz").json()["database"] == "ok"
        assert caller.get("/runs").json() == {"data": [], "total": 0, "limit": 50, "offset": 0}
