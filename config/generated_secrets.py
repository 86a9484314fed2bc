"""Secrets that development needs and nobody set: made once, kept in `DIR/secrets.json`, the same after a restart.

Several processes may start at the same moment; a lock file lets exactly one of them make a secret, the others read it.
"""

import fcntl
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

FILE = "secrets.json"


def read_secret(data: Path, name: str) -> str | None:
    """The secret called `name`, or None if it was never made."""
    return _read(data / FILE).get(name)


def ensure_secret(data: Path, name: str, make: Callable[[], str]) -> tuple[str, bool]:
    """The secret called `name` is stored below `data`, readable by its owner only; also says whether it is new."""
    known = read_secret(data, name)
    if known:
        return known, False
    try:
        with _alone(data):
            return _make(data / FILE, name, make)
    except OSError as error:
        raise ImproperlyConfigured(f"{data / FILE}: cannot be written: {error.strerror}; set {name}") from None


def _make(path: Path, name: str, make: Callable[[], str]) -> tuple[str, bool]:
    stored = _read(path)
    if name in stored:
        return stored[name], False
    stored[name] = make()
    _replace(path, json.dumps(stored, indent=2, sort_keys=True) + "\n")
    return stored[name], True


@contextmanager
def _alone(data: Path) -> Iterator[None]:
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (data / "secrets.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _read(path: Path) -> dict[str, str]:
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ImproperlyConfigured(f"{path}: cannot be read: {error.strerror}") from None
    except ValueError:
        raise ImproperlyConfigured(f"{path}: is not JSON; repair or remove it") from None
    if not isinstance(stored, dict):
        raise ImproperlyConfigured(f"{path}: is not a JSON object; repair or remove it")
    return {str(name): str(value) for name, value in stored.items()}


def _replace(path: Path, text: str) -> None:
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".secrets-")  # mkstemp makes it 0600
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    Path(temporary).replace(path)
