"""Routes: what a request is counted under, however many paths there are."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, cast

from django.conf import settings
from django.http import HttpRequest
from django.urls import Resolver404, ResolverMatch, resolve

OTHER = "other"
LONGEST_REMEMBERED = 200  # characters of a path: anybody may ask anywhere
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

_MATCH = "signalbox_match"
_CONVERTED = re.compile(r"<(?:\w+:)?(\w+)>")
_GROUP = re.compile(r"\(\?P<(\w+)>[^)]*\)")


def match_at(path: str) -> ResolverMatch | None:
    """The view that answers at `path`; None where there is none."""
    try:
        return _remembered_match(path, settings.ROOT_URLCONF) if len(path) <= LONGEST_REMEMBERED else resolve(path)
    except Resolver404:
        return None


@lru_cache(maxsize=1000)
def _remembered_match(path: str, urlconf: str) -> ResolverMatch:
    # Whoever watches runs asks at the same addresses again and again; every route before theirs is a regular expression.
    return resolve(path, urlconf)


def match_of(request: HttpRequest) -> ResolverMatch | None:
    """The view that will answer the request, also before Django comes to look for it; found out once."""
    if not hasattr(request, _MATCH):
        keep_match(request, match_at(request.path_info))
    return cast("ResolverMatch | None", getattr(request, _MATCH))


def keep_match(request: HttpRequest, match: ResolverMatch | None) -> HttpRequest:
    """The request, of which nobody has to find out any more who answers it."""
    setattr(request, _MATCH, match)
    return request


def template_of(request: HttpRequest) -> str:
    """The template of the path, `/runs/{run_id}`; `other` for every path that has none."""
    match = request.resolver_match
    return template(match.route) if match is not None else OTHER


@lru_cache(maxsize=1000)
def template(route: str) -> str:
    """A route as Django writes it, as a template."""
    found = _GROUP.sub(r"{\1}", _CONVERTED.sub(r"{\1}", route))
    return "/" + found.translate({ord(mark): None for mark in "^$"}).removeprefix("/")


def method_of(request: HttpRequest) -> str:
    """The method, if it is one that HTTP knows."""
    method = request.method or ""
    return method if method in METHODS else OTHER


def route_of(request: HttpRequest) -> str:
    """Method and template, by which requests are limited; a HEAD counts as a GET, and so does no WebSocket."""
    scope = cast("Mapping[str, Any]", getattr(request, "scope", {}))
    if scope.get("type") == "websocket":
        return "WS /ws/runs/{run_id}" if scope["url_route"]["kwargs"] else "WS /ws/runs"
    method = method_of(request)
    return f"{'GET' if method == 'HEAD' else method} {template_of(request)}"
