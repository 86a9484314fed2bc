"""Routes that do nothing but count, or fail as a test wants it, and take idempotency keys; beside the real ones."""

from django.http import HttpResponse
from django.urls import path
from rest_framework.request import Request
from rest_framework.views import APIView

from config.urls import handler400, handler403, handler404, handler500, urlpatterns
from runs.api.answers import answer
from runs.api.once import id_under_key, once, once_unkept

__all__ = ["handler400", "handler403", "handler404", "handler500", "urlpatterns"]


class Workshop:
    """What was made by the routes, under which ids; with a `fault` the next thing ends in it, made or not."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        self.made: list[str] = []
        self.fault: BaseException | None = None

    def make(self, request: Request) -> HttpResponse:
        made = str(id_under_key(request))
        self.made.append(made)
        fault, self.fault = self.fault, None
        if fault is not None:
            raise fault
        return answer({"number": len(self.made), "made": made}, 202)


WORKSHOP = Workshop()


class Things(APIView):
    scopes = {"POST": "runs:write"}

    @once
    def post(self, request: Request, name: str = "") -> HttpResponse:
        """One thing more."""
        return WORKSHOP.make(request)


class Secrets(APIView):
    scopes = {"POST": "runs:write"}

    @once_unkept
    def post(self, request: Request) -> HttpResponse:
        """A secret, told once."""
        return WORKSHOP.make(request)


urlpatterns = [
    *urlpatterns,
    path("things", Things.as_view()),
    path("things/<str:name>", Things.as_view()),
    path("secrets", Secrets.as_view()),
]
