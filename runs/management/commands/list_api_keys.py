"""Which API keys there are; never their secrets."""

import orjson
from django.core.management.base import BaseCommand, CommandParser

from runs.management.key_table import key_document, table
from runs.models import ApiKey


class Command(BaseCommand):
    """One line for each key, by name."""

    help = (
        "List the API keys that are stored: what they open, who made them, when they were last used (to the minute). "
        "Those of AUTH_API_KEYS are not among them."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """--project, --all, --json."""
        parser.add_argument("--project", metavar="SLUG", help="of this project alone")
        parser.add_argument("--all", action="store_true", help="those too that were revoked or have expired")
        parser.add_argument("--json", action="store_true", help="print them as JSON")

    def handle(self, *args: object, project: str | None, all: bool, json: bool, **options: object) -> None:
        """They are on standard output."""
        rows = ApiKey.objects.with_state().select_related("project")
        if project is not None:
            rows = rows.filter(project__slug=project)
        if not all:
            rows = rows.filter(state="active")
        documents = [key_document(row, row.state) for row in rows.defer("secret_sha256")]
        if json:
            self.stdout.write(orjson.dumps(documents).decode())
            return
        for line in table(documents):
            self.stdout.write(line)
