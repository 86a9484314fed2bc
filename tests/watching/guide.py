"""The clients of docs/streaming.md, as they stand there."""

import re
from pathlib import Path
from typing import Any

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "streaming.md"


def code_of(language: str, *, mentions: str = "") -> str:
    """The one block of code in this language that mentions something."""
    blocks = re.findall(rf"^```{language}\n(.*?)^```", GUIDE.read_text(), re.MULTILINE | re.DOTALL)
    (found,) = [block for block in blocks if mentions in block]
    return str(found)


def python_client(mentions: str) -> Any:
    """Its `follow`."""
    names: dict[str, Any] = {}
    exec(compile(code_of("python", mentions=mentions), str(GUIDE), "exec"), names)
    return names["follow"]
