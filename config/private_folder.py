"""Folders below /var/tmp for what the account of PostgreSQL cannot reach elsewhere, safe from other local users."""

import os
import shutil
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path

BASE = Path("/var/tmp")  # noqa: S108 - every folder made here is checked for owner and mode


class UnsafeFolder(Exception):
    """Somebody else could have written what lies in the folder."""


def new_private_folder() -> Path:
    """A new folder that everybody may pass through and only its maker may write, under a name nobody can guess."""
    folder = Path(tempfile.mkdtemp(prefix="signalbox-", dir=BASE))
    folder.chmod(0o711)
    return folder


def fill_once(name: str, fill: Callable[[Path], None]) -> Path:
    """The folder BASE/name, complete: filled by this call or found as an earlier one left it.

    Raises UnsafeFolder when a folder of that name belongs to somebody else or is open to others.
    """
    folder = BASE / name
    if not folder.is_symlink() and not folder.exists():
        unfinished = Path(tempfile.mkdtemp(prefix="signalbox-", dir=BASE))
        try:
            fill(unfinished)
            _open_for_reading(unfinished)
            _move(unfinished, folder)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
    _check(folder)
    return folder


def _move(unfinished: Path, folder: Path) -> None:
    try:
        unfinished.rename(folder)
    except OSError:
        # Somebody else came first; whether that was one of us is for the check to say.
        if not folder.is_symlink() and not folder.exists():
            raise


def _open_for_reading(folder: Path) -> None:
    for place, _, files in os.walk(folder):
        Path(place).chmod(0o755)
        for file in (Path(place, name) for name in files):
            if not file.is_symlink():
                file.chmod(0o755 if file.stat().st_mode & 0o100 else 0o644)


def _check(folder: Path) -> None:
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o022:
        raise UnsafeFolder(f"{folder} is not ours alone: remove it, then start again")
