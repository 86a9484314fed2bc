"""Make an API key; it is shown this once."""

import argparse
import re
from datetime import UTC, datetime, timedelta

import orjson
from django.core.management.base import BaseCommand, CommandError, CommandParser

from runs.domain.scopes import SCOPES
from runs.errors import NotFound, ValidationFailed
from runs.management.key_table import key_document
from runs.management.operator import operator
from runs.models import Project
from runs.operations.create_api_key import create_api_key

_DAYS = re.compile(r"([1-9][0-9]{0,4})d")


class Command(BaseCommand):
    """The new key is on standard output, and nowhere else."""

    help = (
        "Make an API key. It is shown this once; only its hash is kept. To replace a key make a second one, hand it out, "
        "and then revoke the first (revoke_api_key)."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """NAME, --scopes, --project, --expires, --json."""
        parser.add_argument("name", metavar="NAME", help="who will use it, as logs and the audit list shall say")
        scopes = parser.add_mutually_exclusive_group(required=True)
        scopes.add_argument(
            "--scopes", type=_words, metavar="A,B", help=f"what it opens, between commas: {', '.join(SCOPES)}"
        )
        scopes.add_argument(
            "--all-scopes", dest="scopes", action="store_const", const=SCOPES, help="it opens everything"
        )
        parser.add_argument("--project", default="default", metavar="SLUG", help="whose runs (default: %(default)s)")
        parser.add_argument(
            "--expires", type=_moment, metavar="WHEN", help="90d, or a time such as 2027-01-31T00:00:00Z; else never"
        )
        parser.add_argument("--json", action="store_true", help="print it as JSON")

    def handle(
        self,
        *args: object,
        name: str,
        scopes: tuple[str, ...],
        project: str,
        expires: datetime | None,
        json: bool,
        **options: object,
    ) -> None:
        """The key exists. Raises CommandError with every fault there is."""
        owner = Project.objects.filter(slug=project).first()
        if owner is None:
            raise CommandError(f"there is no project {project!r}; the admin shows and makes projects")
        try:
            created = create_api_key(
                project_id=owner.id, name=name, scopes=scopes, expires_at=expires, actor=operator()
            )
        except ValidationFailed as failed:
            raise CommandError("; ".join(f"{fault.path}: {fault.message}" for fault in failed.faults)) from failed
        except NotFound as failed:
            raise CommandError(failed.message) from failed
        document = key_document(created.row, "active")
        if json:
            self.stdout.write(orjson.dumps({**document, "key": created.text}).decode())
            return
        self.stdout.write(created.text)
        self.stderr.write(f"Keep it now: it is shown this once. {_told(document)}")


def _told(document: dict[str, object]) -> str:
    scopes = document["scopes"]
    assert isinstance(scopes, list)
    until = f"until {document['expiresAt']}" if document["expiresAt"] else "until it is revoked"
    return f"{document['prefix']} opens {', '.join(scopes)} in project {document['project']} {until}."


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


def _moment(text: str) -> datetime:
    days = _DAYS.fullmatch(text)
    if days:
        return datetime.now(UTC) + timedelta(days=int(days[1]))
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise argparse.ArgumentTypeError(f"{text!r} is neither days (90d) nor a time with its zone")
    return moment
