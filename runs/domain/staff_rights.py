"""What members of staff may do, by their permissions: on the API, too, where a scope says it."""

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Protocol

from runs.domain.scopes import SCOPES

# What each permission opens on the API and its streams. Whatever stands here for no scope opens nothing there.
SCOPES_OF: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "runs.view_run": frozenset({"runs:read"}),
        "runs.change_run": frozenset({"runs:write", "runs:cancel"}),
        "runs.delete_run": frozenset({"runs:delete"}),
        "runs.add_outboundmessage": frozenset({"signals:write"}),
        "webhooks.change_endpoint": frozenset({"webhooks:manage"}),
        "runs.manage_policies": frozenset({"policies:manage"}),
        "runs.view_auditentry": frozenset({"admin:read"}),
        "runs.add_breakerchange": frozenset({"admin:write"}),
    }
)


class Member(Protocol):
    """A member of staff, as far as it matters here."""

    @property
    def is_superuser(self) -> bool: ...
    def get_all_permissions(self) -> set[str]: ...


def scopes_of_member(member: Member) -> frozenset[str]:
    """Every scope for a superuser, without a look at permissions; for others what these open."""
    return frozenset(SCOPES) if member.is_superuser else scopes_of(member.get_all_permissions())


def scopes_of(permissions: Collection[str]) -> frozenset[str]:
    """The scopes of somebody with these permissions (`app.codename`); without any: none."""
    return frozenset().union(*(SCOPES_OF.get(permission, frozenset()) for permission in permissions))
