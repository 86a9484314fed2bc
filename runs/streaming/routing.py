"""Addresses of WebSockets."""

from django.urls import URLPattern, path

from runs.streaming.consumers import RunConsumer
from runs.streaming.list_consumer import ListConsumer

websocket_urlpatterns: list[URLPattern] = [
    path("ws/runs", ListConsumer.as_asgi()),
    path("ws/runs/<str:run_id>", RunConsumer.as_asgi()),
]
