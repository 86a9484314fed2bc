"""/metrics: what Prometheus reads; closed by METRICS_REQUIRE_KEY."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from django.conf import settings
from django.http import HttpResponse
from django_prometheus.exports import ExportToDjangoView
from drf_spectacular.utils import extend_schema
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request
from rest_framework.views import APIView

if TYPE_CHECKING:
    from rest_framework.permissions import _SupportsHasPermission


class MetricsView(APIView):
    """The counters of this process in Prometheus' text format."""

    scope = "runs:read"
    throttle_classes = ()

    def get_authenticators(self) -> list[BaseAuthentication]:
        """Nobody is asked who they are while the route is public, not even with a wrong key."""
        return super().get_authenticators() if settings.METRICS_REQUIRE_KEY else []

    def get_permissions(self) -> Sequence[_SupportsHasPermission]:
        """A scope is needed only while the route is closed."""
        return super().get_permissions() if settings.METRICS_REQUIRE_KEY else []

    @extend_schema(exclude=True)
    def get(self, request: Request) -> HttpResponse:
        """Prometheus text."""
        exported: HttpResponse = ExportToDjangoView(request)
        return exported
