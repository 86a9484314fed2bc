"""Every staff page there is, read from the URL configuration, and who may open it."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from django.urls import URLPattern, URLResolver, get_resolver

from runs.models.identity import uuid7
from tests.routes import STAFF_PAGES, all_routes

# From the least to the most; what is for "nobody" is refused to superusers, too.
LEVELS = ("none", "viewer", "operator", "administrator", "superuser", "nobody")

ROW = "<path:object_id>"
# First match wins: from which level on a page is open. It stands here once more, so that a slip in a page is a failure,
# not a new rule; a page that nothing here speaks of is a failure, too.
CONTRACT = [
    (r"\w+ admin/(login|logout|password_change|password_change/done|jsi18n|search)/", "none"),
    (r"\w+ admin/(.*/<path:object_id>/|\(\?P<url>\.\*\)\$)", "none"),  # leads to the page itself, or nowhere
    (r"GET admin/autocomplete/", "nobody"),  # no form of ours looks for rows
    (r"POST admin/autocomplete/", "none"),  # 405
    (r"\w+ admin/(console/.*)?", "viewer"),
    (r"\w+ admin/(runs|webhooks)/", "viewer"),
    (r"\w+ admin/auth/", "administrator"),
    (r"\w+ admin/auth/user/(<path:object_id>/delete/)", "nobody"),
    (r"\w+ admin/auth/user/.*", "administrator"),
    (r"(GET|POST) admin/auth/group/(<path:object_id>/history/)?", "administrator"),
    (r"GET admin/auth/group/<path:object_id>/change/", "administrator"),
    (r"\w+ admin/django_q/(success|failure|ormq)/add/", "nobody"),
    (r"\w+ admin/(auth|django_q)/.*", "superuser"),
    (r"\w+ admin/runs/(apikey|project)/add/", "administrator"),
    (r"POST admin/runs/project/<path:object_id>/change/", "administrator"),
    (r"\w+ admin/webhooks/endpoint/<path:object_id>/(send_test|replay)/", "operator"),
    (r"\w+ admin/webhooks/endpoint/<path:object_id>/(pause|resume|rotate|switch_on|switch_off)/", "administrator"),
    (r"\w+ admin/(runs|webhooks)/\w+/(add/|<path:object_id>/delete/)", "nobody"),
    (r"POST admin/(runs|webhooks)/\w+/<path:object_id>/change/", "nobody"),
    (r"\w+ admin/(runs|webhooks)/\w+/(<path:object_id>/(change|history)/)?", "viewer"),
]
# Which of the actions of lists are open from which level on; no other one is open to anybody.
ACTIONS = {
    ("runs.apikey", "revoke"): "administrator",
    ("webhooks.delivery", "send_again"): "operator",
    **{("django_q." + model, "delete_selected"): "superuser" for model in ("schedule", "success", "failure", "ormq")},
    **{("django_q." + model, "resubmit_task"): "superuser" for model in ("success", "failure")},
}

_PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")
_APPS = re.compile(r"\^\(\?P<app_label>([\w|]+)\)/\$")


@dataclass(frozen=True, slots=True)
class Visit:
    """One method of one page."""

    method: str
    path: str

    @property
    def opens_from(self) -> str:
        """The level that the contract names."""
        found = (level for pattern, level in CONTRACT if re.fullmatch(pattern, str(self)))
        level = next(found, None)
        assert level is not None, f"tests/integration/staff/pages.py says of nobody that they may {self}"
        return level

    def is_open_to(self, group: str) -> bool:
        """By the contract."""
        return LEVELS.index(group) >= LEVELS.index(self.opens_from)

    def address(self, row: object = None) -> str:
        """Where it is; without a row, of one that is not there."""
        values: Mapping[str, object] = {"url": "nothing"}
        plain = self.path.replace(r"(?P<url>.*)$", "nothing")
        return "/" + _PARAMETER.sub(lambda found: str(values.get(found[1]) or row or uuid7()), plain)

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def visits() -> list[Visit]:
    """Every method of every page, the parts of pages among them."""
    return [Visit(method, path) for path in dict.fromkeys(_paths()) for method in ("GET", "POST")]


def _paths() -> Iterator[str]:
    # Some routes of the API begin with admin/, too.
    routes = {route.path for route in all_routes()}
    for path in _below(get_resolver("config.urls").url_patterns, ""):
        if not path.startswith(STAFF_PAGES) or path in routes:
            continue
        apps = _APPS.search(path)
        yield from (_APPS.sub(f"{app}/", path) for app in apps[1].split("|")) if apps else [path]


def _below(patterns: Sequence[URLPattern | URLResolver], prefix: str) -> Iterator[str]:
    for pattern in patterns:
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLPattern):
            yield path
        else:
            yield from _below(pattern.url_patterns, path)
