"""The route on which is read who changed what."""

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.views import APIView

from runs import queries
from runs.api import described
from runs.api.answers import answer
from runs.api.caller import project_of
from runs.api.filters import audit_filter
from runs.api.query import Query
from runs.api.schemas.shapes import page_of, ref
from runs.domain.documents import audit_document

QUERY = (
    *(described.text(name, "exactly this") for name in ("actor", "action", "resource", "resourceId")),
    described.moment("createdAfter", "later than this"),
    described.moment("createdBefore", "earlier than this"),
    *described.page(default=50, most=200),
)


class AuditView(APIView):
    """/audit"""

    scopes = {"GET": "admin:read"}

    @described.route(query=QUERY, answer=page_of(ref("AuditEntry")))
    def get(self, request: Request) -> HttpResponse:
        """One page of the audit list, newest first."""
        project_id = project_of(request)
        query = Query(request.query_params)
        wanted = audit_filter(query)
        limit, offset = query.page(default=50, most=200)
        query.done()
        rows = queries.list_audit(project_id, wanted, limit=limit, offset=offset)
        total = queries.count_audit(project_id, wanted)
        data = [audit_document(row) for row in rows]
        return answer({"data": data, "total": total, "limit": limit, "offset": offset})
