"""The staff pages of users and groups: administrators put users into groups; nobody rises above what they were given."""

from typing import TYPE_CHECKING, Any, ClassVar, cast

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserPages
from django.contrib.auth.models import Group, User
from django.db import transaction
from django.db.models import Model
from django.forms import ModelMultipleChoiceField
from django.http import HttpRequest, HttpResponse

from config.giving import groups_to_give, may_change
from runs.admin.callers import actor_of
from runs.admin.pages import GuardedAdmin
from runs.audit import note
from runs.log_context import current_request_id
from runs.models.project import DEFAULT_PROJECT_ID

if TYPE_CHECKING:
    from django.contrib.auth.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
    from django.forms import CheckboxSelectMultiple as Checkboxes

    class DjangoUserAdmin(DjangoUserPages[User]):
        """As the type checker wants it."""
else:
    from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
    from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget as Checkboxes

    DjangoUserAdmin = DjangoUserPages

# They come from a group, or from a superuser alone.
OF_SUPERUSERS = ("is_superuser", "user_permissions")


class AuditedAdmin(GuardedAdmin):
    """Whatever is changed is in the audit list, in the transaction of the change."""

    actions = None  # one at a time

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """Django's own entry, and ours."""
        self._note(request, obj, "created")
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """Django's own entry, and ours, with the names of what was changed."""
        self._note(request, obj, "changed", changed=_fields_in(message))
        return super().log_change(request, obj, message)

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        """Django's own entries, and ours."""
        for obj in queryset:
            self._note(request, obj, "deleted")
        return super().log_deletions(request, queryset)

    def details_of(self, obj: Any) -> dict[str, Any]:
        """How it stands after the change; never a secret."""
        raise NotImplementedError

    def _note(self, request: HttpRequest, obj: Any, done: str, **details: Any) -> None:
        kind = cast(str, self.opts.model_name)
        note(
            project_id=DEFAULT_PROJECT_ID,
            actor=actor_of(request),
            action=f"{kind}.{done}",
            resource=kind,
            resource_id=str(obj.pk),
            details={**self.details_of(obj), **details},
            request_id=current_request_id(),
        )


class UserAdmin(DjangoUserAdmin, AuditedAdmin):
    """Members of staff. Who leaves is made inactive: the audit list goes on naming them."""

    form = UserChangeForm  # type: ignore[assignment]  # it is one of this model
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "is_active", "is_staff", "is_superuser", "last_login")
    list_filter = ("is_active", "is_staff", "is_superuser", "groups")
    ordering: ClassVar[tuple[str, ...]] = ("username",)
    readonly_fields = ("last_login", "date_joined")
    filter_horizontal = ()  # the theme draws it wider than a window

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Only a superuser makes one, or gives permissions that are no group's."""
        return (*self.readonly_fields, *(() if request.user.is_superuser else OF_SUPERUSERS))

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Staff who may change users, as far as these may do no more than they."""
        may = super().has_change_permission(request, obj)
        return may and (obj is None or may_change(cast(User, request.user), obj))

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody deletes."""
        return False

    def formfield_for_manytomany(self, db_field: Any, request: Any = None, **kwargs: Any) -> Any:
        """Of the groups those that the member of staff may give."""
        if db_field.name == "groups":
            kwargs["widget"] = Checkboxes()
        field = super().formfield_for_manytomany(db_field, request, **kwargs)
        if db_field.name == "groups" and isinstance(field, ModelMultipleChoiceField):
            field.queryset = groups_to_give(request.user)
        return field

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:
        """The new password and its audit entry, or neither."""
        with transaction.atomic():
            answer: HttpResponse = super().user_change_password(request, id, form_url)
        return answer

    def details_of(self, obj: User) -> dict[str, Any]:
        """Name, standing and groups."""
        return {
            "name": obj.username,
            "isActive": obj.is_active,
            "isStaff": obj.is_staff,
            "isSuperuser": obj.is_superuser,
            "groups": sorted(obj.groups.values_list("name", flat=True)),
        }


class GroupAdmin(DjangoGroupAdmin, AuditedAdmin):
    """What the members of each group may do; only superusers change that."""

    ordering: ClassVar[tuple[str, ...]] = ("name",)

    def details_of(self, obj: Group) -> dict[str, Any]:
        """Name and permissions."""
        names = obj.permissions.values_list("content_type__app_label", "codename")
        return {"name": obj.name, "permissions": sorted(f"{app}.{codename}" for app, codename in names)}


def _fields_in(message: Any) -> list[str]:
    """The names of the fields in what Django writes of a change."""
    parts = message if isinstance(message, list) else []
    return [str(name) for part in parts for name in part.get("changed", {}).get("fields", ())]


# In place of Django's own, which know neither the theme nor the limits above.
admin.site.unregister([User, Group])
admin.site.register(User, UserAdmin)
admin.site.register(Group, GroupAdmin)
