"""Which deliveries were sent again together, and who asked for it."""

from django.contrib import admin

from runs.admin.pages import ReadOnlyAdmin
from runs.admin.shown import pretty_value, row_link
from webhooks.admin.filters import OfEndpoint, Since
from webhooks.models import Endpoint, Replay


@admin.register(Replay)
class ReplayAdmin(ReadOnlyAdmin):
    """Jobs that made deliveries due again."""

    list_display = ("created_at", "endpoint_link", "count", "created_by", "key", "project")
    list_select_related = ("endpoint", "project")
    list_filter = (Since, OfEndpoint, "project")
    fields = ("created_at", "endpoint_link", "project", "count", "created_by", "key", "shown_filter")

    @admin.display(description="endpoint")
    def endpoint_link(self, replay: Replay) -> str:
        """The endpoint whose deliveries they are."""
        return row_link(Endpoint, replay.endpoint_id, replay.endpoint)

    @admin.display(description="filter")
    def shown_filter(self, replay: Replay) -> str:
        """What was asked for."""
        return pretty_value(replay.wanted)
