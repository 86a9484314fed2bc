"""What a caller may do: every route names a scope, and a route that names none is closed.

A view says it by an attribute, so that no app has to import this file:

    scopes = {"GET": "runs:read", "POST": "runs:write"}   # per method; HEAD and OPTIONS count as GET, else OPTIONS as any
    scope = "runs:read"                                   # or one for all methods
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from config.http.principal import Principal
from runs.errors import Forbidden

if TYPE_CHECKING:  # rest_framework.views imports this module for its default
    from rest_framework.views import APIView


class HasScope(BasePermission):
    """The default of every view: the caller is known and has the scope the view names for the method."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """False for a stranger (401); raises Forbidden, naming the scope, for a caller without it."""
        method = request.method or "GET"
        if not hasattr(view, method.lower()):
            return isinstance(request.user, Principal)  # on to the 405
        return _is_permitted(request, _scope_named_by(view, method))


def _scope_named_by(view: APIView, method: str) -> str | None:
    scopes: Mapping[str, str] = getattr(view, "scopes", {})
    alias = "GET" if method in {"HEAD", "OPTIONS"} else method
    scope = scopes.get(method) or scopes.get(alias) or getattr(view, "scope", None)
    return next(iter(scopes.values()), None) if scope is None and method == "OPTIONS" else scope


def _is_permitted(request: Request, scope: str | None) -> bool:
    principal = request.user
    if not isinstance(principal, Principal):
        return False
    if scope is None:
        raise Forbidden("this route is open to nobody: it names no scope")
    if scope not in principal.scopes:
        raise Forbidden(f"the scope {scope} is missing", details={"scope": scope})
    return True
