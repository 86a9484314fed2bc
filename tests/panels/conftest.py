"""One browser for all panels."""

import os
import shutil
from collections.abc import Iterator

import pytest

from tests.panels.stage import Stage
from tests.watching.browser import CHROMIUM


@pytest.fixture(scope="session")
def opened() -> Iterator[Stage]:
    if shutil.which(CHROMIUM) is None:
        if os.environ.get("REQUIRE_CHROMIUM"):
            pytest.fail("REQUIRE_CHROMIUM is set and there is no chromium")
        pytest.skip("there is no chromium (Debian: apt-get install chromium; CHROMIUM names another)")
    stage = Stage()
    yield stage
    stage.close()


@pytest.fixture
def stage(opened: Stage) -> Iterator[Stage]:
    """An empty page; nothing may have gone wrong on it in the end, and nothing been refused by its policy."""
    opened.begin()
    yield opened
    assert opened.troubles == []
