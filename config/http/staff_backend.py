"""What a member of staff may do, read with one question instead of Django's two, and remembered for the request."""

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import Permission
from django.db.models import F, Q, QuerySet, Value
from django.db.models.functions import Concat


class StaffBackend(ModelBackend):
    """Names and passwords as Django keeps them. A request asks at most once, and for a superuser not at all."""

    def get_all_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        """Their own and those of their groups, as `app.codename`; nobody's of one object alone."""
        if not user_obj.is_active or user_obj.is_anonymous or obj is not None:
            return set()
        if user_obj.is_superuser:
            return super().get_all_permissions(user_obj)
        if not hasattr(user_obj, "_perm_cache"):
            user_obj._perm_cache = names_of(permissions_given(user_obj.pk))
        remembered: set[str] = user_obj._perm_cache
        return remembered


def permissions_given(member: object) -> QuerySet[Permission]:
    """What the member of staff was given, alone or in a group; of inactive ones and of superusers, too."""
    return Permission.objects.order_by().filter(Q(user=member) | Q(group__user=member)).distinct()


def names_of(permissions: QuerySet[Permission]) -> set[str]:
    """`app.codename` of each."""
    return set(permissions.values_list(Concat(F("content_type__app_label"), Value("."), F("codename")), flat=True))
