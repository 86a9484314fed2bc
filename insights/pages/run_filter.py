"""What the address of the list asks for; what makes no sense in it is passed over, and the form shows what was taken."""

from datetime import UTC, datetime
from urllib.parse import urlencode
from uuid import UUID

from django.http import QueryDict

from insights.pages.words import exact
from insights.run_rows import Place, RunQuestion
from runs.domain.endings import EndingCode
from runs.domain.lifecycle import RunStatus
from runs.domain.requests import SANDBOX

KINDS = ("live", SANDBOX)
STATUSES = tuple(status.value for status in RunStatus)
CODES = tuple(code.value for code in EndingCode)
LONGEST = 200


def question_from(query: QueryDict) -> RunQuestion:
    """The runs that the address asks for."""
    return RunQuestion(
        status=_one_of(query, "status", STATUSES),
        kind=_one_of(query, "kind", KINDS),
        code=_one_of(query, "code", CODES),
        mode_name=_text(query, "mode"),
        runtime_kind=_text(query, "runtime"),
        environment=_text(query, "environment"),
        tag=_text(query, "tag"),
        search=_text(query, "q"),
        archived=query.get("archived") == "1",
        created_from=_moment(query, "from"),
        created_to=_moment(query, "to"),
    )


def told_of(asked: RunQuestion) -> list[str]:
    """What was asked for, a line each, for whoever wonders why nothing matches."""
    told = {
        "search": asked.search,
        "status": asked.status,
        "ending code": asked.code,
        "kind": asked.kind,
        "tag": asked.tag,
        "mode": asked.mode_name,
        "runtime": asked.runtime_kind,
        "environment": asked.environment,
        "created from": exact(asked.created_from) if asked.created_from else "",
        "created before": exact(asked.created_to) if asked.created_to else "",
        "archived ones": "only these" if asked.archived else "",
    }
    return [f"{name}: {value}" for name, value in told.items() if value]


def place_from(query: QueryDict) -> Place | None:
    """Behind which run the page begins; None for the newest."""
    moment, _, run_id = query.get("after", "").partition("_")
    try:
        return Place(datetime.fromisoformat(moment), UUID(run_id))
    except ValueError:
        return None


def address_behind(query: QueryDict, place: Place) -> str:
    """The query of the page that begins behind `place`, for the same runs."""
    kept = {name: value for name, value in query.items() if value and name not in {"after", "part"}}
    return urlencode({**kept, "after": f"{place.created_at.isoformat()}_{place.id}"})


def stream_query(asked: RunQuestion) -> str:
    """The query of /ws/runs that tells of these runs, and perhaps of others."""
    wanted = {"status": asked.status, "tags": "" if "," in asked.tag else asked.tag, "modeName": asked.mode_name}
    told = {name: value for name, value in wanted.items() if value}
    told |= {"includeSandbox": "true"} if asked.kind != "live" else {}
    return urlencode(
        {**told, **({"includeArchived": "true"} if asked.archived else {}), "limit": 1, "includeTotal": "false"}
    )


def _text(query: QueryDict, name: str) -> str:
    return query.get(name, "").replace("\x00", "").strip()[:LONGEST]


def _one_of(query: QueryDict, name: str, allowed: tuple[str, ...]) -> str:
    value = query.get(name, "")
    return value if value in allowed else ""


def _moment(query: QueryDict, name: str) -> datetime | None:
    try:
        given = datetime.fromisoformat(query.get(name, ""))
    except ValueError:
        return None
    return given if given.tzinfo else given.replace(tzinfo=UTC)
