"""Mask secrets in everything that is shown.

The JSON text of a value is searched once for hints. Only where one is found are the value's strings walked, and only
with the rules that were hinted at: a message without anything suspicious costs a few searches that run at the speed of
memory. A hint is an expression that begins with a rare letter and looks around from there, which the engine finds fast.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from runs.domain.extra_patterns import masked_by, vetted
from runs.domain.text import storable

MASK = "[redacted]"

SCAN_LIMIT = 128 * 1024
"""Characters of one value that operators' patterns are run over; what lies beyond is masked unread."""

_SHORTEST_SECRET = 7  # characters; every rule needs at least as many
_LONGEST_NAME = 64

_SECRET_NAMES = frozenset(
    {"password", "passwd", "passphrase", "pwd", "secret", "token", "apikey", "authorization", "proxyauthorization"}
    | {"privatekey", "credential", "credentials", "cookie", "setcookie", "xmacptoken"}
)
_SECRET_SUFFIXES = (
    "password",
    "passwd",
    "secret",
    "secretkey",
    "apikey",
    "privatekey",
    "accesskey",
    "accesskeyid",
    "accesstoken",
    "refreshtoken",
    "authtoken",
    "bearertoken",
    "sessiontoken",
    "idtoken",
)
_NAME_HINTS = tuple(
    re.compile(hint)
    for hint in (
        rb"k(?:ey|(?<=tok)en)(?:id)?[\\\"' \t=:_-]",  # keys and tokens, not promptTokens or keyboard
        rb"k(?<=cook)ie",
        rb"w(?:(?<=passw)|(?<=pw)d)",
        rb"z(?<=authoriz)",
        rb"secret",
        rb"credential",
        rb"passphrase",
    )
)
"""In lower case; where none is found there is neither a member that holds a secret nor an assignment of one."""


class _Rule(NamedTuple):
    hint: re.Pattern[bytes]  # where it is not found, the expression cannot match
    expression: re.Pattern[str]
    replacement: str = MASK


def _token(hint: bytes, expression: str, replacement: str = MASK) -> _Rule:
    return _Rule(re.compile(hint), re.compile(expression, re.ASCII | re.DOTALL), replacement)


def _assignment(names: str, *, least: int) -> re.Pattern[str]:
    """`name=value`, `name: value` and `"name": "value"` in running text, also when quotes are escaped."""
    prefix = r"(?<![A-Za-z])(?:[a-z]{1,20}[_-]|access|auth|refresh|client|session){0,3}"
    quotes = r"[\\\"']{0,4}"
    gap = rf"{quotes}[ \t]{{0,4}}[=:][ \t]{{0,4}}{quotes}"
    value = rf"(?!\[redacted\]|bearer |basic )[^\s\\\"',;&}}]{{{least},}}"
    return re.compile(rf"({prefix}(?:{names}){gap}){value}", re.IGNORECASE | re.ASCII)


# Every expression is linear: a match may begin only where its own class cannot reach back to, and repeats are bounded,
# possessive or last.
_TOKENS = (
    _token(rb"-----BEGIN ", r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----.*?(?:-----END [A-Z0-9 ]{0,40}-----|\Z)"),
    _token(rb"-(?:(?<=sk-)|(?<=glpat-)|(?<=xox[abeoprs]-))", r"(?<![\w-])(?:sk-|glpat-|xox[abeoprs]-)[\w-]{10,}"),
    _token(
        rb"_(?:(?<=gh[pousr]_)|(?<=github_)|(?<=whsec_)|(?<=[spr]k_)|(?<=sb_))",
        r"(?<![\w-])(?:gh[pousr]_|github_pat_|whsec_|[spr]k_(?:live|test)_|sb_(?:live|dev)_)[\w+/=-]{10,}",
    ),
    _token(rb"A(?:[KS]IA|Iza)", r"(?<![\w-])(?:A[KS]IA[A-Z0-9]{16}(?!\w)|AIza[\w-]{20,})"),
    _token(rb"J(?<=eyJ)", r"(?<![\w-])eyJ[\w-]{6,}+\.[\w-]{6,}+(?:\.[\w-]*)?"),
    _token(rb"@", r"(://)[^\s/?#@\"']{0,256}:[^\s/?#@\"']{1,256}@", rf"\1{MASK}@"),
)
_SCHEMES = _Rule(
    re.compile(rb"b(?:earer|asic)[ \t]"),  # in lower case
    re.compile(  # a word of letters alone must be long: people write of bearers and basics, too
        r"\b(bearer|basic)[ \t]{1,8}(?:(?=[a-z]{0,64}[\d.~+/=:_-])[\w.~+/=:-]{6,}|[a-z]{16,})",
        re.IGNORECASE | re.ASCII,
    ),
    rf"\1 {MASK}",
)
_ASSIGNMENTS = (
    _assignment("password|passwd|passphrase|pwd", least=3),
    _assignment("secret|token|(?:api|secret|access|private)[_-]?key", least=6),
)


class Redactor:
    """Masks the built-in secrets and whatever `patterns` match. Safe to share between threads."""

    def __init__(self, patterns: Sequence[str] = ()) -> None:
        """Raises ValueError, naming the pattern, where one is no expression or could stall the process."""
        self._extra = tuple(vetted(pattern) for pattern in patterns)

    def redact(self, value: object) -> object:
        """`value` (a JSON value) without secrets; the same object where there are none."""
        kept, encoded = storable(value)
        masked, paths = self.scrub(kept, encoded)
        return masked if paths else value

    def redact_text(self, text: str) -> str:
        """`text` without secrets; the same object where there are none."""
        walk = self._walk(text.encode(errors="replace"))
        return text if walk is None else walk.text(text)

    def redact_bytes(self, data: bytes) -> bytes:
        """`data` without the secrets that stand in it as text; the same object where there are none."""
        text = data.decode("latin-1")
        masked = self.redact_text(text)
        return data if masked is text else masked.encode("latin-1", errors="replace")

    def scrub(self, value: object, encoded: bytes) -> tuple[object, list[str]]:
        """`value` without secrets, and the paths of what was masked. `encoded` is its JSON text without escapes of
        plain letters: secrets are first looked for there."""
        walk = self._walk(encoded)
        if walk is None:
            return value, []
        masked = walk.value(value)
        return masked, walk.paths

    def _walk(self, encoded: bytes) -> "_Walk | None":
        """A walk with the rules hinted at in `encoded`, or None where there is nothing to look for."""
        rules = [rule for rule in _TOKENS if rule.hint.search(encoded)]
        lowered = encoded.lower()
        if _SCHEMES.hint.search(lowered):
            rules.append(_SCHEMES)
        names = any(hint.search(lowered) for hint in _NAME_HINTS)
        return _Walk(rules, self._extra, names=names) if rules or names or self._extra else None


class _Walk:
    """One pass over one value; containers are copied only where something below them was masked."""

    def __init__(self, rules: Sequence[_Rule], extra: Sequence[re.Pattern[str]], *, names: bool) -> None:
        self.paths: list[str] = []
        self._rules = rules
        self._extra = extra
        self._names = names
        self._trail: list[str] = []
        self._left = SCAN_LIMIT

    def value(self, value: object) -> object:
        """`value` masked; the same object where there is nothing to mask."""
        if isinstance(value, str):
            masked = self.text(value)
            if masked is not value:
                self._note()
            return masked
        if isinstance(value, dict):
            return self._object(value)
        if isinstance(value, list):
            return self._list(value)
        return value

    def text(self, text: str) -> str:
        """`text` masked; the same object where there is nothing to mask."""
        masked = self._masked(text) if len(text) >= _SHORTEST_SECRET else text
        if self._extra:
            masked = self._scan(masked)
        return text if masked == text else masked

    def _masked(self, text: str) -> str:
        for rule in self._rules:
            text = rule.expression.sub(rule.replacement, text)
        if self._names and ("=" in text or ":" in text):
            for assignment in _ASSIGNMENTS:
                text = assignment.sub(rf"\1{MASK}", text)
        return text

    def _object(self, value: dict[str, object]) -> object:
        changed: dict[str, object] | None = None
        for name, item in value.items():
            self._trail.append(name)
            masked = self._secret(item) if self._names and names_a_secret(name) else self.value(item)
            if masked is not item:
                changed = dict(value) if changed is None else changed
                changed[name] = masked
            self._trail.pop()
        return self._object_names(value if changed is None else changed)

    def _object_names(self, value: dict[str, object]) -> object:
        renamed = {name: self.text(name) for name in value}
        if all(new is old for old, new in renamed.items()):
            return value
        self._note()
        return {renamed[name]: item for name, item in value.items()}

    def _list(self, value: list[object]) -> object:
        changed: list[object] | None = None
        for index, item in enumerate(value):
            self._trail.append(str(index))
            masked = self.value(item)
            if masked is not item:
                changed = list(value) if changed is None else changed
                changed[index] = masked
            self._trail.pop()
        return value if changed is None else changed

    def _secret(self, item: object) -> object:
        if item is None or item == "" or item == MASK or isinstance(item, bool):
            return item
        self._note()
        return MASK

    def _note(self) -> None:
        self.paths.append(".".join(self.text(name) for name in self._trail))

    def _scan(self, text: str) -> str:
        kept, rest = text[: self._left], text[self._left :]
        self._left -= len(kept)
        for expression in self._extra:
            kept = masked_by(expression, kept, MASK)
        return kept + MASK if rest else kept


def names_a_secret(name: str) -> bool:
    """True if a JSON member called `name` holds a secret, whatever its value looks like."""
    if len(name) > _LONGEST_NAME:
        return False
    plain = name.lower().replace("_", "").replace("-", "")
    return plain in _SECRET_NAMES or plain.endswith(_SECRET_SUFFIXES)
