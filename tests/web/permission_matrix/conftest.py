"""What the tests of the matrix need."""

from collections.abc import Callable
from functools import partial

import pytest

from alerts import tasks as alert_tasks
from imports import tasks as import_tasks
from mailgun_sync import tasks
from messenger_logs.models import School
from records.models import RecordsRequest
from roster import tasks as roster_tasks
from tests.messenger_logs.factories import make_message
from tests.queue import note_queued
from tests.web.permission_matrix import subjects


@pytest.fixture(autouse=True)
def no_worker(monkeypatch, settings, tmp_path):
    """What is asked for is not started, and no mail is sent."""
    settings.REPORT_FOLDER = tmp_path
    settings.REPORT_ATTACHMENTS = True
    settings.EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
    settings.ROSTER_FILE = str(tmp_path / "roster.zip")
    of_mailgun = (tasks.sync_one, tasks.check_domain, tasks.read_suppressions)
    for task in (*of_mailgun, import_tasks.run, roster_tasks.run_queued, alert_tasks.send):
        note_queued(monkeypatch, task)


@pytest.fixture
def of_school(monkeypatch: pytest.MonkeyPatch) -> Callable[[School], None]:
    """Let what a line makes from now on be of a school: messages with what follows from them, and records requests."""

    def make_of(school: School) -> None:
        monkeypatch.setattr(subjects, "make_message", partial(make_message, school=school))
        monkeypatch.setattr(subjects, "a_request", partial(RecordsRequest.objects.create, schools=[school.pk]))

    return make_of
