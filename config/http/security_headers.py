"""What every answer tells browsers: whose scripts may run in it, who may frame it, and what it tells other sites.

No package writes them (django-csp was looked at): the policy is one constant text without nonces. The same text is due on
answers that no middleware of Django ever sees, those of config/http/unserved.py, and every read is spared one middleware.
"""

from typing import TypeVar

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from config.http.middleware import AsyncCapableMiddleware

Response = TypeVar("Response", bound=HttpResponseBase)

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",  # WebSockets of the same host included
        "font-src 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "object-src 'none'",
    )
)
_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


class SecurityHeadersMiddleware(AsyncCapableMiddleware):
    """The outermost one: files, preflights and errors leave with these headers, too."""

    def after(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """The same response."""
        return protect(response)


def protect(response: Response) -> Response:
    """The response has every header that it did not bring itself."""
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    if settings.SECURE_HSTS_SECONDS:
        # Not only where the connection to us is encrypted: in production that to the proxy is, and it hands this on.
        response.headers.setdefault("Strict-Transport-Security", f"max-age={settings.SECURE_HSTS_SECONDS}")
    return response
