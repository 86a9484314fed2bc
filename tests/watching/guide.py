"""The clients of our pages for callers, as they stand there."""

import re
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parents[2] / "docs"
GUIDE = DOCS / "streaming.md"
CALLS = DOCS / "api.md"


def code_of(language: str, *, mentions: str = "") -> str:
    """The one block of code of the guide to streams in this language that mentions something."""
    (found,) = [block for block in blocks_in(GUIDE.read_text(), language) if mentions in block]
    return found


def python_client(mentions: str) -> Any:
    """Its `follow`."""
    return names_of(code_of("python", mentions=mentions))["follow"]


def blocks_in(page: str, language: str) -> list[str]:
    """The blocks of code in this language, in their order."""
    return re.findall(rf"^```{language}\n(.*?)^```", page, re.MULTILINE | re.DOTALL)


def sections_of(page: Path) -> dict[str, str]:
    """The text below each heading of the second level; what stands before the first is below no heading."""
    before, *sections = re.split(r"^## ", page.read_text(), flags=re.MULTILINE)
    return {"": before} | dict(section.split("\n", 1) for section in sections)


def names_of(code: str, **given: object) -> dict[str, Any]:
    """What this code has made of the names it was given."""
    names: dict[str, Any] = dict(given)
    exec(compile(code, "a page of docs", "exec"), names)
    return names
