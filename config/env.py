"""Typed, loud readers of environment variables.

A reader takes the value of a declared variable (config/variables.py): from the environment, for secrets also from the
file that `NAME_FILE` names, else the declared default. An empty value counts as unset. What cannot be parsed raises
ImproperlyConfigured with the variable's name and the reason, and never with the value of a secret.
"""

import ipaddress
import os
import re
from collections.abc import Callable, Collection
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

import orjson
from django.core.exceptions import ImproperlyConfigured

from config.variables import VARIABLES, Variable

T = TypeVar("T")

TRUE = frozenset({"1", "true", "yes", "on"})
FALSE = frozenset({"0", "false", "no", "off"})
MAX_PATTERN_LENGTH = 500

_DOTENV_LINE = re.compile(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*?)\s*")


class InvalidVariable(ImproperlyConfigured):
    """A variable has a value that cannot be used."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name}: {reason}")


def load_dotenv(path: Path) -> None:
    """Every variable of the file at `path` is in the environment, unless it was already; no file is no error."""
    if not path.is_file():
        return
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = _DOTENV_LINE.fullmatch(line)
        if match is None:
            raise ImproperlyConfigured(f"{path.name}: line {number} is not NAME=value")
        os.environ.setdefault(match[1], _unquoted(match[2]))


def in_production() -> bool:
    """True if SIGNALBOX_ENV is `production`."""
    return env_choice("SIGNALBOX_ENV", ("development", "production")) == "production"


def is_set(name: str) -> bool:
    """True if the environment gives the variable a value of its own, different from its default."""
    value = _given(VARIABLES[name])
    return value != "" and value != _default(VARIABLES[name])


def env_str(name: str) -> str:
    """The value as text, without surrounding blanks."""
    variable = VARIABLES[name]
    return _given(variable) or _default(variable)


def env_secret(name: str) -> str:
    """The value of a secret, from the variable itself or from the file `NAME_FILE` names; empty if neither is set."""
    if not VARIABLES[name].secret:
        raise ImproperlyConfigured(f"{name}: is not declared as a secret")
    return env_str(name)


def env_secret_url(name: str, schemes: Collection[str]) -> str:
    """A secret that is empty or a URL of one of `schemes`."""
    url = env_secret(name)
    try:
        parts = urlsplit(url)
        _ = parts.port  # looks at it only when asked
    except ValueError:
        raise _unusable(name, "is no URL") from None
    if url and not (parts.scheme in schemes and "://" in url):
        raise _unusable(name, f"must begin with {' or '.join(f'{scheme}://' for scheme in schemes)}")
    return url


def env_bool(name: str) -> bool:
    """True for 1, true, yes, on; False for 0, false, no, off; in any case."""
    word = env_str(name).lower()
    if word in TRUE | FALSE:
        return word in TRUE
    raise _unusable(name, "must be one of 1, true, yes, on, 0, false, no, off")


def env_int(name: str, *, at_least: int = 0, at_most: int = 2**31 - 1) -> int:
    """A whole decimal number within the bounds, both included."""
    text = env_str(name)
    if re.fullmatch(r"-?[0-9]{1,18}", text) is None:
        raise _unusable(name, "must be a whole number")
    if not at_least <= int(text) <= at_most:
        raise _unusable(name, f"must be from {at_least} to {at_most}")
    return int(text)


def env_choice(name: str, choices: Collection[str]) -> str:
    """One of `choices`; upper and lower case are the same."""
    word = env_str(name).lower()
    if word not in choices:
        raise _unusable(name, f"must be one of {', '.join(choices)}")
    return word


def env_list(name: str, item: Callable[[str], T]) -> list[T]:
    """The comma-separated values, each passed through `item`, which raises ValueError; empty ones fall out."""
    parts = [part.strip() for part in env_str(name).split(",")]
    try:
        return [item(part) for part in parts if part]
    except ValueError as error:
        raise _unusable(name, str(error)) from None


def env_json(name: str, shape: Callable[[object], T]) -> T:
    """The value read as JSON and passed through `shape`, which raises ValueError for what does not fit."""
    try:
        document = orjson.loads(env_str(name))
    except orjson.JSONDecodeError as error:
        raise InvalidVariable(name, f"is not JSON (line {error.lineno}, column {error.colno})") from None
    try:
        return shape(document)
    except ValueError as error:
        raise InvalidVariable(name, str(error)) from None


def env_path(name: str) -> Path:
    """The value as an absolute path; a relative one starts in the working directory."""
    return Path(env_str(name)).expanduser().absolute()


def whole_seconds(text: str) -> int:
    """`text` as a number of seconds, for lists."""
    if re.fullmatch(r"[0-9]{1,9}", text) is None:
        raise ValueError("must be whole numbers of seconds")
    return int(text)


def network(text: str) -> str:
    """`text`, if it is an IPv4 or IPv6 network in CIDR form."""
    return str(ipaddress.ip_network(text))


def mail_address(text: str) -> str:
    """`text`, if it looks like one address."""
    if re.fullmatch(r"[^@\s<>]+@[^@\s<>]+", text) is None:
        raise ValueError("a mail address has the form name@host")
    return text


def pattern(text: str) -> str:
    """`text`, if it is a regular expression of bearable size."""
    if len(text) > MAX_PATTERN_LENGTH:
        raise ValueError(f"a pattern may have {MAX_PATTERN_LENGTH} characters")
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"a pattern is no regular expression: {error}") from None
    return text


def web_origin(text: str) -> str:
    """`text`, if it is an origin a browser could send: scheme, host and port, no path and no wildcard."""
    if re.fullmatch(r"https?://[^/*?#@\s]+", text) is None:
        raise ValueError("must be origins such as https://console.example, without path or *")
    return text


def tokens_by_participant(document: object) -> dict[str, str]:
    """`document`, if it is an object whose values are non-empty strings."""
    if not isinstance(document, dict) or not all(isinstance(v, str) and v for v in document.values()):
        raise ValueError("must be an object of participant ids and non-empty tokens")
    return document


def prices_by_model(document: object) -> dict[str, tuple[float, float]]:
    """`document`, if it is an object of pairs of prices, none of them negative."""
    if not isinstance(document, dict) or not all(_is_price_pair(pair) for pair in document.values()):
        raise ValueError("must be an object of [promptUsd, completionUsd] pairs")
    return {model: (float(pair[0]), float(pair[1])) for model, pair in document.items()}


def _is_price_pair(pair: object) -> bool:
    return (
        isinstance(pair, list)
        and len(pair) == 2
        and all(isinstance(price, int | float) and not isinstance(price, bool) and price >= 0 for price in pair)
    )


def _default(variable: Variable) -> str:
    if variable.production is None or not in_production():
        return variable.default
    return variable.production


def _given(variable: Variable) -> str:
    value = os.environ.get(variable.name, "").strip()
    file = os.environ.get(f"{variable.name}_FILE", "").strip() if variable.secret else ""
    if value and file:
        raise InvalidVariable(variable.name, f"is set twice, also as {variable.name}_FILE")
    return _content(variable.name, Path(file)) if file else value


def _content(name: str, path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise InvalidVariable(f"{name}_FILE", f"cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InvalidVariable(f"{name}_FILE", "is not UTF-8 text") from None


def _unusable(name: str, reason: str) -> InvalidVariable:
    if VARIABLES[name].secret:
        return InvalidVariable(name, reason)
    return InvalidVariable(name, f"{reason}, not {env_str(name)!r}")


def _unquoted(text: str) -> str:
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        return text[1:-1]
    return re.sub(r"\s+#.*$", "", text) if not text.startswith("#") else ""
