"""All runs there are, a page at a time, for commands that look at every one of them."""

from collections.abc import Iterator
from uuid import UUID

from runs.models import Run

RUNS_PER_PAGE = 50


def run_pages(only: UUID | None = None) -> Iterator[list[UUID]]:
    """The ids of all runs in their order, or of `only` if it exists; a page is read when the last one is done with."""
    runs = Run.objects.order_by("id").values_list("id", flat=True)
    if only is not None:
        runs = runs.filter(id=only)
    page = list(runs[:RUNS_PER_PAGE])
    while page:
        yield page
        page = list(runs.filter(id__gt=page[-1])[:RUNS_PER_PAGE])


def count_all_runs(only: UUID | None = None) -> int:
    """How many runs `run_pages` is about to show."""
    return Run.objects.count() if only is None else Run.objects.filter(id=only).count()
