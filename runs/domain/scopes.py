"""What a key may be good for: the closed list of scopes. Nothing is open to a key that does not name its scope."""

SCOPES = (
    "runs:read",
    "runs:write",
    "runs:cancel",
    "runs:delete",
    "signals:write",
    "webhooks:manage",
    "policies:manage",
    "admin:read",
    "admin:write",
)
