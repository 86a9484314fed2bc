"""Who of the staff may give what to whom: nobody gives a right that they have not, nor changes somebody who has one."""

from django.contrib.auth.models import Group, Permission, User
from django.db.models import QuerySet

from config.http.staff_backend import permissions_given


def groups_to_give(giver: User) -> QuerySet[Group]:
    """The groups whose every permission the giver has; all of them for a superuser."""
    return Group.objects.all() if giver.is_superuser else Group.objects.exclude(permissions__in=_missing(giver))


def may_change(giver: User, other: User) -> bool:
    """Whether the other, logged in or not, may do nothing that the giver may not."""
    if giver.is_superuser:
        return True
    return not other.is_superuser and not permissions_given(other.pk).filter(pk__in=_missing(giver)).exists()


def _missing(giver: User) -> QuerySet[Permission]:
    return Permission.objects.order_by().exclude(pk__in=permissions_given(giver.pk).values("pk"))
