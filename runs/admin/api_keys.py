"""API keys: staff make, see and revoke them."""

from typing import Any

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.decorators import method_decorator
from django.views.decorators.debug import sensitive_post_parameters

from runs.admin.callers import actor_of
from runs.admin.filters import is_set
from runs.admin.key_form import KeyForm, form_for
from runs.admin.pages import ModelAdmin, ReadOnlyAdmin
from runs.log_context import current_request_id
from runs.models import ApiKey
from runs.operations.create_api_key import create_api_key
from runs.operations.revoke_api_key import revoke_api_key


@admin.register(ApiKey)
class ApiKeyAdmin(ReadOnlyAdmin):
    """Keys are made (and shown once), seen and revoked; neither secret nor hash is ever read."""

    actions = ("revoke",)
    list_display = ("name", "prefix", "project", "scopes", "created_at", "last_used_at", "expires_at", "revoked_at")
    list_select_related = ("project",)
    list_filter = (is_set("revoked_at", "revoked"), "project")
    ordering = ("name",)
    search_fields = ("name", "prefix__exact")
    deferred = ("secret_sha256",)
    fields = (
        *("id", "name", "prefix", "project", "scopes", "created_at", "created_by"),
        *("last_used_at", "expires_at", "revoked_at"),
    )

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Staff who may add keys."""
        return ModelAdmin.has_add_permission(self, request)

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        """Staff who may change keys."""
        return request.user.has_perm("runs.change_apikey")

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        """A new key has a form, all others only what is shown of them."""
        return ("name", "project", "scopes", "expires_at", "password") if obj is None else self.fields

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """The form of a new key; nothing of another one can be changed."""
        return super().get_form(request, obj, change, **kwargs | {"form": form_for(request.user)})

    @method_decorator(sensitive_post_parameters("password"))
    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """The form, or the new key."""
        answer: HttpResponse = super().add_view(request, form_url, extra_context)
        return answer

    def save_model(self, request: HttpRequest, obj: Any, form: KeyForm, change: bool) -> None:
        """The key exists; `obj` becomes its row."""
        created = create_api_key(
            project_id=form.cleaned_data["project"].id,
            name=form.cleaned_data["name"],
            scopes=form.cleaned_data["scopes"],
            expires_at=form.cleaned_data["expires_at"],
            actor=actor_of(request),
            request_id=current_request_id(),
        )
        obj.pk, obj.prefix, obj.text = created.row.pk, created.row.prefix, created.text

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        """The one page that shows the key; nobody keeps it."""
        context = {**self.admin_site.each_context(request), "title": "A new API key", "opts": self.opts}
        return TemplateResponse(request, "admin/runs/apikey/created.html", {**context, "row": obj, "key": obj.text})

    @admin.action(description="Revoke the selected keys", permissions=["revoke"])
    def revoke(self, request: HttpRequest, keys: QuerySet[ApiKey]) -> None:
        """They open nothing any more."""
        for key_id in keys.values_list("id", flat=True):
            revoke_api_key(key_id=key_id, actor=actor_of(request), request_id=current_request_id())
        self.message_user(request, "Revoked: they let nobody in any more after 5 seconds.")
