"""Addresses of webhooks, without trailing slashes."""

from django.urls import URLPattern, URLResolver, path

from webhooks.api import deliveries, views

urlpatterns: list[URLPattern | URLResolver] = [
    path("webhooks", views.WebhookListView.as_view()),
    path("webhooks/<str:webhook_id>", views.WebhookView.as_view()),
    path("webhooks/<str:webhook_id>/test", deliveries.TestEventView.as_view()),
    path("webhooks/<str:webhook_id>/replay", deliveries.ReplayView.as_view()),
    path("webhooks/<str:webhook_id>/deliveries", deliveries.DeliveryListView.as_view()),
    path("webhooks/<str:webhook_id>/deliveries/<str:delivery_id>", deliveries.DeliveryView.as_view()),
    path("webhooks/<str:webhook_id>/deliveries/<str:delivery_id>/resend", deliveries.ResendView.as_view()),
]
