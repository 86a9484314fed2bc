"""Staff steer endpoints: each step is a page that explains and a form that does it, through the operations of the API."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from runs.admin.pages import ReadOnlyAdmin
from runs.errors import ControlPlaneError
from webhooks.admin.callers import caller_of
from webhooks.admin.forms import Confirmation, ReplayForm, RotationForm
from webhooks.admin.steps import STEPS, steps_for
from webhooks.models import Endpoint
from webhooks.operations.change_endpoint import change_endpoint
from webhooks.operations.replay_deliveries import Replayed, count_replay, replay_deliveries
from webhooks.operations.secret_text import new_secret
from webhooks.operations.terms import Terms

if TYPE_CHECKING:
    from django.forms import Form

    View = Callable[..., HttpResponse]

    def action(*, description: str, permissions: list[str]) -> Callable[[View], View]:
        """What the theme makes of a method: a button above the page and an address, for staff with `permissions`."""
else:
    from unfold.decorators import action

# Not the right itself: the theme's system check would look for that in a database that may be away.
MAY, MAY_REPLAY, MAY_TEST = ["steer"], ["replay"], ["send_test"]
ROTATE = "Rotate the secret"
ROTATION = "The next attempts are signed with a new secret, which is shown once, on the next page."
REPLAY = "Replay deliveries"
REPLAYING = (
    "They go out once more, each under its own webhook-id, the oldest 10 000 at most, as fast as the rate allows."
)


class SteeredAdmin(ReadOnlyAdmin):
    """The steps of an endpoint, above its page."""

    actions_detail = (
        {
            "title": "Steer",
            "icon": "tune",
            "items": ["pause", "resume", "send_test", "replay", "rotate", "switch_off", "switch_on"],
        },
    )

    def has_steer_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Staff who may change endpoints, their secrets among it."""
        return request.user.has_perm("webhooks.change_endpoint")

    def has_replay_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Staff who may send again what has not arrived."""
        return request.user.has_perm("webhooks.add_replay")

    def has_send_test_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Staff who may send what no run has caused."""
        return request.user.has_perm("webhooks.add_delivery")

    def get_actions_detail(self, request: HttpRequest, object_id: str) -> list[Any]:
        """Those that the member of staff may take and that there is sense in."""
        # Without what the page counts and shows of it.
        endpoint = super().get_object(request, object_id)
        sensible = steps_for(endpoint) if isinstance(endpoint, Endpoint) else frozenset()
        allowed = super().get_actions_detail(request, object_id)  # type: ignore[misc]
        return [one for one in allowed if one.path in sensible]

    @action(description=STEPS["pause"].title, permissions=MAY)
    def pause(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """It waits."""
        return self._step(request, object_id, "pause")

    @action(description=STEPS["resume"].title, permissions=MAY)
    def resume(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """It goes on."""
        return self._step(request, object_id, "resume")

    @action(description=STEPS["switch_off"].title, permissions=MAY)
    def switch_off(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """It hears nothing more."""
        return self._step(request, object_id, "switch_off")

    @action(description=STEPS["switch_on"].title, permissions=MAY)
    def switch_on(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """It hears again."""
        return self._step(request, object_id, "switch_on")

    @action(description=STEPS["send_test"].title, permissions=MAY_TEST)
    def send_test(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """It is sent a test event."""
        return self._step(request, object_id, "send_test")

    @action(description=ROTATE, permissions=MAY)
    def rotate(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """It has a new secret, which this one page shows."""
        endpoint, form = self._present(request, object_id), RotationForm(request.POST or None)
        if not form.is_valid():
            return self._asked(request, endpoint, ROTATE, ROTATION, form)
        terms = Terms(secret=new_secret(), secret_overlap=form.cleaned_data["overlap"])
        try:
            saved = change_endpoint(endpoint.id, terms, caller_of(request, endpoint))
        except ControlPlaneError as error:
            return self._back(request, endpoint, error)
        context = self._context(request, endpoint, "A new secret")
        return TemplateResponse(request, "admin/webhooks/endpoint/secret.html", {**context, "secret": saved.secret})

    @action(description=REPLAY, permissions=MAY_REPLAY)
    def replay(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Deliveries are counted, or due once more."""
        endpoint, sends = self._present(request, object_id), "send" in request.POST
        form = ReplayForm(request.POST or None, member=cast(User, request.user), sends=sends)
        counted: Replayed | None = None
        if form.is_valid():
            caller = caller_of(request, endpoint)
            try:
                if sends:
                    done = replay_deliveries(endpoint.id, form.wanted, caller, key=form.cleaned_data["key"])
                    return self._back(request, endpoint, f"{done.count:,} deliveries are due once more.")
                counted = count_replay(endpoint.id, form.wanted, caller)
            except ControlPlaneError as error:
                return self._back(request, endpoint, error)
        return self._asked(request, endpoint, REPLAY, REPLAYING, form, counted=counted, is_replay=True)

    def _step(self, request: HttpRequest, object_id: str, name: str) -> HttpResponse:
        step, endpoint = STEPS[name], self._present(request, object_id)
        if request.method != "POST":
            return self._asked(request, endpoint, step.title, step.says, Confirmation())
        try:
            step.act(endpoint, caller_of(request, endpoint))
        except ControlPlaneError as error:
            return self._back(request, endpoint, error)
        return self._back(request, endpoint, step.done)

    def _present(self, request: HttpRequest, object_id: str) -> Endpoint:
        endpoint = super().get_object(request, object_id)
        if not isinstance(endpoint, Endpoint) or endpoint.deleted_at is not None:
            raise Http404
        return endpoint

    def _asked(
        self, request: HttpRequest, endpoint: Endpoint, title: str, says: str, form: "Form", **more: object
    ) -> HttpResponse:
        context = {**self._context(request, endpoint, title), "says": says, "form": form, **more}
        return TemplateResponse(request, "admin/webhooks/endpoint/step.html", context)

    def _context(self, request: HttpRequest, endpoint: Endpoint, title: str) -> dict[str, Any]:
        shared = {"opts": self.opts, "original": endpoint, "page": _page_of(endpoint)}
        return {**self.admin_site.each_context(request), **shared, "title": title}

    def _back(self, request: HttpRequest, endpoint: Endpoint, said: str | ControlPlaneError) -> HttpResponse:
        refused = isinstance(said, ControlPlaneError)
        text = f"Nothing was done: {said}." if refused else str(said)
        self.message_user(request, text, messages.ERROR if refused else messages.SUCCESS)
        return HttpResponseRedirect(_page_of(endpoint))


def _page_of(endpoint: Endpoint) -> str:
    return reverse("admin:webhooks_endpoint_change", args=[endpoint.id])
