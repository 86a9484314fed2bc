"""Placeholder until the settings bring theirs."""

from pathlib import Path


def ensure_development_key(data: Path) -> tuple[str, bool]:
    """A first API key is kept below `data`; returns it and whether it was made just now."""
    return "", False
