"""Projects, and what was changed in them by whom."""

from typing import Any

from django.contrib import admin
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest

from runs.admin.bounded import oldest_looked_at
from runs.admin.callers import actor_of
from runs.admin.pages import GuardedAdmin, ReadOnlyAdmin
from runs.admin.shown import pretty_value
from runs.audit import note
from runs.log_context import current_request_id
from runs.models import AuditEntry, Project


@admin.register(Project)
class ProjectAdmin(GuardedAdmin):
    """Projects can be made and renamed; what belongs to one keeps it from being deleted."""

    list_display = ("name", "slug", "created_at")
    search_fields = ("name", "slug")
    fields = ("name", "slug", "created_at")
    readonly_fields = ("created_at",)

    def save_model(self, request: HttpRequest, obj: Project, form: Any, change: bool) -> None:
        """The project is as the form says, and the audit list has it."""
        super().save_model(request, obj, form, change)
        note(
            project_id=obj.id,
            actor=actor_of(request),
            action="project.changed" if change else "project.created",
            resource="project",
            resource_id=str(obj.id),
            details={"name": obj.name, "slug": obj.slug},
            request_id=current_request_id(),
        )

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody deletes: everything below belongs to a project."""
        return False


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    """Who changed what, newest first."""

    list_display = ("created_at", "actor", "actor_type", "action", "resource", "resource_id")
    search_fields = ("actor__exact", "action__exact", "resource_id__exact", "request_id__exact")
    search_help_text = "id of what was changed; of the newest entries also actor, action, or request id"
    fields = (
        *("created_at", "project", "actor", "actor_type", "action", "resource", "resource_id", "request_id"),
        *("actor_id", "address"),
        "shown_details",
    )

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """What was done to the thing of this id; if there is none, what the newest entries say of the term."""
        term = search_term.strip()
        if not term:
            return queryset, False
        if AuditEntry.objects.filter(resource_id=term).exists():
            return queryset.filter(resource_id=term), False
        said = queryset.filter(Q(actor=term) | Q(action=term) | Q(request_id=term))
        oldest = oldest_looked_at(AuditEntry.objects.order_by("-id"), "id")
        return (said if oldest is None else said.filter(id__gte=oldest)), False

    @admin.display(description="details")
    def shown_details(self, entry: AuditEntry) -> str:
        """What was changed."""
        return pretty_value(entry.details)
