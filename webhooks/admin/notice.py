"""What operators were told."""

from django.contrib import admin

from runs.admin.filters import one_of
from runs.admin.pages import ReadOnlyAdmin
from runs.admin.shown import pretty_value, row_link
from webhooks.admin.filters import OfEndpoint, Since
from webhooks.admin.shown import LONGEST_HOST, badge, moment, short, two_lines
from webhooks.models import Endpoint, Notice
from webhooks.models.notice import NoticeKind


@admin.register(Notice)
class NoticeAdmin(ReadOnlyAdmin):
    """Endpoints that failed, recovered, were disabled or missed endings."""

    list_display = ("told_at", "what", "host", "said", "mailed", "project")
    list_select_related = ("endpoint", "project")
    list_filter = (one_of("kind", NoticeKind.values), Since, OfEndpoint, "project")
    fields = ("created_at", "what", "endpoint_link", "project", "message", "shown_details", "mailed_at")

    @admin.display(description="told")
    def told_at(self, notice: Notice) -> str:
        """To the second."""
        return moment(notice.created_at)

    @admin.display(description="mailed")
    def mailed(self, notice: Notice) -> str:
        """To the second."""
        return moment(notice.mailed_at)

    @admin.display(description="message")
    def said(self, notice: Notice) -> str:
        """Its beginning."""
        return two_lines(notice.message)

    @admin.display(description="endpoint")
    def host(self, notice: Notice) -> str:
        """The endpoint it is about, on one line."""
        return row_link(Endpoint, notice.endpoint_id, short(str(notice.endpoint), LONGEST_HOST))

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
