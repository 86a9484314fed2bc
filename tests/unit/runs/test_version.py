"""One version, told in two places."""

import tomllib
from pathlib import Path

from runs.version import VERSION

PROJECT = Path(__file__).parents[3] / "pyproject.toml"


def test_the_code_and_the_package_have_the_same_version() -> None:
    assert tomllib.loads(PROJECT.read_text())["project"]["version"] == VERSION
