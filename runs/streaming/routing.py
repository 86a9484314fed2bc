"""Addresses of WebSockets."""

from django.urls import URLPattern, path

from runs.streaming.consumers import RunConsumer

websocket_urlpatterns: list[URLPattern] = [
    path("ws/runs/<str:run_id>", RunConsumer.as_asgi()),
]
