"""What operators were told."""

from django.contrib import admin

from runs.admin.filters import one_of
from runs.admin.pages import ReadOnlyAdmin
from runs.admin.shown import pretty_value, row_link
from webhooks.admin.filters import OfEndpoint, Since
from webhooks.admin.shown import badge
from webhooks.models import Endpoint, Notice
from webhooks.models.notice import NoticeKind


@admin.register(Notice)
class NoticeAdmin(ReadOnlyAdmin):
    """Endpoints that failed, recovered, were disabled or missed endings."""

    list_display = ("created_at", "what", "endpoint_link", "message", "mailed_at", "project")
    list_select_related = ("endpoint", "project")
    list_filter = (one_of("kind", NoticeKind.values), Since, OfEndpoint, "project")
    fields = ("created_at", "what", "endpoint_link", "project", "message", "shown_details", "mailed_at")

    @admin.display(description="kind")
    def what(self, notice: Notice) -> str:
        """The kind with its colour."""
        return badge(notice.kind.partition(".")[2])

    @admin.display(description="endpoint")
    def endpoint_link(self, notice: Notice) -> str:
        """The endpoint it is about."""
        return row_link(Endpoint, notice.endpoint_id, notice.endpoint)

    @admin.display(description="details")
    def shown_details(self, notice: Notice) -> str:
        """What programs read of it."""
        return pretty_value(notice.details)
