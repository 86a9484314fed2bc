"""The routes of what a runtime offers and which policies it knows: each view parses, asks and renders."""

from django.conf import settings
from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.views import APIView

from runs.api import described
from runs.api.answers import answer
from runs.api.caller import actor_of, project_of
from runs.api.once import once
from runs.api.query import Query
from runs.api.requests.policy import read_policy
from runs.api.runtime_documents import (
    health_document,
    manifest_document,
    mode_document,
    policy_document,
    root_document,
)
from runs.api.schemas.bodies import POLICY
from runs.api.schemas.shapes import listed, ref
from runs.errors import NotFound, ValidationFailed
from runs.log_context import current_request_id
from runs.operations.policies import Registrar, register_policy, unregister_policy
from runs.runtimes.calls import ask_runtime, runtime_health
from runs.runtimes.registry import resolve_kind

READ = {"GET": "runs:read"}
KIND = described.text("kind", "which runtime; RUNTIME_KIND by default")
ERRORS = (
    *("NOT_FOUND", "NOT_IMPLEMENTED", "RUNTIME_REJECTED", "RUNTIME_UNAVAILABLE", "CIRCUIT_BREAKER_OPEN"),
    "RUNTIME_TIMEOUT",
)


class ManifestView(APIView):
    """/runtime/manifest"""

    scopes = READ

    @described.route(query=(KIND,), answer=ref("Manifest"), errors=ERRORS)
    def get(self, request: Request) -> HttpResponse:
        """How the runtime introduces itself."""
        return answer(manifest_document(ask_runtime(kind_of(request), lambda runtime: runtime.offer.manifest())))


class ModesView(APIView):
    """/runtime/modes"""

    scopes = READ

    @described.route(query=(KIND,), answer=listed(ref("Mode")), errors=ERRORS)
    def get(self, request: Request) -> HttpResponse:
        """Every mode of the runtime."""
        modes = ask_runtime(kind_of(request), lambda runtime: runtime.offer.modes())
        return answer([mode_document(mode) for mode in modes])


class RootsView(APIView):
    """/runtime/roots"""

    scopes = READ

    @described.route(query=(KIND,), answer=listed(ref("Root")), errors=ERRORS)
    def get(self, request: Request) -> HttpResponse:
        """Every resource root of the runtime."""
        roots = ask_runtime(kind_of(request), lambda runtime: runtime.offer.roots())
        return answer([root_document(root) for root in roots])


class HealthView(APIView):
    """/runtime/health"""

    scopes = READ

    @described.route(query=(KIND,), answer=ref("RuntimeHealth"), errors=("NOT_FOUND",))
    def get(self, request: Request) -> HttpResponse:
        """Whether the runtime is there, as it was a few seconds ago; 200 whatever the answer."""
        return answer(health_document(runtime_health(kind_of(request))))


class PolicyListView(APIView):
    """/runtime/policies"""

    scopes = {**READ, "POST": "policies:manage"}

    @described.route(
        query=(KIND, described.text("mode", "those of this mode")), answer=listed(ref("Policy")), errors=ERRORS
    )
    def get(self, request: Request) -> HttpResponse:
        """The policies of the runtime, or those of one mode."""
        query = Query(request.query_params)
        mode = query.text("mode")
        query.done()
        policies = ask_runtime(kind_of(request), lambda runtime: runtime.offer.policies(mode))
        return answer([policy_document(policy) for policy in policies])

    @described.route(
        query=(KIND,),
        body=POLICY,
        status=201,
        answer=ref("Registered"),
        errors=(*ERRORS, "INVALID_POLICY_DEFINITION"),
    )
    @once
    def post(self, request: Request) -> HttpResponse:
        """The runtime knows one policy more."""
        register_policy(read_policy(request.data), _registrar(request))
        return answer({"ok": True}, 201)


class PolicyView(APIView):
    """/runtime/policies/{policyId}"""

    scopes = {**READ, "DELETE": "policies:manage"}

    @described.route(query=(KIND,), answer=ref("Policy"), errors=ERRORS)
    def get(self, request: Request, policy_id: str) -> HttpResponse:
        """The policy."""
        policy = ask_runtime(kind_of(request), lambda runtime: runtime.offer.policy(policy_id))
        if policy is None:
            raise NotFound("the runtime does not know this policy")
        return answer(policy_document(policy))

    @described.route(query=(KIND,), status=204, errors=(*ERRORS, "INVALID_POLICY_DEFINITION"))
    def delete(self, request: Request, policy_id: str) -> HttpResponse:
        """The runtime does not know the policy any more."""
        unregister_policy(policy_id, _registrar(request))
        return HttpResponse(status=204)


def kind_of(request: Request) -> str:
    """The runtime a caller means by `kind`, RUNTIME_KIND by default. Raises NotFound for an unknown one."""
    named = request.query_params.get("kind")
    try:
        return resolve_kind(settings.RUNTIME_KIND if named is None else named)
    except ValidationFailed as unknown:
        raise NotFound("there is no runtime of this kind") from unknown


def _registrar(request: Request) -> Registrar:
    return Registrar(
        kind=kind_of(request),
        project_id=project_of(request),
        actor=actor_of(request),
        request_id=current_request_id(),
    )
