"""Only a few processes do the same work at a time, however slow it is."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
from celery.exceptions import SoftTimeLimitExceeded
from django.db import connection
from pytest_django import Settings

from config.celery import app
from dispatch import tasks
from dispatch.gateways import Answer, HandOff
from dispatch.models import Claim
from dispatch.services.claims import claim_next, mark_handed
from dispatch.services.rate_limit import may_go
from dispatch.services.recovery import recover
from dispatch.services.scheduling import start_due
from dispatch.services.sending import hand_over
from dispatch.services.slots import slot
from messenger_logs import tasks as ledger_tasks
from messenger_logs.choices import Mode
from messenger_logs.models import SentMessage
from reports import services as report_settings
from saved_views.services.mails import MOST_FAILURES
from tests.dispatch.conftest import statuses
from tests.dispatch.stub import Provider, StubGateway
from tests.wait import PATIENCE, wait_until

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_work_has_its_slots_and_no_more() -> None:
    with slot("poll voice") as first, slot("poll voice") as second, slot("hang up voice") as other:
        assert (first, second, other) == (True, False, True)
    with slot("hand over voice", 2), slot("hand over voice", 2) as second, slot("hand over voice", 2) as third:
        assert (second, third) == (True, False)


@pytest.mark.slow
def test_a_mode_occupies_no_more_processes_than_it_may(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    settings.DISPATCH_AT_ONCE = 2
    at_work: list[Mode] = []
    over = Event()

    def hang(mode: Mode, *, until: float) -> int:
        at_work.append(mode)
        if mode is Mode.VOICE:
            over.wait(PATIENCE)
        return 0

    def run(mode: Mode) -> None:
        try:
            tasks.hand_over_due(mode.value)
        finally:
            connection.close()

    monkeypatch.setattr(tasks, "send_due", hang)
    with ThreadPoolExecutor(8) as processes:
        try:
            tried = [processes.submit(run, mode) for mode in [Mode.VOICE] * 7 + [Mode.EMAIL]]
            wait_until(lambda: sum(each.done() for each in tried) == 6)
            assert sorted(at_work) == [Mode.EMAIL, Mode.VOICE, Mode.VOICE]
        finally:
            over.set()


@pytest.mark.slow
def test_a_hand_over_that_is_cut_off_is_looked_up_and_its_mode_pauses(
    provider: Provider, due_message: Callable[..., SentMessage]
) -> None:
    class Hangs(StubGateway):
        async def hand_off(self, hand_off: HandOff) -> Answer:
            raise SoftTimeLimitExceeded

    message = due_message(Mode.TEXT, 3)
    start_due()
    claim = claim_next(Mode.TEXT, batch=1)
    assert claim
    with pytest.raises(SoftTimeLimitExceeded):
        hand_over(claim, Hangs(Mode.TEXT))
    assert not may_go(Mode.TEXT)
    recover()
    assert statuses(message) == {"waiting": 2, "vendor_received": 1}, "in doubt, and only this one"


@pytest.mark.slow
@pytest.mark.parametrize("step", ["dispatch.services.recovery.items_of", "tests.dispatch.stub.StubGateway.look_up"])
def test_a_recovery_that_is_cut_off_ends(
    provider: Provider, due_message: Callable[..., SentMessage], monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def cut_off(*_: object, **__: object) -> None:
        raise SoftTimeLimitExceeded

    due_message(Mode.EMAIL, 6)
    start_due()
    for _ in range(2):
        claim = claim_next(Mode.EMAIL, batch=3)
        assert claim
        assert mark_handed(claim)
    monkeypatch.setattr(step, cut_off)
    with pytest.raises(SoftTimeLimitExceeded):
        recover()
    assert Claim.objects.filter(look_up_at=None).count() == 1, "the other claim is not looked up any more"


@pytest.mark.slow
def test_every_task_has_time_limits_that_are_longer_than_what_it_waits_for(settings: Settings) -> None:
    app.loader.import_default_modules()
    ours = {name: task for name, task in app.tasks.items() if not name.startswith(("celery.", "test."))}
    rooms = {"accounts", "dispatch", "imports", "mailgun_sync", "messenger_logs", "records", "reports"}
    rooms |= {"alerts", "health", "retention", "roster", "saved_views", "digests"}
    assert {name.partition(".")[0] for name in ours} == rooms
    waits = {"accounts": settings.EMAIL_TIMEOUT, "reports": report_settings.SECONDS}
    waits |= {"saved_views": MOST_FAILURES * settings.EMAIL_TIMEOUT}
    for name, task in ours.items():
        longest = max(settings.PROVIDER_TIMEOUT_SECONDS, waits.get(name.partition(".")[0], 0))
        soft, hard = task.soft_time_limit or settings.CELERY_TASK_SOFT_TIME_LIMIT, task.time_limit
        assert longest < soft < (hard or settings.CELERY_TASK_TIME_LIMIT), name


def test_every_task_ends_before_its_claim_counts_as_that_of_a_dead_worker(settings: Settings) -> None:
    assert ledger_tasks
    limited = [task for name, task in app.tasks.items() if name.startswith(("dispatch.", "messenger_logs."))]
    assert len(limited) >= 8
    for task in limited:
        assert 0 < task.soft_time_limit < task.time_limit < settings.STALE_CLAIM_SECONDS, task.name
