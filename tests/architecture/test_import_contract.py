"""The import contract holds, notices every kind of violation, and waits for no module that is there already."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CONTRACT = ROOT / ".importlinter"
PACKAGES = ("config", "runs", "webhooks", "insights")

# One violation for each contract: the file it is planted in, the import, and what it imports if that is not there yet.
VIOLATIONS = {
    "Apps point one way": ("runs/errors.py", "import webhooks", None),
    "Inside runs": ("runs/recorder/writer.py", "import runs.ending", None),
    "Inside webhooks": ("webhooks/errors.py", "import webhooks.sender", "webhooks/sender.py"),
    "Inside insights": ("insights/window.py", "import insights.overview", None),
    "The domain knows no framework": ("runs/domain/text.py", "import django", None),
    "Only the registry chooses": ("runs/observer/owned.py", "import runs.runtimes.scripted", None),
    "Insights and webhooks never write": ("insights/overview.py", "import runs.recorder", None),
    "HTTP words stay at the edge": ("runs/queries/states.py", "import rest_framework", None),
}


def lint(folder: Path) -> str:
    """What lint-imports says of the packages in `folder`."""
    command = [
        str(Path(sys.executable).parent / "lint-imports"),
        "--no-cache",
        "--config",
        str(folder / ".importlinter"),
    ]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False).stdout


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The packages and the contract, to be spoiled."""
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(CONTRACT, tmp_path)
    return tmp_path


def test_every_contract_is_tried() -> None:
    names = re.findall(r"^name = (.*)$", CONTRACT.read_text(), re.MULTILINE)
    assert len(names) == len(VIOLATIONS)
    assert all(any(name.startswith(tried) for tried in VIOLATIONS) for name in names)


@pytest.mark.parametrize("name", VIOLATIONS)
def test_a_violation_breaks_its_contract(copy: Path, name: str) -> None:
    planted, statement, missing = VIOLATIONS[name]
    if missing is not None:
        (copy / missing).touch()
    file = copy / planted
    file.write_text((file.read_text() if file.exists() else "") + f"\n{statement}\n")

    said = re.sub(r"\s+", " ", lint(copy))
    broken = [
        one for one in VIOLATIONS if re.search(re.escape(one) + r"[^.]*? BROKEN", said.partition("Broken contracts")[0])
    ]
    assert name in broken, said[-2000:]


def test_no_module_that_exists_is_still_waited_for() -> None:
    waiting = re.findall(r"^\s*;(?!\s)([a-z_.]+)\s*$", CONTRACT.read_text(), re.MULTILINE)
    assert waiting, "lines that wait begin with ;"
    for module in waiting:
        path = ROOT / module.replace(".", "/")
        assert not path.with_suffix(".py").exists(), f"take the ; from {module}"
        assert not path.is_dir(), f"take the ; from {module}"
