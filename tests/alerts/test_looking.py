"""Each trouble fires once and clears once, whatever comes between, and each channel gets what it wants of it."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from alerts.choices import AlertState
from alerts.models import Alert, AlertDelivery
from alerts.services.acknowledging import acknowledge
from alerts.services.channels import save_channel
from alerts.services.looking import look
from tests.alerts.conftest import Clock, make_channel, trouble

pytestmark = pytest.mark.django_db

# What a look sees ("x" the trouble, "." nothing), and how many alerts that makes; then those that are open in the end.
COURSES = [
    ("", 0, 0),
    (".", 0, 0),
    ("x", 1, 1),
    ("xxxx", 1, 1),
    ("x.", 1, 1),  # gone at one look only
    ("x.x.x.x", 1, 1),  # it comes and goes
    ("x..", 1, 0),
    ("x......", 1, 0),
    ("x..x", 2, 1),
    ("x.x..x..", 2, 0),
]


def told(kind: str) -> int:
    return AlertDelivery.objects.filter(kind=kind).count()


@pytest.mark.parametrize(("course", "fired", "still_open"), COURSES)
def test_a_trouble_fires_once_and_clears_once(clock: Clock, course: str, fired: int, still_open: int) -> None:
    make_channel()
    for seen in course:
        clock.look(*([trouble()] if seen == "x" else []))
        if Alert.objects.exists():
            # Whatever was told went out before the next look.
            AlertDelivery.objects.waiting().update(state="sent")
    assert Alert.objects.count() == told("fired") == fired
    assert Alert.objects.open().count() == still_open
    assert told("cleared") == fired - still_open


class Random(TestCase):
    @pytest.mark.slow
    @given(st.lists(st.sets(st.sampled_from("abc")), max_size=12), st.booleans())
    def test_any_course_of_several_troubles_follows_the_rule(self, course: list[set[str]], twice: bool) -> None:
        """By plain Python: an alert opens when its trouble is there and none is open, and closes after two quiet looks.

        Where a look is repeated, the second one changes nothing.
        """
        make_channel()
        clock, quiet, opened, closed = Clock(), {}, [], []
        for seen in course:
            for key in seen:
                if key not in quiet:
                    opened.append(key)
                quiet[key] = 0
            for key in set(quiet) - seen:
                quiet[key] += 1
                if quiet[key] == 2:
                    del quiet[key]
                    closed.append(key)
            for again in (False, True)[: 1 + twice]:
                clock.look(*map(trouble, seen), after=timedelta(seconds=0 if again else 30))
            AlertDelivery.objects.waiting().update(state="sent")
        assert sorted(Alert.objects.values_list("key", flat=True)) == sorted(opened)
        assert {*Alert.objects.open().values_list("key", flat=True)} == {*quiet}
        assert (told("fired"), told("cleared")) == (len(opened), len(closed))


def test_an_alert_follows_the_words_of_its_trouble_and_stays_urgent(clock: Clock) -> None:
    since = clock.now - timedelta(hours=1)
    clock.look(trouble(since=since, urgent=True, page="web:mailgun_sync"))
    clock.look(trouble(words="The last 3 syncs failed.", since=since))
    (alert,) = Alert.objects.all()
    assert (alert.words, alert.since, alert.page, alert.urgent) == ("The last 3 syncs failed.", since, "", True)
    assert alert.last_seen_at - alert.fired_at == timedelta(seconds=30)


def test_what_comes_again_after_one_quiet_look_waits_for_two_new_ones(clock: Clock) -> None:
    for seen in ("x", "", "x", ""):
        clock.look(*map(trouble, seen))
    assert Alert.objects.open().exists()
    clock.look()
    assert not Alert.objects.open().exists()


def test_a_clock_that_was_put_back_does_not_keep_an_alert_open(clock: Clock) -> None:
    clock.look(trouble())
    clock.look()
    clock.look(after=timedelta(hours=-5))
    clock.look()
    assert not Alert.objects.open().exists()


def test_of_the_same_trouble_twice_the_first_counts(clock: Clock) -> None:
    clock.look(trouble(words="first"), trouble(words="second"))
    assert Alert.objects.get().words == "first"


def test_each_channel_gets_what_it_wants(clock: Clock) -> None:
    make_channel(name="all")
    make_channel(name="urgent", urgent_only=True)
    make_channel(name="no end", tells_cleared=False)
    make_channel(name="off", active=False)
    clock.look(trouble("a"), trouble("b", urgent=True))
    AlertDelivery.objects.update(state="sent")
    clock.look()
    clock.look()
    found = sorted(AlertDelivery.objects.values_list("channel_name", "alert__key", "kind"))
    both = [("a", "cleared"), ("a", "fired"), ("b", "cleared"), ("b", "fired")]
    assert found == sorted(
        [("all", *each) for each in both]
        + [("no end", key, "fired") for key in "ab"]
        + [("urgent", "b", "cleared"), ("urgent", "b", "fired")]
    )


def test_a_channel_is_told_what_it_did_not_know(clock: Clock, make_user) -> None:
    """What becomes urgent, and, where it is new, what is open and nobody has acknowledged."""
    make_channel(name="urgent", urgent_only=True)
    clock.look(trouble("a"), trouble("b"))
    assert not AlertDelivery.objects.exists()
    clock.look(trouble("a", urgent=True), trouble("b"))
    clock.look(trouble("a"), trouble("b"))
    assert list(AlertDelivery.objects.values_list("alert__key", flat=True)) == ["a"]
    acknowledge(alert_id=Alert.objects.get(key="a").pk, by=make_user())
    make_channel(name="new")
    clock.look(trouble("a"), trouble("b"))
    assert list(AlertDelivery.objects.filter(channel_name="new").values_list("alert__key", flat=True)) == ["b"]


def test_what_nobody_was_told_is_not_told_to_be_over(clock: Clock) -> None:
    make_channel()
    clock.look(trouble("a"), trouble("b", urgent=True))
    clock.look()
    clock.look()
    # The urgent one was not sent yet, and still goes out.
    assert set(AlertDelivery.objects.values_list("alert__key", "kind", "state")) == {
        ("a", "fired", "skipped"),
        ("b", "fired", "waiting"),
        ("b", "cleared", "waiting"),
    }


@pytest.mark.parametrize("tries", [1, 3])
def test_what_could_not_be_sent_yet_is_told_with_its_end(clock: Clock, tries: int) -> None:
    make_channel()
    clock.look(trouble())
    AlertDelivery.objects.update(tries=tries)
    clock.look()
    clock.look()
    assert set(AlertDelivery.objects.values_list("kind", "state")) == {("fired", "waiting"), ("cleared", "waiting")}


@pytest.mark.slow
def test_reminders_come_once_each_until_somebody_acknowledges(clock: Clock, make_user) -> None:
    make_channel(name="reminded", remind_hours=2)
    make_channel(name="not reminded")
    clock.look(trouble())
    AlertDelivery.objects.update(state="sent")
    for hours in (1, 1.2, 0.01, 6):  # the sum is 2.2, then 8.2: what was missed meanwhile comes once
        clock.look(trouble(), after=timedelta(hours=hours))
    reminders = AlertDelivery.objects.filter(kind="reminder")
    assert sorted(reminders.values_list("channel_name", "number")) == [("reminded", 1), ("reminded", 4)]
    alert = Alert.objects.get()
    assert acknowledge(alert_id=alert.pk, by=make_user())
    assert set(reminders.values_list("state", flat=True)) == {"skipped"}
    clock.look(trouble(), after=timedelta(hours=9))
    assert reminders.count() == 2


def test_acknowledging_counts_once_and_not_after_the_end(clock: Clock, make_user) -> None:
    first, second = make_user(username="first"), make_user(username="second")
    clock.look(trouble())
    alert = Alert.objects.get()
    assert acknowledge(alert_id=alert.pk, by=first)
    assert not acknowledge(alert_id=alert.pk, by=second)
    alert.refresh_from_db()
    assert (alert.acknowledged_by, alert.state) == (first, AlertState.ACKNOWLEDGED)
    clock.look()
    clock.look()
    clock.look(trouble())
    newest = Alert.objects.latest("pk")
    assert newest.state == AlertState.OPEN, "when it comes back, it is another alert"
    clock.look()
    clock.look()
    assert not acknowledge(alert_id=newest.pk, by=first)


def test_a_channel_that_is_turned_off_gets_nothing_of_what_waits(clock: Clock, make_user) -> None:
    channel = make_channel()
    clock.look(trouble())
    assert save_channel(channel=channel, values={"active": False}, by=make_user())
    assert AlertDelivery.objects.get().state == "skipped"


def test_the_number_of_statements_does_not_grow_with_troubles_and_channels(clock: Clock) -> None:
    def statements(troubles: int) -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            clock.look(*(trouble(f"{clock.now}.{number}") for number in range(troubles)))
        return len(captured)

    make_channel(remind_hours=1)
    few = statements(1)
    for _ in range(5):
        make_channel(remind_hours=1)
    assert statements(30) <= few + 1


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_only_one_process_looks_at_a_time() -> None:
    make_channel()
    reading, go_on = threading.Event(), threading.Event()

    def slow(now):
        reading.set()
        assert go_on.wait(30)
        return [trouble()]

    def first() -> None:
        look(now=Clock().now, troubles=slow)
        connection.close()

    thread = threading.Thread(target=first)
    thread.start()
    assert reading.wait(30)
    assert not look(now=Clock().now, troubles=lambda now: pytest.fail("it must not look")), "another one looks"
    go_on.set()
    thread.join()
    assert Alert.objects.count() == AlertDelivery.objects.count() == 1
