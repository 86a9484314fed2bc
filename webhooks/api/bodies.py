"""The bodies that say what an endpoint is, and what is sent again: judged as a whole, every fault with its path."""

from datetime import UTC, datetime

from runs.api.members import LONGEST_URL, Members
from runs.errors import FieldFault, ValidationFailed
from webhooks.api.ids import id_in
from webhooks.operations.own_headers import LONGEST_NAME
from webhooks.operations.replay_deliveries import REPLAYABLE
from webhooks.operations.secret_text import LONGEST
from webhooks.operations.terms import OVERLAPS, Filters, Terms, faults_in
from webhooks.queries import ReplayFilter

LONGEST_DESCRIPTION = 500
MOST_EVENTS, LONGEST_EVENT = 100, 80
MOST_TAGS, LONGEST_TAG = 100, 200
SLOWEST, FASTEST = 0.1, 1000.0
MOST_AT_ONCE = 100

NO_MOMENT = "must be an ISO-8601 time with an offset, e.g. 2026-01-31T09:30:00.000Z"


def read_new(body: object) -> Terms:
    """The body of POST /webhooks. Raises ValidationFailed with every fault there is."""
    faults: list[FieldFault] = []
    members = Members.of(body, "", faults)
    url = members.text("url", longest=LONGEST_URL)
    return _judged(members, _terms(members, url=url or None), faults)


def read_change(body: object) -> Terms:
    """The body of PATCH /webhooks/{id}. Raises ValidationFailed with every fault there is."""
    faults: list[FieldFault] = []
    members = Members.of(body, "", faults)
    terms = _terms(
        members,
        url=members.optional_text("url", longest=LONGEST_URL, shortest=1),
        active=members.optional_boolean("active"),
        paused=members.optional_boolean("paused"),
        secret_overlap=members.optional_choice("secretOverlap", tuple(OVERLAPS)),
    )
    return _judged(members, terms, faults)


def read_replay(body: object) -> tuple[ReplayFilter, bool, str | None]:
    """What is to be sent again, whether it is only to be counted, and the key of the job. Raises ValidationFailed."""
    faults: list[FieldFault] = []
    members = Members.of(body, "", faults)
    wanted = ReplayFilter(
        events=members.texts("events", most=MOST_EVENTS, longest=LONGEST_EVENT),
        status=members.optional_choice("status", REPLAYABLE) or "",
        run_id=id_in(members, "runId"),
        since=_moment(members, "from"),
        until=_moment(members, "to"),
    )
    if wanted.since is not None and wanted.until is not None and wanted.since >= wanted.until:
        members.fault("from", "must be before to")
    is_dry = members.optional_boolean("dryRun") or False
    key = members.optional_text("key", shortest=1)
    members.refuse_others()
    faults += faults_in(Terms(events=wanted.events))
    if faults:
        raise ValidationFailed(faults)
    return wanted, is_dry, key


def _judged(members: Members, terms: Terms, faults: list[FieldFault]) -> Terms:
    members.refuse_others()
    faults += faults_in(terms)
    if faults:
        raise ValidationFailed(list(dict.fromkeys(faults)))
    return terms


def _terms(
    members: Members,
    *,
    url: str | None,
    active: bool | None = None,
    paused: bool | None = None,
    secret_overlap: str | None = None,
) -> Terms:
    return Terms(
        url=url,
        events=members.texts("events", most=MOST_EVENTS, longest=LONGEST_EVENT) if members.has("events") else None,
        description=members.optional_text("description", longest=LONGEST_DESCRIPTION),
        filters=_filters(members.optional_child("filters")),
        headers=_headers(members),
        rate_per_second=members.optional_number("ratePerSecond", least=SLOWEST, most=FASTEST),
        concurrency=members.optional_integer("concurrency", least=1, most=MOST_AT_ONCE),
        active=active,
        paused=paused,
        secret=members.optional_text("secret", longest=LONGEST, shortest=0),
        secret_overlap=secret_overlap,
    )


def _filters(members: Members | None) -> Filters | None:
    if members is None:
        return None
    filters = Filters(
        tags=members.texts("tags", most=MOST_TAGS, longest=LONGEST_TAG),
        mode_name=members.optional_text("modeName") or "",
        environment=members.optional_text("environment") or "",
        run_id=id_in(members, "runId"),
    )
    members.refuse_others()
    return filters


def _headers(members: Members) -> dict[str, str] | None:
    """Texts alone; whether they are headers, others judge."""
    given = members.optional_object("headers")
    if given is None:
        return None
    for name, value in given.items():
        if not isinstance(value, str):
            members.fault(f"headers.{name[:LONGEST_NAME]}", "must be a string")
    return {name: value for name, value in given.items() if isinstance(value, str)}


def _moment(members: Members, name: str) -> datetime | None:
    text = members.optional_text(name)
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    members.fault(name, NO_MOMENT)
    return None
