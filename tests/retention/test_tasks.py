"""Beat, the queue, and what goes on when a turn was too short."""

import pytest

from config.celery import app
from messenger_logs.models import Recipient
from retention import tasks
from retention.models import Erasure, RetentionPeriod
from retention.services import erase_requests, erasing
from tests.queue import note_queued
from tests.retention import district
from tests.retention.district import PERSON

pytestmark = pytest.mark.django_db


def test_beat_does_it_every_night():
    assert tasks.retain.name in {entry["task"] for entry in app.conf.beat_schedule.values()}


def test_a_turn_that_is_too_short_goes_on(monkeypatch):
    erasures, turns = note_queued(monkeypatch, tasks.erase), note_queued(monkeypatch, tasks.go_on)
    district.a_message()
    RetentionPeriod.objects.create(kind="people", days=400)
    erasure = erase_requests.ask(person_id=PERSON, by=None)
    monkeypatch.setattr(tasks, "_TURN", -1)
    tasks.retain()
    tasks.erase(erasure.pk)
    assert erasures == [erasure.pk, erasure.pk]
    assert turns == [None]
    assert not Recipient.objects.filter(removed=True).exists()


def test_what_waits_is_not_queued_again_before_the_night(monkeypatch):
    queued = note_queued(monkeypatch, tasks.erase)
    district.a_message(status="waiting")
    erasure = erase_requests.ask(person_id=PERSON, by=None)
    tasks.erase(erasure.pk)
    assert not queued
    assert Erasure.objects.get().stays == {"running": 1}
    assert list(erasing.open_erasures()) == [erasure.pk]
