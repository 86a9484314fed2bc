"""A small JSON file that its readers find whole, old or new, whatever happens to its writer."""

import json
import os
from collections.abc import Mapping
from pathlib import Path


def write_json(path: Path, content: Mapping[str, object]) -> None:
    """The file holds `content` and only its owner may read it."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    file = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(file, "w") as out:
        json.dump(content, out, indent=2)
        out.write("\n")
    unfinished.replace(path)
