"""What members of staff may do, by their permissions: on the API, too, where a scope says it."""

from collections.abc import Collection, Mapping
from types import MappingProxyType

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


def scopes_of(permissions: Collection[str]) -> frozenset[str]:
    """The scopes of somebody with these permissions (`app.codename`); without any: none."""
    return frozenset().union(*(SCOPES_OF.get(permission, frozenset()) for permission in permissions))
