"""API keys: those of AUTH_API_KEYS, and those stored with a project, scopes and perhaps an expiry."""

import hashlib
import hmac
import logging
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, transaction
from django.db.models import ExpressionWrapper, Q, QuerySet
from django.db.models.fields import BooleanField
from django.db.models.functions import Now
from django.utils.crypto import salted_hmac

from config.http.principal import ALL_SCOPES, Principal
from config.remembered import RememberedEach
from runs.domain.key_text import environment_of, prefix_in
from runs.errors import Unauthenticated
from runs.models import ApiKey
from runs.models.api_key import USE_NOTED_EVERY_S

logger = logging.getLogger(__name__)

EMPTY_TOKEN = "Empty authorization token"  # noqa: S105
INVALID_TOKEN = "Invalid authorization token"  # noqa: S105

# How long a key that was revoked, or has expired, may still be let in.
REMEMBER_S = 5.0
# The same of who watches a stream: what asks for them takes its time, too, and asks once for all streams of a key.
REMEMBER_VIEWERS_S = 2.0
REMEMBERED_KEYS = 1000

_USE_IS_OLD = ExpressionWrapper(
    Q(last_used_at=None) | Q(last_used_at__lte=Now() - timedelta(seconds=USE_NOTED_EVERY_S)), BooleanField()
)
_NAMED_KEY = re.compile(r"([A-Za-z0-9][A-Za-z0-9_.-]{0,63})=(.*[^=].*)")


@dataclass(frozen=True, slots=True)
class StaticKey:
    """A key of AUTH_API_KEYS: what it is compared by, and whom it means."""

    digest: bytes
    principal: Principal


def principal_of_key(header: str) -> Principal:
    """The principal whose key the Authorization header holds, configured or stored. Raises Unauthenticated."""
    return principal_of_header(header, settings.AUTH_API_KEYS, stored=stored_by_digest)


def remembered_principal(header: str) -> Principal | None:
    """The same, as far as it is known without a look at the rows; None where that would be needed."""
    try:
        return principal_of_header(header, settings.AUTH_API_KEYS, stored=stored_by_digest.known)
    except Unauthenticated:
        return None


def principal_of_header(
    header: str, entries: Sequence[str], *, stored: Callable[[bytes], Principal | None]
) -> Principal:
    """The principal whose key the Authorization header holds (`Bearer <key>` or the bare key).

    Raises Unauthenticated. Every configured key is compared, whichever fits: the time tells nothing. What is none of
    them, but has the form of a key and its checksum, is looked up by its hash, from which nobody learns how near a
    guess was.
    """
    scheme, _, rest = header.strip().partition(" ")
    token = (rest if scheme.lower() == "bearer" else header).strip()
    if not token:
        raise Unauthenticated(EMPTY_TOKEN)
    digest = hashlib.sha256(token.encode("latin-1", "replace")).digest()
    found = None
    for key in static_keys(tuple(entries)):
        if hmac.compare_digest(key.digest, digest):
            found = key.principal
    if found is None and prefix_in(token, environment_of(production=settings.PRODUCTION)):
        found = stored(digest)
    if found is None:
        raise Unauthenticated(INVALID_TOKEN)
    return found


@lru_cache(maxsize=8)
def static_keys(entries: tuple[str, ...]) -> tuple[StaticKey, ...]:
    """The keys that the entries of AUTH_API_KEYS (`name=key` or a bare key) describe."""
    return tuple(_static_key(entry) for entry in entries)


def static_by_credential(credential: str) -> Principal | None:
    """Whom a key of AUTH_API_KEYS means, None if it is configured no more."""
    principals = (key.principal for key in static_keys(tuple(settings.AUTH_API_KEYS)))
    return next((one for one in principals if one.credential == credential), None)


def _static_key(entry: str) -> StaticKey:
    match = _NAMED_KEY.fullmatch(entry)
    name, key = (match[1], match[2]) if match else (_name_of(entry), entry)
    principal = Principal(
        id=f"key:{name}", name=name, kind="api_key", scopes=ALL_SCOPES, credential=f"static:{_keyed('credential', key)}"
    )
    return StaticKey(digest=hashlib.sha256(key.encode()).digest(), principal=principal)


def _name_of(key: str) -> str:
    return f"key-{_keyed('name', key)[:12]}"


def _keyed(purpose: str, key: str) -> str:
    # Keyed, so that nobody can try guesses against what is seen in a log or a table.
    return salted_hmac(f"signalbox.api-key-{purpose}", key, algorithm="sha256").hexdigest()


def _find_by_digest(digest: bytes) -> Principal | None:
    return _principal_of(ApiKey.objects.valid().filter(secret_sha256=digest))


def _find_by_id(key_id: UUID) -> Principal | None:
    return _principal_of(ApiKey.objects.valid().filter(id=key_id))


def _principal_of(keys: QuerySet[ApiKey]) -> Principal | None:
    found = (
        keys.annotate(use_is_old=_USE_IS_OLD).values_list("id", "name", "scopes", "project_id", "use_is_old").first()
    )
    if found is None:
        return None
    key_id, name, scopes, project_id, use_is_old = found
    if use_is_old:
        _note_use(key_id)
    key = f"key:{key_id}"
    return Principal(id=key, name=name, kind="api_key", scopes=frozenset(scopes), project_id=project_id, credential=key)


def _note_use(key_id: UUID) -> None:
    """When the key was last used is known, if that can be written: who is let in does not depend on it."""
    try:
        with transaction.atomic():
            ApiKey.objects.note_use(key_id)
    except DatabaseError as error:
        logger.warning("the last use of an API key could not be noted: %s", error)


# Neither a request nor the re-check of an open stream costs a statement while its key was looked up lately.
stored_by_digest = RememberedEach(_find_by_digest, seconds=REMEMBER_S, at_most=REMEMBERED_KEYS)
stored_by_id = RememberedEach(_find_by_id, seconds=REMEMBER_VIEWERS_S, at_most=REMEMBERED_KEYS)
