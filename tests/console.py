"""Members of staff in front of the console, and the runs that they find there."""

from datetime import timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone

from runs.domain.endings import DecidedBy, EndingCode, Verdict
from runs.ending import end_run
from runs.models import Observer, Run
from tests.cast import fresh, running_run


def member(client: Client, *permissions: str, name: str = "ann") -> Client:
    """The browser of a member of staff with these rights: codenames such as `view_run`."""
    user = get_user_model().objects.create_user(name, password="x", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client.force_login(user)
    return client


def watched_run(**columns: Any) -> Run:
    """A running run with an observer that is alive, and an event of just now."""
    observer = Observer.objects.create(host="h", process_id=1, version="1")
    return running_run(observer_id=observer.id, lease_epoch=1, **columns)


def late_run(column: str, **columns: Any) -> Run:
    """A watched run whose `column`, a deadline, is over since a minute."""
    run = watched_run(**columns)
    Run.objects.filter(id=run.id).update(**{column: timezone.now() - timedelta(minutes=1)})
    return fresh(run)


def ended_run(code: EndingCode = EndingCode.SESSION_LOST, **columns: Any) -> Run:
    """A run that has ended just now."""
    run = running_run(**columns)
    end_run(run.id, Verdict(code=code, decided_by=DecidedBy.SWEEPER), epoch=None)
    return fresh(run)
