"""Which runs a subscriber to /ws/runs follows: decided by SQL for its first list, and here for every change after it."""

from collections.abc import Mapping
from dataclasses import dataclass

from runs.domain.documents import SummaryRow
from runs.domain.lifecycle import RunStatus
from runs.domain.requests import SANDBOX
from runs.queries import RunFilter
from runs.streaming.subscription import Parameters

STATUSES = tuple(status.value for status in RunStatus)


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which runs of a project; empty text and None mean any."""

    status: str | None = None
    tags: tuple[str, ...] = ()
    mode_name: str = ""
    include_archived: bool = False
    include_sandbox: bool = False

    @property
    def filter(self) -> RunFilter:
        """The same choice, for SQL."""
        return RunFilter(
            status=self.status,
            tags=self.tags,
            mode_name=self.mode_name,
            include_archived=self.include_archived,
            include_sandbox=self.include_sandbox,
        )

    def matches(self, row: SummaryRow) -> bool:
        """True for the runs that `filter` finds."""
        return (
            (self.include_archived or row.archived_at is None)
            and (self.include_sandbox or row.mode != SANDBOX)
            and (not self.status or row.status == self.status)
            and (not self.mode_name or row.mode_name == self.mode_name)
            and set(self.tags) <= set(row.tags)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ListSubscription:
    """Which runs to follow, and how many of them are listed first."""

    selection: Selection = Selection()
    limit: int = 50
    include_total: bool = True


def list_subscription_from(query: Mapping[str, str]) -> ListSubscription:
    """The subscription a query string asks for. Raises ValidationFailed with every fault."""
    parameters = Parameters(query)
    subscription = ListSubscription(
        selection=Selection(
            status=parameters.choice("status", STATUSES),
            tags=tuple(sorted(set(parameters.words("tags")))),
            mode_name=parameters.text("modeName"),
            include_archived=parameters.truth("includeArchived", default=False),
            include_sandbox=parameters.truth("includeSandbox", default=False),
        ),
        limit=parameters.bounded("limit", 50, 1, 200),
        include_total=parameters.truth("includeTotal", default=True),
    )
    parameters.done()
    return subscription
