"""Lists of tables without an end: never counted as a whole, and never searched as a whole for what no index answers."""

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property

if TYPE_CHECKING:
    from django.contrib.admin.views.main import ChangeList

    AnyPaginator = Paginator[Any]
else:
    from unfold.views import ChangeList

    AnyPaginator = Paginator

COUNTED_ROWS = 2_000
LOOKED_AT = 20_000
LOOKED = "Filters look at the newest {:,} rows alone. Of one run or one endpoint they look at those of its own."


class BoundedPaginator(AnyPaginator):
    """Counts no further than COUNTED_ROWS: nobody turns so many pages, and an honest count reads every row."""

    @cached_property
    def count(self) -> int:
        """How many rows there are, or COUNTED_ROWS if there are more."""
        rows = self.object_list
        # In the order of the page, and so along the same index: in no order a plan may gather all rows before it counts.
        return rows[:COUNTED_ROWS].count() if isinstance(rows, QuerySet) else len(rows)


class BoundedList(ChangeList):
    """A page of rows. Filters that no index answers look at the newest LOOKED_AT rows, and the page says so."""

    model_admin: Any

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[Model]:
        """The rows that are listed."""
        rows: QuerySet[Model] = super().get_queryset(request, exclude_parameters)
        asked = set(self.get_filters_params()) - self.model_admin.narrowed_by.keys()
        # What is searched for is found by indexes.
        if not asked or self.query or rows.query.is_empty():
            return rows
        return self._newest(request, rows)

    def _newest(self, request: HttpRequest, rows: QuerySet[Model]) -> QuerySet[Model]:
        ordering: tuple[str, ...] = self.model_admin.get_ordering(request)
        if not ordering[0].startswith("-"):
            return rows  # a short table, in an order of its own
        column = ordering[0].removeprefix("-")
        oldest = oldest_looked_at(self._narrowed(request).order_by(*ordering), column)
        if oldest is None:
            return rows
        if request.method == "GET":
            messages.info(request, LOOKED.format(LOOKED_AT))
        return rows.filter(**{f"{column}__gte": oldest})

    def _narrowed(self, request: HttpRequest) -> QuerySet[Model]:
        """All the rows among which the filters look."""
        given = {name: request.GET[name] for name in self.model_admin.narrowed_by if name in request.GET}
        rows: QuerySet[Model] = self.root_queryset.filter(**given)
        return rows


def oldest_looked_at(rows: QuerySet[Model], column: str) -> Any:
    """The column of the last of LOOKED_AT rows, which are ordered by an index; None if there are no more than these."""
    return next(iter(rows.values_list(column, flat=True)[LOOKED_AT - 1 : LOOKED_AT]), None)
