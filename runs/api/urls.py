"""Addresses of runs, without trailing slashes. Fixed paths stand before `runs/<run_id>`, or they would be taken for ids."""

from django.urls import URLPattern, URLResolver, path

from runs.api import repair, replay, sending, steering, tickets, views
from runs.streaming.agui.view import agui
from runs.streaming.sse import stream

urlpatterns: list[URLPattern | URLResolver] = [
    path("runs", views.RunListView.as_view()),
    path("runs/validate", views.ValidateView.as_view()),
    path("runs/<str:run_id>", views.RunView.as_view()),
    path("runs/<str:run_id>/state", views.StateView.as_view()),
    path("runs/<str:run_id>/events", views.EventListView.as_view()),
    path("runs/<str:run_id>/messages", sending.MessagesView.as_view()),
    path("runs/<str:run_id>/signal", sending.SignalView.as_view()),
    path("runs/<str:run_id>/context", sending.ContextView.as_view()),
    path("runs/<str:run_id>/late", views.LateListView.as_view()),
    path("runs/<str:run_id>/projection/rebuild", repair.RebuildView.as_view()),
    path("runs/<str:run_id>/stream", stream),
    path("stream-tickets", tickets.StreamTicketsView.as_view()),
    path("runs/<str:run_id>/replay", replay.ReplayView.as_view()),
    path("runs/<str:run_id>/replay/stream", replay.replay_stream),
    path("runs/<str:run_id>/replay/state", replay.ReplayStateView.as_view()),
    path("runs/<str:run_id>/agui", agui),
    path("runs/<str:run_id>/cancel", steering.CancelView.as_view()),
    path("runs/<str:run_id>/suspend", steering.SuspendView.as_view()),
    path("runs/<str:run_id>/resume", steering.ResumeView.as_view()),
]
