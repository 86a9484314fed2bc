"""As whom something can be said into a run from here: its members for whom a credential is held."""

from uuid import UUID

import msgspec
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse

from insights.pages.door import console_part
from runs.domain.requests import decode_request
from runs.models import Run
from runs.models.project import DEFAULT_PROJECT_ID
from runs.runtimes.plan import plan_of
from runs.runtimes.registry import adapter_class


@console_part
def run_speakers(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """Their names, and those of all members: no runtime is asked, and the route that sends judges once more."""
    found = Run.objects.filter(id=run_id, project_id=DEFAULT_PROJECT_ID).select_related("session").first()
    if found is None:
        raise Http404("There is no such run.")
    try:
        members, speakers = _of(found)
    except msgspec.ValidationError:  # nobody can read any more what was asked for, nor say anything into it
        members, speakers = [], []
    return JsonResponse({"members": members, "speakers": speakers})


def _of(run: Run) -> tuple[list[str], list[str]]:
    plan = plan_of(run.id, run.session_id or "", decode_request(run.request))
    runtime = adapter_class(run.runtime_kind).configured()
    members = sorted(filter(None, {*plan.members, run.session.initiator or ""}))
    return members, [one for one in members if runtime.may_send_as(plan, one)]
