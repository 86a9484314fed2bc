"""Mask secrets in everything that is shown.

A rule is a handful of literals and a way to mask. The literals are looked for once, in the lower-cased JSON text of a
whole value; only where one occurs are the value's strings walked, and only with the rules that were hinted at. So a
message without anything suspicious costs a few substring searches.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from runs.domain.extra_patterns import masked_by, vetted
from runs.domain.text import storable

MASK = "[redacted]"

SCAN_LIMIT = 128 * 1024
"""Characters of one value that operators' patterns are run over; what lies beyond is masked unread."""

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
_NAME_HINTS = (b"passw", b"passphrase", b"pwd", b"secret", b"token", b"key", b"authorization", b"credential", b"cookie")


class _Rule(NamedTuple):
    hints: tuple[bytes, ...]  # lower case; where none occurs the expression cannot match
    expression: re.Pattern[str]
    replacement: str


def _rule(hints: str, expression: str, replacement: str = MASK) -> _Rule:
    flags = re.IGNORECASE | re.ASCII | re.DOTALL
    return _Rule(tuple(hint.encode() for hint in hints.split("|")), re.compile(expression, flags), replacement)


def _assignment(hints: str, names: str, *, least: int) -> _Rule:
    """`name=value`, `name: value` and `"name": "value"` in running text, also when quotes are escaped."""
    prefix = r"(?<![A-Za-z])(?:[a-z]{1,20}[_-]|access|auth|refresh|client|session){0,3}"
    quotes = r"[\\\"']{0,4}"
    gap = rf"{quotes}[ \t]{{0,4}}[=:][ \t]{{0,4}}{quotes}"
    value = rf"(?!\[redacted\]|bearer |basic )[^\s\\\"',;&}}]{{{least},}}"
    return _rule(hints, rf"({prefix}(?:{names}){gap}){value}", rf"\1{MASK}")


# Every expression is linear: a match may begin only where its first class cannot reach back, and repeats are possessive
# or bounded.
_RULES = (
    _rule("private key", r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----.*?(?:-----END [A-Z0-9 ]{0,40}-----|\Z)"),
    _rule("bearer", r"\b(bearer)[ \t]{1,8}[\w.~+/=:-]{6,}", rf"\1 {MASK}"),
    _rule("basic", r"\b(basic)[ \t]{1,8}[A-Za-z0-9+/]{12,}={0,2}", rf"\1 {MASK}"),
    _rule("sk-|sk_|pk_|rk_", r"(?<![\w-])(?:sk-|[spr]k_(?:live|test)_)[\w-]{12,}"),
    _rule("ghp_|gho_|ghu_|ghs_|ghr_|github_pat_", r"(?<!\w)(?:gh[pousr]_|github_pat_)\w{16,}"),
    _rule("glpat-|xox|whsec_|aiza", r"(?<![\w-])(?:glpat-|xox[abeoprs]-|whsec_|AIza)[\w/+=-]{10,}"),
    _rule("akia|asia", r"(?<!\w)A[KS]IA[A-Z0-9]{16}(?!\w)"),
    _rule("eyj", r"(?<![\w-])eyJ[\w-]{6,}+\.[\w-]{6,}+(?:\.[\w-]*)?"),
    _rule("@", r"(://)[^\s/?#@\"']{0,256}:[^\s/?#@\"']{1,256}@", rf"\1{MASK}@"),
    _assignment("passw|pwd|passphrase", "password|passwd|passphrase|pwd", least=3),
    _assignment("secret|token|key", "secret|token|(?:api|secret|access|private)[_-]?key", least=6),
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
        rules = _hinted(text.encode(errors="replace").lower())
        if not rules and not self._extra:
            return text
        return _Walk(rules, self._extra, names=False).text(text)

    def redact_bytes(self, data: bytes) -> bytes:
        """`data` without the secrets that stand in it as text; the same object where there are none."""
        text = data.decode("latin-1")
        masked = self.redact_text(text)
        return data if masked is text else masked.encode("latin-1", errors="replace")

    def scrub(self, value: object, encoded: bytes) -> tuple[object, list[str]]:
        """`value` without secrets, and the paths of what was masked. `encoded` is its JSON text without escapes of
        plain letters: secrets are first looked for there."""
        lowered = encoded.lower()
        rules = _hinted(lowered)
        names = any(hint in lowered for hint in _NAME_HINTS)
        if not rules and not names and not self._extra:
            return value, []
        walk = _Walk(rules, self._extra, names=names)
        masked = walk.value(value)
        return (masked, walk.paths) if walk.paths else (value, [])


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
        masked = text
        for rule in self._rules:
            masked = rule.expression.sub(rule.replacement, masked)
        if self._extra:
            masked = self._scan(masked)
        return text if masked == text else masked

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
    if len(name) > 64:
        return False
    plain = name.lower().replace("_", "").replace("-", "")
    return plain in _SECRET_NAMES or plain.endswith(_SECRET_SUFFIXES)


def _hinted(lowered: bytes) -> list[_Rule]:
    return [rule for rule in _RULES if any(hint in lowered for hint in rule.hints)]
