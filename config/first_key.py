"""The API key of a development start that has none: made once, then the same for ever.

The settings accept it under the name `development`, in development only.
"""

from pathlib import Path

from config.generated_secrets import ensure_secret, read_secret
from runs.domain.key_text import DEV, new_key_text

NAME = "DEVELOPMENT_API_KEY"


def ensure_development_key(data: Path) -> tuple[str, bool]:
    """A first API key is kept below `data`; returns it and whether it was made just now."""
    return ensure_secret(data, NAME, lambda: new_key_text(DEV).text)


def development_key(data: Path) -> str | None:
    """The first API key kept below `data`, or None if none was made."""
    return read_secret(data, NAME)
