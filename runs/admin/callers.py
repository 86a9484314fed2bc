"""Staff as the audit list names them: the same way as on the API."""

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.http import HttpRequest

from runs.audit import Actor


def actor_of(request: HttpRequest) -> Actor:
    """The member of staff whose browser asks."""
    user: AbstractBaseUser | AnonymousUser = request.user
    return Actor(
        name=user.get_username(), kind="user", id=f"user:{user.pk}", address=request.META.get("REMOTE_ADDR") or ""
    )
