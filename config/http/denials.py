"""Refusals that the audit list tells of: a caller we know wanted to change something, or to look at what admins see."""

from django.contrib.auth import get_user
from django.db import transaction
from django.http import HttpRequest
from rest_framework.request import Request

from config.http.authentication import staff_principal
from config.http.fault import Fault
from config.http.principal import Principal
from runs.audit import Actor, note
from runs.domain.text import clean
from runs.log_context import current_request_id

DENIED = "access.denied"
LONGEST_PATH = 255

_ONLY_LOOKING = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


def note_denial(request: Request | HttpRequest, fault: Fault) -> None:
    """If `fault` refuses a known caller a change, the audit list has it; what it cannot take fails the call.

    Strangers (401) are not written down: anybody could fill the list.
    """
    if fault.code != "FORBIDDEN" or not _is_told_of(request, fault):
        return
    caller = _caller(request)
    if caller is None:
        return
    with transaction.atomic():
        _note(request, fault, caller)


def _note(request: Request | HttpRequest, fault: Fault, caller: Principal) -> None:
    note(
        project_id=caller.project_id,
        actor=Actor(caller.name, caller.kind, caller.id, request.META.get("REMOTE_ADDR") or ""),
        action=DENIED,
        resource="route",
        resource_id=clean(request.path)[:LONGEST_PATH],
        details={"method": request.method, "message": fault.message, **fault.details},
        request_id=current_request_id(),
    )


def _is_told_of(request: Request | HttpRequest, fault: Fault) -> bool:
    return request.method not in _ONLY_LOOKING or str(fault.details.get("scope", "")).startswith("admin:")


def _caller(request: Request | HttpRequest) -> Principal | None:
    """Who was refused, also where that was while finding out who they are (origin, CSRF): then it is a session."""
    http = request
    if isinstance(request, Request):
        known = getattr(request, "_user", None)  # not `user`, which would try again and raise again
        if isinstance(known, Principal):
            return known
        http = request._request
        http.user = get_user(http)  # the framework has put a stranger in place of whom it refused
    return staff_principal(http)
