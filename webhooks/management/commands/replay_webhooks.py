"""Send deliveries again, of many webhooks at once."""

import argparse
from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import UUID

import orjson
from django.core.management.base import BaseCommand, CommandError, CommandParser

from runs.management.arguments import run_id
from runs.management.operator import operator
from runs.management.progress import Progress
from webhooks.models import Endpoint
from webhooks.operations.caller import Caller
from webhooks.operations.replay_deliveries import REPLAYABLE, Replayed, count_replay, replay_deliveries
from webhooks.queries import ReplayFilter
from webhooks.wanted import unknown_names

UNKNOWN_WEBHOOK = 4

Line = dict[str, object]


class Command(BaseCommand):
    """Every webhook gets a job of its own, with its own entry in the audit list."""

    help = (
        "Send deliveries once more, each under its own webhook-id: those that did not arrive, if no status is named. "
        "The rate of each webhook says how fast they go. A job takes 10 000 of a webhook at most: run it again for the rest. "
        "Webhooks that are not active are left out, and said so. Exits 4 if there is no such webhook."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """--webhook, --event, --status, --run, --from, --to, --dry-run, --json."""
        parser.add_argument(
            "--webhook", type=UUID, metavar="ID", help="of this webhook alone; of all, if it is left out"
        )
        parser.add_argument(
            "--event", action="append", default=[], metavar="TYPE", help="a type or pattern; repeatable"
        )
        parser.add_argument("--status", choices=REPLAYABLE, default="", help="exhausted and cancelled by default")
        parser.add_argument("--run", type=run_id, metavar="ID", help="of this run alone")
        parser.add_argument(
            "--from", dest="since", type=moment, metavar="TIME", help="created at or after it (ISO-8601)"
        )
        parser.add_argument("--to", dest="until", type=moment, metavar="TIME", help="created before it")
        parser.add_argument("--dry-run", action="store_true", help="count them; send nothing")
        parser.add_argument("--json", action="store_true", help="print the report as JSON")

    def handle(self, *args: object, webhook: UUID | None, dry_run: bool, json: bool, **options: object) -> None:
        """They are due once more, or were counted."""
        wanted = _wanted(options)
        endpoints = list(_endpoints(webhook))
        if webhook is not None and not endpoints:
            raise CommandError(f"there is no webhook {webhook}", returncode=UNKNOWN_WEBHOOK)
        with Progress("replaying") as progress:
            lines = list(_replay(endpoints, wanted, progress, is_dry=dry_run))
        if json:
            self.stdout.write(orjson.dumps({"dryRun": dry_run, "webhooks": lines}).decode())
        else:
            self._tell(lines, is_dry=dry_run)

    def _tell(self, lines: list[Line], *, is_dry: bool) -> None:
        for line in lines:
            self.stdout.write(f"{line['webhookId']}  {line['url']}  {_words(line)}")
        total = sum(int(str(line["count"])) for line in lines)
        self.stdout.write(f"{total} would be sent again." if is_dry else f"{total} are due once more.")


def moment(text: str) -> datetime:
    """A time on a command line; one without an offset is in UTC."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no ISO-8601 time") from None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def _wanted(options: dict[str, object]) -> ReplayFilter:
    events = options["event"]
    assert isinstance(events, list)
    if unknown := unknown_names(events):
        raise CommandError(f"there is no event type or pattern {', '.join(unknown)}")
    return ReplayFilter(
        events=tuple(events),
        status=str(options["status"]),
        run_id=options["run"] if isinstance(options["run"], UUID) else None,
        since=options["since"] if isinstance(options["since"], datetime) else None,
        until=options["until"] if isinstance(options["until"], datetime) else None,
    )


def _endpoints(only: UUID | None) -> Iterator[Endpoint]:
    endpoints = Endpoint.objects.filter(deleted_at=None).select_related("project").order_by("created_at", "id")
    yield from endpoints if only is None else endpoints.filter(id=only)


def _replay(endpoints: list[Endpoint], wanted: ReplayFilter, progress: Progress, *, is_dry: bool) -> Iterator[Line]:
    for number, endpoint in enumerate(endpoints):
        progress.at(number, len(endpoints))
        line: Line = {"webhookId": str(endpoint.id), "url": endpoint.url, "active": endpoint.active}
        done = _done(endpoint, wanted, is_dry=is_dry) if endpoint.active else Replayed(count=0, matched=0, key=None)
        yield {**line, "count": done.count, "left": done.matched - done.count}


def _done(endpoint: Endpoint, wanted: ReplayFilter, *, is_dry: bool) -> Replayed:
    caller = Caller(project_id=endpoint.project.id, actor=operator())
    return (count_replay if is_dry else replay_deliveries)(endpoint.id, wanted, caller)


def _words(line: Line) -> str:
    if not line["active"]:
        return "is not active"
    return f"{line['count']}, and {line['left']} are left" if line["left"] else str(line["count"])
