"""Every route of the service, read from the URL configuration: what walks them covers a new one by itself."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from runs.models.identity import uuid7

# Everybody may ask these, or they have a door of their own (staff pages); none of them shows anything of a project.
PUBLIC = frozenset({"healthz", "readyz", "metrics", "docs", "docs-json"})
STAFF_PAGES = "admin/"

UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")

_ELSEWHERE = re.compile(r"^runs/batch/|/export\b|^runtime/policies")
_PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")


@dataclass(frozen=True, slots=True)
class Route:
    """One address with everything it can be asked."""

    path: str  # runs/<str:run_id>/cancel
    view: Callable[..., Any]

    @property
    def parameters(self) -> tuple[str, ...]:
        return tuple(_PARAMETER.findall(self.path))

    @property
    def has_handlers(self) -> bool:
        """True for a view of the REST framework."""
        return hasattr(self.view, "cls")

    @property
    def leaves_its_thread(self) -> bool:
        """True where no transaction around it holds all of it: of plain views, batches, and what a runtime is asked."""
        return not self.has_handlers or _ELSEWHERE.search(self.path) is not None

    @property
    def methods(self) -> tuple[str, ...]:
        """What it answers; a plain view says so by its `scopes`."""
        handlers = getattr(self.view, "cls", None)
        if handlers is None:
            return tuple(getattr(self.view, "scopes", {}))
        return tuple(method for method in METHODS if hasattr(handlers, method.lower()) and method != "HEAD")

    def scope(self, method: str) -> str | None:
        """The scope it declares for the method."""
        declared = getattr(self.view, "cls", self.view)
        scopes: Mapping[str, str] = getattr(declared, "scopes", {})
        return scopes.get(method) or getattr(declared, "scope", None)

    def address(self, values: Mapping[str, str | UUID] | None = None) -> str:
        """Where it is asked; a parameter without a value gets an id that nothing has."""
        known = {name: str(value) for name, value in (values or {}).items()}
        return "/" + _PARAMETER.sub(lambda found: known.get(found[1]) or str(uuid7()), self.path)

    def __str__(self) -> str:
        return self.path


@dataclass(frozen=True, slots=True)
class Call:
    """One method of one route."""

    route: Route
    method: str

    def __str__(self) -> str:
        return f"{self.method} /{_PARAMETER.sub('{}', self.route.path)}"


def all_routes() -> list[Route]:
    """Every route but the staff pages."""
    return list(_below(get_resolver("config.urls").url_patterns, ""))


def guarded_routes() -> list[Route]:
    """Every route that asks who calls."""
    return [route for route in all_routes() if route.path not in PUBLIC]


def calls() -> list[Call]:
    """Every method of every guarded route."""
    return [Call(route, method) for route in guarded_routes() for method in route.methods]


def each(found: Sequence[Call]) -> list[Any]:
    """Parameters of a test; where rows are read or written on other threads, what it stores is committed."""
    committed = pytest.mark.django_db(transaction=True)
    return [pytest.param(call, id=str(call), marks=committed if call.route.leaves_its_thread else ()) for call in found]


def _below(patterns: Sequence[URLPattern | URLResolver], prefix: str) -> Iterator[Route]:
    for pattern in patterns:
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLPattern):
            yield Route(path, pattern.callback)
        elif path != STAFF_PAGES:
            yield from _below(pattern.url_patterns, path)
