"""One page: ready when the database answers."""

from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.urls import path


def readyz(request: HttpRequest) -> HttpResponse:
    """200 once a query succeeds."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return HttpResponse("ready")


urlpatterns = [path("readyz", readyz)]
