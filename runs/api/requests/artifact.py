"""The body of POST /runs/{id}/artifacts."""

import re
from urllib.parse import urlsplit

from runs.api.members import LONGEST_URL, Members
from runs.errors import FieldFault, ValidationFailed
from runs.operations.artifact import LONGEST_LABEL, NewArtifact

KINDS = ("trace", "json", "report", "log", "bundle")

_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*", re.ASCII)
_UNPRINTABLE = re.compile(r"[\x00-\x20\x7f]")
# Pages show the address as a link: it must lead somewhere, not run in the page.
_RUNNING = frozenset({"javascript", "vbscript", "data"})


def read_artifact(body: object) -> NewArtifact:
    """The artifact in `body`. Raises ValidationFailed with every fault there is."""
    faults: list[FieldFault] = []
    members = Members.of(body, "", faults)
    artifact = NewArtifact(
        kind=members.choice("kind", KINDS),
        label=members.text("label", longest=LONGEST_LABEL),
        uri=_read_uri(members),
        inline=members.optional_object("inline"),
    )
    members.refuse_others()
    if faults:
        raise ValidationFailed(faults)
    return artifact


def _read_uri(members: Members) -> str | None:
    uri = members.optional_text("uri", longest=LONGEST_URL)
    if uri is not None and not _leads_somewhere(uri):
        members.fault("uri", "must be a URL with a scheme and a host, without user information")
        return None
    return uri


def _leads_somewhere(uri: str) -> bool:
    if _UNPRINTABLE.search(uri):
        return False
    try:
        parts = urlsplit(uri)
        has_host = bool(parts.hostname) and "@" not in parts.netloc
    except ValueError:
        return False
    return has_host and _SCHEME.fullmatch(parts.scheme) is not None and parts.scheme not in _RUNNING
