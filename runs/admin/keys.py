"""Who may enter, into which project, and what they changed."""

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from runs.admin.filters import is_set
from runs.admin.pages import ModelAdmin, ReadOnlyAdmin
from runs.admin.shown import pretty_value
from runs.models import ApiKey, AuditEntry, Project


@admin.register(Project)
class ProjectAdmin(ModelAdmin):
    """Projects can be made and renamed; what belongs to one keeps it from being deleted."""

    list_display = ("name", "slug", "created_at")
    search_fields = ("name", "slug")
    fields = ("name", "slug", "created_at")
    readonly_fields = ("created_at",)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody deletes: everything below belongs to a project."""
        return False


@admin.register(ApiKey)
class ApiKeyAdmin(ReadOnlyAdmin):
    """Keys by name and scope; neither secret nor hash is ever read."""

    list_display = ("name", "project", "scopes", "created_at", "expires_at", "revoked_at")
    list_select_related = ("project",)
    list_filter = (is_set("revoked_at", "revoked"), "project")
    ordering = ("name",)
    search_fields = ("name",)
    deferred = ("secret_sha256",)
    fields = ("id", "name", "project", "scopes", "created_at", "expires_at", "revoked_at")


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    """Who changed what, newest first."""

    list_display = ("created_at", "actor", "actor_type", "action", "resource", "resource_id")
    search_fields = ("actor__exact", "action__exact", "resource_id__exact", "request_id__exact")
    search_help_text = "actor, action, id of what was changed, or request id"
    ordering = ("project_id", "-created_at", "-id")  # the order of the index
    fields = (
        *("created_at", "project", "actor", "actor_type", "action", "resource", "resource_id", "request_id"),
        "shown_details",
    )

    @admin.display(description="details")
    def shown_details(self, entry: AuditEntry) -> str:
        """What was changed."""
        return pretty_value(entry.details)
