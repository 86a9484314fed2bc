"""Withdraw an API key."""

from uuid import UUID

import orjson
from django.core.management.base import BaseCommand, CommandError, CommandParser

from runs.domain.key_text import visible_part
from runs.management.key_table import key_document
from runs.management.operator import operator
from runs.models import ApiKey
from runs.operations.revoke_api_key import revoke_api_key

UNKNOWN_KEY = 4


class Command(BaseCommand):
    """Exits 4 if there is no such key."""

    help = (
        "Revoke an API key: within 5 s it lets nobody in any more, and the streams it has opened are closed. "
        "It stays in the list (list_api_keys --all). Exits 4 if there is no such key."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """KEY, --json."""
        parser.add_argument("key", metavar="KEY", help="its prefix (sb_live_4fZk09aB), its id, or the whole key")
        parser.add_argument("--json", action="store_true", help="print it as JSON")

    def handle(self, *args: object, key: str, json: bool, **options: object) -> None:
        """The key is revoked, now or earlier."""
        row = revoke_api_key(key_id=_id_of(key), actor=operator())
        document = key_document(row, "revoked")
        if json:
            self.stdout.write(orjson.dumps(document).decode())
        else:
            self.stdout.write(f"{document['prefix']} ({document['name']}) is revoked since {document['revokedAt']}.")


def _id_of(named: str) -> UUID:
    """Whoever has found a leaked key may have no more than the key itself."""
    prefix = visible_part(named)
    keys = ApiKey.objects.filter(prefix=prefix) if prefix else ApiKey.objects.filter(id=_uuid(named))
    key_id = keys.values_list("id", flat=True).first()
    if key_id is None:
        raise CommandError(
            f"there is no key {prefix or named}; `list_api_keys --all` shows all", returncode=UNKNOWN_KEY
        )
    return key_id


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        # Not repeated: it may be a secret that was pasted with a slip.
        raise CommandError("this is no prefix (sb_live_4fZk09aB), no id and no key", returncode=UNKNOWN_KEY) from None
