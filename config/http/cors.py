"""Which browser origins may read answers (CORS_ORIGIN); credentials are allowed, `*` is not."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers

from config.http.middleware import AsyncCapableMiddleware

METHODS = "GET, HEAD, POST, PATCH, DELETE, OPTIONS"
REQUEST_HEADERS = "Authorization, Content-Type, Idempotency-Key, Last-Event-ID, X-CSRFToken, X-Request-Id, traceparent"
READABLE_HEADERS = (
    "X-Request-Id, Retry-After, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, Content-Disposition, "
    "Idempotency-Replayed"
)
PREFLIGHT_AGE_S = 600


class CorsMiddleware(AsyncCapableMiddleware):
    """Answers preflights itself and marks what an allowed origin may read."""

    def before(self, request: HttpRequest) -> HttpResponseBase | None:
        """An empty 204 for a preflight; only an allowed origin finds permission in it."""
        if request.method != "OPTIONS" or "HTTP_ACCESS_CONTROL_REQUEST_METHOD" not in request.META:
            return None
        response = HttpResponse(status=204)
        if request.META.get("HTTP_ORIGIN", "") in settings.CORS_ORIGIN:
            response["Access-Control-Allow-Methods"] = METHODS
            response["Access-Control-Allow-Headers"] = REQUEST_HEADERS
            response["Access-Control-Max-Age"] = str(PREFLIGHT_AGE_S)
        return response

    def after(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """The response, which an allowed origin may read."""
        permit(response, request.META.get("HTTP_ORIGIN", ""))
        return response


def permit(response: HttpResponseBase, origin: str) -> None:
    """An allowed origin may read the response; caches keep the answers to different origins apart."""
    patch_vary_headers(response, ["Origin"])
    if origin in settings.CORS_ORIGIN:
        response["Access-Control-Allow-Origin"] = origin
        response["Access-Control-Allow-Credentials"] = "true"
        response["Access-Control-Expose-Headers"] = READABLE_HEADERS
