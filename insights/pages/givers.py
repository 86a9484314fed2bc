"""Who can give a member of staff a permission, and by which group."""

from django.contrib.auth.models import Group, User
from django.db.models import Q

MOST = 5


def groups_with(permission: str) -> list[str]:
    """The groups that have it, by name."""
    app, _, codename = permission.partition(".")
    having = Group.objects.filter(permissions__content_type__app_label=app, permissions__codename=codename)
    return list(having.order_by("name").values_list("name", flat=True))


def givers_of() -> list[str]:
    """Some of those who put others into groups, by name."""
    changes = {"content_type__app_label": "auth", "codename": "change_user"}
    of_a_group = Q(**{f"groups__permissions__{name}": value for name, value in changes.items()})
    of_their_own = Q(**{f"user_permissions__{name}": value for name, value in changes.items()})
    staff = User.objects.filter(is_active=True, is_staff=True)
    able = staff.filter(Q(is_superuser=True) | of_a_group | of_their_own)
    return list(able.order_by("username").values_list("username", flat=True).distinct()[:MOST])
