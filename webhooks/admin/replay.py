"""Which deliveries were sent again together, and who asked for it."""

from django.contrib import admin

from runs.admin.pages import ReadOnlyAdmin
from runs.admin.shown import pretty_value, row_link
from webhooks.admin.filters import OfEndpoint, Since
from webhooks.admin.shown import LONGEST_HOST, moment, short
from webhooks.models import Endpoint, Replay


@admin.register(Replay)
class ReplayAdmin(ReadOnlyAdmin):
    """Jobs that made deliveries due again."""

    list_display = ("asked_at", "host", "count", "created_by", "shown_key", "project")
    list_select_related = ("endpoint", "project")
    list_filter = (Since, OfEndpoint, "project")
    fields = ("created_at", "endpoint_link", "project", "count", "created_by", "key", "shown_filter")

    @admin.display(description="asked for")
    def asked_at(self, replay: Replay) -> str:
        """To the second."""
        return moment(replay.created_at)

    @admin.display(description="key")
    def shown_key(self, replay: Replay) -> str:
        """Its beginning."""
        return short(replay.key, LONGEST_HOST)

    @admin.display(description="endpoint")
    def host(self, replay: Replay) -> str:
        """The endpoint, on one line."""
        return row_link(Endpoint, replay.endpoint_id, short(str(replay.endpoint), LONGEST_HOST))

    @admin.display(description="endpoint")
    def endpoint_link(self, replay: Replay) -> str:
        """The endpoint whose deliveries they are."""
        return row_link(Endpoint, replay.endpoint_id, replay.endpoint)

    @admin.display(description="filter")
    def shown_filter(self, replay: Replay) -> str:
        """What was asked for."""
        return pretty_value(replay.wanted)
