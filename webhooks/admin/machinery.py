"""What keeps deliveries going."""

from django.contrib import admin

from runs.admin.pages import ReadOnlyAdmin
from webhooks.models import DrainSlot


@admin.register(DrainSlot)
class DrainSlotAdmin(ReadOnlyAdmin):
    """Places for drains, and who holds them."""

    list_display = ("number", "holder", "held_until")
    ordering = ("number",)
    fields = ("number", "holder", "held_until")
