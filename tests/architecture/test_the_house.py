"""The house is in order: the rooms at the top, files of a readable size, no word about where it was built."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
HARD_LIMIT = 400
ROOMS = {
    *("manage.py", "config", "runs", "webhooks", "insights", "templates", "static", "requirements.txt", "tests"),
    *("README.md", "ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md", "Makefile", "pyproject.toml", ".importlinter"),
    *(".ci", "docs", "requirements-dev.txt", ".gitignore", ".env.example"),
}


def tracked() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return [Path(line) for line in listed.stdout.splitlines() if (ROOT / line).exists()]


def test_the_top_level_holds_exactly_the_rooms() -> None:
    assert {path.parts[0] for path in tracked()} == ROOMS


def test_no_product_file_is_longer_than_the_hard_limit() -> None:
    long = {
        str(path): lines
        for path in tracked()
        if path.suffix == ".py" and path.parts[0] != "tests" and "migrations" not in path.parts
        if (lines := len((ROOT / path).read_text().splitlines())) > HARD_LIMIT
    }
    assert long == {}


def test_links_between_the_pages_lead_somewhere() -> None:
    broken = []
    for page in (path for path in tracked() if path.suffix == ".md"):
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", (ROOT / page).read_text()):
            if not (ROOT / page.parent / target).exists():
                broken.append(f"{page}: {target}")
    assert broken == []


def test_every_requirement_is_pinned() -> None:
    for name in ("requirements.txt", "requirements-dev.txt"):
        for line in (ROOT / name).read_text().splitlines():
            wanted = line.partition("#")[0].strip()
            assert not wanted or wanted.startswith("-r ") or "==" in wanted, f"{name}: {wanted}"


def test_the_pictures_of_the_pages_are_few_small_and_shown() -> None:
    pictures = [path for path in tracked() if path.parts[:2] == ("docs", "images")]
    assert sum((ROOT / path).stat().st_size for path in pictures) < 800_000
    shown = "".join((ROOT / page).read_text() for page in tracked() if page.suffix == ".md")
    assert [path.name for path in pictures if f"images/{path.name})" not in shown] == []
