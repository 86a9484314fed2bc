"""What the pages have in common: read-only, searched by run, never counting or sorting a whole table."""

from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.functional import cached_property

from runs.admin.run_search import runs_named

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
    AnyPaginator = Paginator[Any]
else:
    from unfold.admin import ModelAdmin

    AnyPaginator = Paginator

COUNTED_ROWS = 10_000


class BoundedPaginator(AnyPaginator):
    """Counts no further than COUNTED_ROWS: nobody turns so many pages, and an honest count reads every row."""

    @cached_property
    def count(self) -> int:
        """How many rows there are, or COUNTED_ROWS if there are more."""
        rows = self.object_list
        return rows.order_by()[:COUNTED_ROWS].count() if isinstance(rows, QuerySet) else len(rows)


class GuardedAdmin(ModelAdmin):
    """A list whose actions are refused to whoever may not take them; Django would pass over them without a word."""

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """The list, or what the chosen action answers. Raises PermissionDenied."""
        asked = {name for name in request.POST.getlist("action") if name}
        if asked - set(self.get_actions(request)):
            raise PermissionDenied
        answer: HttpResponse = super().changelist_view(request, extra_context)
        return answer


class ReadOnlyAdmin(GuardedAdmin):
    """Rows that machines write: shown to staff, never added, changed or deleted by hand."""

    actions: tuple[str, ...] | None = None
    list_per_page = 50
    ordering: ClassVar[tuple[str, ...]] = ("-id",)  # ids are made in the order of time
    paginator = BoundedPaginator
    show_facets = admin.ShowFacets.NEVER  # each would count the table
    show_full_result_count = False
    sortable_by = ()  # no index would serve it
    deferred: tuple[str, ...] = ()  # columns that are read only where a page shows them

    def get_queryset(self, request: HttpRequest) -> QuerySet[Model]:
        """The rows without what no list shows."""
        return super().get_queryset(request).defer(*self.deferred)

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody adds."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody changes."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody deletes."""
        return False


class OfRunAdmin(ReadOnlyAdmin):
    """Rows of a run: found by whatever names the run."""

    search_fields = ("run_id",)
    search_help_text = "id, session id or message id of a run"

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Model], search_term: str
    ) -> tuple[QuerySet[Model], bool]:
        """The rows of the runs that the term names."""
        return (queryset.filter(Q(run_id__in=runs_named(search_term))) if search_term else queryset), False
