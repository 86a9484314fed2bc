"""Notices are mailed together where mail is configured; a mail server that is away keeps nothing from happening."""

from collections.abc import Mapping
from datetime import timedelta

import pytest
from django.apps import apps
from django.conf import LazySettings
from django.core import mail
from django.core.mail.backends.base import BaseEmailBackend
from django.utils import timezone
from django_q.models import Schedule

from runs.models import Run
from tests.cast import queued_run
from tests.integration.webhooks.listeners import HOUR, START, listener
from webhooks.alerts import alert_operators
from webhooks.models import Notice
from webhooks.notices import disable, mail_notices

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.handmade_rows("a run that has ended without a log"),
]


class AwayBackend(BaseEmailBackend):
    """A mail server that refuses to be connected to."""

    def send_messages(self, messages: object) -> int:
        raise ConnectionRefusedError("nobody listens")


@pytest.fixture
def duty(settings: LazySettings) -> None:
    settings.ADMINS = [("Duty", "duty@example.test")]


def notices(count: int) -> None:
    for number in range(count):
        disable(listener(url=f"https://hooks{number}.example/canary"), "it was asked for", START)


@pytest.mark.usefixtures("duty")
def test_all_that_is_new_goes_out_in_one_mail_once() -> None:
    notices(3)
    assert mail_notices(START + HOUR) == 3
    assert mail_notices(START + HOUR) == 0
    (sent,) = mail.outbox
    assert sent.to == ["duty@example.test"]
    assert sent.subject == "[Signalbox] 3 notices of webhooks"
    assert "hooks2.example was disabled: it was asked for" in sent.body
    assert "canary" not in sent.body
    assert set(Notice.objects.values_list("mailed_at", flat=True)) == {START + HOUR}


@pytest.mark.usefixtures("duty")
def test_a_single_one_is_the_subject() -> None:
    notices(1)
    mail_notices(START)
    assert mail.outbox[0].subject.startswith("[Signalbox] hooks0.example was disabled: it was asked for")


def test_without_anybody_to_mail_to_they_stay_as_they_are() -> None:
    notices(1)
    assert mail_notices(START) == 0
    assert mail.outbox == []
    assert Notice.objects.get().mailed_at is None


@pytest.mark.usefixtures("duty")
def test_a_mail_server_that_is_away_is_logged_and_tried_again(
    settings: LazySettings, caplog: pytest.LogCaptureFixture
) -> None:
    notices(2)
    working = settings.EMAIL_BACKEND
    settings.EMAIL_BACKEND = f"{__name__}.AwayBackend"
    assert mail_notices(START) == 0
    assert "notice.not_mailed: 2 notices wait" in caplog.text
    settings.EMAIL_BACKEND = working
    assert mail_notices(START + HOUR) == 2


@pytest.mark.usefixtures("duty")
def test_old_stories_are_not_told() -> None:
    notices(1)
    assert mail_notices(START + timedelta(days=3)) == 0


@pytest.mark.usefixtures("duty")
def test_the_task_of_the_queue_tells_and_mails() -> None:
    # Its clock is the database's.
    now = timezone.now()
    disable(listener(), "it was asked for", now - HOUR)
    run = queued_run()
    Run.objects.filter(id=run.id).update(status="completed", ended_at=now, ending_seq=1)
    assert alert_operators() == "1 silent, 2 mailed"
    assert alert_operators() == "0 silent, 0 mailed"


def test_the_queue_has_a_schedule_for_it() -> None:
    made: Mapping[str, object] = Schedule.objects.filter(func="webhooks.alerts.alert_operators").values().get()
    assert (made["schedule_type"], made["minutes"], made["repeats"]) == ("I", 10, -1)
    assert apps.get_model("django_q", "Schedule").objects.filter(name="webhook alerts").count() == 1
