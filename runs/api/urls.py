"""Addresses of runs, without trailing slashes. Fixed paths stand before `runs/<run_id>`, or they would be taken for ids."""

from django.urls import URLPattern, URLResolver, path

from runs.api import (
    artifacts,
    audit,
    batch,
    breaker,
    feed,
    repair,
    replay,
    runtime,
    sending,
    shelf,
    steering,
    tickets,
    views,
)
from runs.streaming.agui.view import agui
from runs.streaming.sse import stream

urlpatterns: list[URLPattern | URLResolver] = [
    path("runs", views.RunListView.as_view()),
    path("runs/validate", views.ValidateView.as_view()),
    path("runs/batch/cancel", batch.BatchCancelView.as_view()),
    path("runs/batch/archive", batch.BatchArchiveView.as_view()),
    path("runs/batch/delete", batch.BatchDeleteView.as_view()),
    path("runs/<str:run_id>", views.RunView.as_view()),
    path("runs/<str:run_id>/state", views.StateView.as_view()),
    path("runs/<str:run_id>/events", views.EventListView.as_view()),
    path("runs/<str:run_id>/messages", sending.MessagesView.as_view()),
    path("runs/<str:run_id>/signal", sending.SignalView.as_view()),
    path("runs/<str:run_id>/context", sending.ContextView.as_view()),
    path("runs/<str:run_id>/late", views.LateListView.as_view()),
    path("runs/<str:run_id>/projection/rebuild", repair.RebuildView.as_view()),
    path("runs/<str:run_id>/recover", repair.RecoverView.as_view()),
    path("runs/<str:run_id>/stream", stream),
    path("stream-tickets", tickets.StreamTicketsView.as_view()),
    path("runs/<str:run_id>/replay", replay.ReplayView.as_view()),
    path("runs/<str:run_id>/replay/stream", replay.replay_stream),
    path("runs/<str:run_id>/replay/state", replay.ReplayStateView.as_view()),
    path("runs/<str:run_id>/agui", agui),
    path("runs/<str:run_id>/cancel", steering.CancelView.as_view()),
    path("runs/<str:run_id>/suspend", steering.SuspendView.as_view()),
    path("runs/<str:run_id>/resume", steering.ResumeView.as_view()),
    path("runs/<str:run_id>/clone", shelf.CloneView.as_view()),
    path("runs/<str:run_id>/archive", shelf.ArchiveView.as_view()),
    path("runs/<str:run_id>/unarchive", shelf.UnarchiveView.as_view()),
    path("runs/<str:run_id>/artifacts", artifacts.ArtifactsView.as_view()),
    path("runs/<str:run_id>/traces", artifacts.TracesView.as_view()),
    path("events", feed.FeedView.as_view()),
    path("audit", audit.AuditView.as_view()),
    path("runtime/manifest", runtime.ManifestView.as_view()),
    path("runtime/modes", runtime.ModesView.as_view()),
    path("runtime/roots", runtime.RootsView.as_view()),
    path("runtime/health", runtime.HealthView.as_view()),
    path("runtime/policies", runtime.PolicyListView.as_view()),
    # The id of a policy may hold anything, slashes too.
    path("runtime/policies/<path:policy_id>", runtime.PolicyView.as_view()),
    path("admin/circuit-breaker/reset", breaker.BreakerResetView.as_view()),
    path("admin/circuit-breaker/history", breaker.BreakerHistoryView.as_view()),
]
