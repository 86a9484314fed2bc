"""Addresses of WebSockets."""

from django.urls import URLPattern, path, re_path

from runs.streaming.consumers import NowhereConsumer, RunConsumer
from runs.streaming.list_consumer import ListConsumer

websocket_urlpatterns: list[URLPattern] = [
    path("ws/runs", ListConsumer.as_asgi()),
    path("ws/runs/<str:run_id>", RunConsumer.as_asgi()),
    re_path("", NowhereConsumer.as_asgi()),  # last: without it a wrong address would be an error in the log
]
