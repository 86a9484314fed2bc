"""What the policy of every answer refuses is in none of our pages to begin with; browsers confirm it (tests/pages)."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from unfold.settings import CONFIG_DEFAULTS

ROOT = Path(__file__).parents[3]
INLINE = re.compile(
    r"<style|\sstyle=[\"']|<script(?![^>]*\ssrc=)|\son[a-z]+=[\"']|href=[\"']javascript:", re.IGNORECASE
)


def sources() -> Iterator[Path]:
    """Everything of ours that markup could come from."""
    yield from sorted((ROOT / "templates").rglob("*.html"))
    for package in ("config", "runs", "webhooks", "insights"):
        yield from sorted((ROOT / package).rglob("*.py"))


def test_there_is_something_to_read() -> None:
    names = {path.name for path in sources()}
    assert {"skeleton.html", "run.html", "docs.html", "shown.py"} <= names


@pytest.mark.parametrize("text", ['<p style="x">', "<style>", "<script>", '<script type="module">', '<a onclick="x">'])
def test_what_is_looked_for_is_found(text: str) -> None:
    assert INLINE.search(text)


def test_no_page_of_ours_has_a_script_or_a_style_in_it() -> None:
    assert {
        path.relative_to(ROOT): INLINE.findall(text) for path in sources() if INLINE.search(text := path.read_text())
    } == {}


def test_every_colour_that_the_theme_uses_is_defined() -> None:
    sheet = (ROOT / "static/console/theme.css").read_text()
    named = {f"--color-{name}-{weight}:" for name, weights in CONFIG_DEFAULTS["COLORS"].items() for weight in weights}
    assert named
    assert {one for one in named if one not in sheet} == set()


def test_alpine_makes_no_functions_of_text() -> None:
    (file,) = (ROOT / "static/vendor/alpine").glob("*.js")
    for word in ("new Function", "AsyncFunction", "eval("):
        assert word not in file.read_text()
