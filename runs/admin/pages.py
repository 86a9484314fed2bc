"""What the pages have in common: read-only, searched by run, never counting or sorting a whole table."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse

from runs.admin.bounded import BoundedList, BoundedPaginator
from runs.queries.names import named_runs

if TYPE_CHECKING:
    from django.contrib.admin.views.main import ChangeList

    ModelAdmin = admin.ModelAdmin[Any]
else:
    from unfold.admin import ModelAdmin
    from unfold.views import ChangeList

OF_RUN, OF_PROJECT = "run__exact", "project__id__exact"


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
    # Parameters of the address that an index answers, and the order in which it has their rows.
    narrowed_by: ClassVar[Mapping[str, tuple[str, ...]]] = {}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Model]:
        """The rows without what no list shows."""
        return super().get_queryset(request).defer(*self.deferred)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """One that reads no table as a whole."""
        return BoundedList

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        """Newest first; of what the address names in the order of its index."""
        return next((order for name, order in self.narrowed_by.items() if request.GET.get(name)), self.ordering)

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
    narrowed_by: ClassVar[Mapping[str, tuple[str, ...]]] = {OF_RUN: ("-id",)}

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Model], search_term: str
    ) -> tuple[QuerySet[Model], bool]:
        """The rows of the runs that the term names."""
        if not search_term:
            return queryset, False
        named = named_runs(search_term)
        if len(named) == 1:
            return queryset.filter(run_id=named[0]).order_by(*self.narrowed_by[OF_RUN]), False
        return queryset.filter(run_id__in=named), False
