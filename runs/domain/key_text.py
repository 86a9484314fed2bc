"""The text of an API key, which its owner sends and nobody keeps.

    sb_live_4fZk09aB_7Qm...43 characters...x2Yk1Pq
    |  |    |        |                     `- checksum (CRC-32) of everything before it, 6 characters
    |  |    |        `- secret: 256 random bits in base 62, 43 characters
    |  |    `- id, 8 characters: no secret, shown in lists
    |  `- environment: `live` in production, `dev` elsewhere
    `- product, so that scanners of published code know what they found

The checksum finds a key that was mistyped or cut off without asking anybody.
"""

import re
import secrets
import zlib
from dataclasses import dataclass, field

LIVE, DEV = "live", "dev"

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_ID_LENGTH = 8
_SECRET_LENGTH = 43  # 62**43 > 2**256
_CHECK_LENGTH = 6  # 62**6 > 2**32
_PREFIX = rf"sb_({LIVE}|{DEV})_[0-9A-Za-z]{{{_ID_LENGTH}}}"
_FORM = re.compile(rf"({_PREFIX})_[0-9A-Za-z]{{{_SECRET_LENGTH + _CHECK_LENGTH}}}", re.ASCII)
_SHOWN = re.compile(rf"({_PREFIX})(?:_[0-9A-Za-z]*)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class KeyText:
    """A whole key, and the part of it that may be shown."""

    prefix: str
    text: str = field(repr=False)


def environment_of(*, production: bool) -> str:
    """The environment whose keys are let in."""
    return LIVE if production else DEV


def new_key_text(environment: str) -> KeyText:
    """A key that nobody can guess."""
    prefix = f"sb_{environment}_{_in_base_62(secrets.randbelow(len(_DIGITS) ** _ID_LENGTH), _ID_LENGTH)}"
    body = f"{prefix}_{_in_base_62(secrets.randbits(256), _SECRET_LENGTH)}"
    return KeyText(prefix, body + _checksum(body))


def prefix_in(text: str, environment: str) -> str | None:
    """The visible part of a key of this environment; None where `text` is none: another form, or a wrong checksum."""
    found = _FORM.fullmatch(text)
    if found is None or found[2] != environment or _checksum(text[:-_CHECK_LENGTH]) != text[-_CHECK_LENGTH:]:
        return None
    return found[1]


def visible_part(text: str) -> str | None:
    """The visible part of a key, whole or cut off after it; None where `text` does not begin as a key."""
    found = _SHOWN.fullmatch(text.strip())
    return found[1] if found else None


def _checksum(body: str) -> str:
    return _in_base_62(zlib.crc32(body.encode("ascii")), _CHECK_LENGTH)


def _in_base_62(number: int, length: int) -> str:
    digits = ""
    for _ in range(length):
        number, digit = divmod(number, len(_DIGITS))
        digits = _DIGITS[digit] + digits
    return digits
