"""What an action would do to each of many runs, told before it is done: nothing is changed here."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from insights.run_rows import RunLine, lines_of
from runs.domain.lifecycle import TERMINAL, RunStatus
from runs.models import Run
from runs.queries import unwatched

MOST = 200  # as the routes for many runs take them


@dataclass(frozen=True, slots=True)
class Foresight:
    """What would become of one run; `acts` is False where the action would do nothing or be refused."""

    run_id: UUID
    status: str
    acts: bool
    words: str


def foresee(project_id: UUID, action: str, run_ids: Sequence[UUID]) -> list[Foresight]:
    """What the action would do now to each of these runs, in their order. Raises KeyError for an unknown action."""
    rule = _RULES[action]
    wanted = list(dict.fromkeys(run_ids))[:MOST]
    own = set(Run.objects.filter(project_id=project_id, id__in=wanted).values_list("id", flat=True))
    lines = {line.id: line for line in lines_of(list(own))}
    nobodys = unwatched(wanted) if action == "recover" else frozenset()
    return [_told(run_id, lines.get(run_id), rule, is_watched=run_id not in nobodys) for run_id in wanted]


def _told(run_id: UUID, line: RunLine | None, rule: "Rule", *, is_watched: bool) -> Foresight:
    if line is None:
        return Foresight(run_id, "", False, "there is no such run")
    return Foresight(run_id, line.status, *rule(line, is_watched))


def _cancel(line: RunLine, is_watched: bool) -> tuple[bool, str]:
    if line.status == RunStatus.CANCELLED:
        return False, "is cancelled already"
    if line.status in TERMINAL:
        return False, f"has ended as {line.status}: it cannot be cancelled"
    if line.status in {RunStatus.QUEUED, RunStatus.STARTING}:
        return True, "is cancelled at once: its session is not bound"
    return True, "is cancelled by its observer, which asks the runtime or the agent that opened the session"


def _archive(line: RunLine, is_watched: bool) -> tuple[bool, str]:
    if line.archived_at is not None:
        return False, "is archived already"
    return True, "is archived: lists do not show it any more" + ("" if line.ended_at else "; it goes on")


def _recover(line: RunLine, is_watched: bool) -> tuple[bool, str]:
    if line.status in TERMINAL:
        return False, f"has ended as {line.status}: there is nothing to recover"
    if is_watched:
        return False, "is watched by an observer that lives: there is nothing to take over"
    return True, "is watched by nobody: an observer takes it over at once and reads on"


def _rebuild(line: RunLine, is_watched: bool) -> tuple[bool, str]:
    return True, f"its projection is made anew from {line.last_seq} events"


def _export(line: RunLine, is_watched: bool) -> tuple[bool, str]:
    return True, f"is exported with {line.last_seq} events"


Rule = Callable[[RunLine, bool], tuple[bool, str]]
_RULES: Mapping[str, Rule] = {
    "cancel": _cancel,
    "recover": _recover,
    "archive": _archive,
    "rebuild": _rebuild,
    "export": _export,
}
ACTIONS = tuple(_RULES)
