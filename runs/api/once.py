"""Idempotency-Key on a route: `@once` above a method of a view, and a repeated request is answered as it was before.

Webhooks use it, too: nothing in here reaches an operation (.importlinter keeps it so).
"""

import functools
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Concatenate, ParamSpec, Protocol, cast
from uuid import UUID

from django.http import HttpResponse
from rest_framework.request import Request

from runs.api.answers import JSON
from runs.api.described import ANSWERED_ONCE, IDEMPOTENCY_KEY, LONGEST_KEY
from runs.api.members import text_problem
from runs.domain.run_ids import uuid_of
from runs.errors import FieldFault, ValidationFailed
from runs.idempotency import claim_or_answer, give_back, keep, keyed_request
from runs.models.identity import uuid7
from runs.models.keyed_request import Claim, Keyed

REPLAYED = "Idempotency-Replayed"

_ID = "signalbox_id_under_key"

P = ParamSpec("P")
Method = Callable[Concatenate[Any, Request, P], HttpResponse]  # of a view


class Principal(Protocol):
    """Whom authentication lets in."""

    project_id: UUID


def once(method: Method[P]) -> Method[P]:
    """A request with a key is served once; repetitions within a day get the same bytes. Only success is kept.

    What is made should get the id of `id_under_key`: then it is made once, even if a process dies in between.
    """
    return _answered_once(method, shows_secret=False)


def once_unkept(method: Method[P]) -> Method[P]:
    """As `once`, for an answer that shows a secret: it is not kept, and a repetition of a success is refused (409)."""
    return _answered_once(method, shows_secret=True)


def id_under_key(request: Request) -> UUID:
    """The id of what the request makes: the same for all repetitions under a key, a new one without."""
    found: UUID | None = getattr(request, _ID, None)
    return found or uuid7()


def _answered_once(method: Method[P], *, shows_secret: bool) -> Method[P]:
    def answered(view: Any, request: Request, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        keyed = _keyed(request)
        if keyed is None:
            return method(view, request, *args, **kwargs)
        found = claim_or_answer(keyed)
        if isinstance(found, Claim):
            setattr(request, _ID, found.id)
            return _served(found, lambda: method(view, request, *args, **kwargs), shows_secret=shows_secret)
        return HttpResponse(found.answer, status=found.status, content_type=JSON, headers={REPLAYED: "true"})

    setattr(answered, ANSWERED_ONCE, True)
    return functools.update_wrapper(answered, method)


def _served(claim: Claim, serve: Callable[[], HttpResponse], *, shows_secret: bool) -> HttpResponse:
    """The answer, kept for repetitions if it tells of success. An error says that a repetition may well succeed."""
    try:
        response = serve()
    except Exception as error:
        give_back(claim, error)
        raise
    assert HTTPStatus.OK <= response.status_code < HTTPStatus.MULTIPLE_CHOICES, "errors are raised"
    keep(claim, status=response.status_code, answer=None if shows_secret else response.content)
    return response


def _keyed(request: Request) -> Keyed | None:
    """The request under its key; None without one. Raises ValidationFailed for a key that is none."""
    key = request.headers.get(IDEMPOTENCY_KEY)
    if key is None:
        return None
    problem = text_problem(key, longest=LONGEST_KEY, shortest=1)
    if problem:
        raise ValidationFailed([FieldFault(IDEMPOTENCY_KEY, problem)])
    match = request.resolver_match
    assert match is not None, "a view that is called has an address"
    return keyed_request(
        project_id=cast(Principal, request.user).project_id,
        run_id=uuid_of(str(match.kwargs.get("run_id", ""))),
        route=f"{request.method} /{match.route}",
        path=request.path,
        key=key,
        query={name: request.query_params.getlist(name) for name in request.query_params},
        body=request.data,
    )
