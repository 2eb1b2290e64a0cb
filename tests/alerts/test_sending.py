"""What is queued goes out once, over real SMTP and HTTP, and each fault ends as it should."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta
from email import message_from_string

import pytest
from django.core import mail
from django.utils import timezone

from alerts.models import Alert, AlertChannel, AlertDelivery
from alerts.services import sending
from alerts.services.channels import send_test
from alerts.services.retention import delete_old
from tests.alerts.conftest import Clock, make_channel, trouble
from tests.alerts.stand_ins import MailServer, Webhook

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def site(settings) -> None:
    settings.SITE_URL = "https://logs.district.example"


def send(channel: AlertChannel) -> int:
    return sending.send_due(channel_id=channel.pk, until=time.monotonic() + 30)


def states() -> list[str]:
    return list(AlertDelivery.objects.order_by("pk").values_list("state", flat=True))


def fire(clock: Clock, **fields: object) -> Alert:
    clock.look(trouble(**fields))
    return Alert.objects.latest("pk")


# By e-mail


def test_a_mail_says_what_is_wrong_and_what_to_do(clock: Clock, mail_server: MailServer, settings) -> None:
    settings.DISTRICT_NAME = "Harrison\nSchool District"  # no header may break
    channel = make_channel(emails=["it@district.example", "office@district.example"])
    alert = fire(clock, urgent=True, since=clock.now, page="web:mailgun_sync")
    assert send(channel) == 1
    (text,) = mail_server.received
    got = message_from_string(text)
    assert got["Subject"] == "Harrison School District: Urgent: Alert: Sync of x"
    assert got["To"] == "it@district.example, office@district.example"
    body = got.get_payload()
    for part in ("The last 2 syncs failed.", "What to do: Look at the key.", "Since ", "America/Chicago"):
        assert part in body
    assert f"https://logs.district.example/messenger-administration/alerts/{alert.pk}/" in body
    assert "https://logs.district.example/messenger-administration/mailgun-sync/" in body
    (notice,) = AlertDelivery.objects.all()
    assert (notice.state, notice.tries, notice.sent_at is not None) == ("sent", 1, True)
    assert send(channel) == 0, "it is sent once"


def test_several_alerts_are_one_mail(clock: Clock, settings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    channel = make_channel()
    clock.look(trouble("a", part="Part A"), trouble("b", part="Part B"), trouble("c", part="Part C"))
    assert send(channel) == 3
    (got,) = mail.outbox
    assert got.subject.endswith(": 3 alerts")
    assert all(f"Alert: Part {each}" in got.body for each in "ABC")


@pytest.mark.parametrize(
    ("command", "answer", "state", "says"),
    [
        ("EHLO", "421 busy", "waiting", "refused it (SMTPHeloError 421)"),
        ("MAIL", "550 no such sender it@district.example", "waiting", "refused it (SMTPSenderRefused 550)"),
        ("RCPT", "550 unknown it@district.example", "waiting", "refused it (SMTPRecipientsRefused)"),
        (".", "554 no", "waiting", "refused it (SMTPDataError 554)"),
        (".", "", "in_doubt", "did not say whether it took it"),
    ],
)
def test_what_a_mail_server_says_decides_whether_it_is_tried_again(
    clock: Clock, mail_server: MailServer, command: str, answer: str, state: str, says: str
) -> None:
    mail_server.answers = {command: answer} | ({"HELO": answer} if command == "EHLO" else {})
    channel = make_channel()
    fire(clock)
    send(channel)
    notice = AlertDelivery.objects.get()
    assert (notice.state, notice.tries) == (state, 1)
    assert says in notice.error
    assert "@" not in notice.error
    channel.refresh_from_db()
    assert channel.error == notice.error


def test_without_a_mail_server_the_channel_says_so(clock: Clock, settings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
    channel = make_channel()
    fire(clock)
    send(channel)
    channel.refresh_from_db()
    assert "EMAIL_URL" in channel.error
    assert states() == ["waiting"]


# By webhook


@pytest.mark.parametrize("format", ["slack", "teams", "json"])
def test_a_webhook_gets_what_its_format_takes(clock: Clock, webhook: Webhook, format: str) -> None:
    channel = make_channel(url=f"{webhook.url}/?a=b&c=%20d", format=format)
    alert = fire(clock, words="5 < 6 & <!channel>", page="web:mailgun_sync")
    assert send(channel) == 1
    (got,) = webhook.received
    assert webhook.paths == ["/services/T000/B000/secret-of-the-hook/?a=b&c=%20d"]
    if format == "slack":
        assert "5 &lt; 6 &amp; &lt;!channel&gt;" in got["text"]
    elif format == "teams":
        (card,) = got["attachments"]
        assert "5 < 6 & <!channel>" in [block["text"] for block in card["content"]["body"]]
    else:
        (notice,) = got["notices"]
        assert notice["words"] == "5 < 6 & <!channel>"
        assert (notice["kind"], notice["alert"], notice["urgent"]) == ("fired", alert.pk, False)
        assert notice["explained_at"] == "https://logs.district.example/messenger-administration/mailgun-sync/"


@pytest.mark.parametrize(
    ("status", "fault", "state", "says"),
    [
        (200, "", "sent", ""),
        (204, "", "sent", ""),
        (400, "", "waiting", "did not take it (400)"),
        (404, "", "waiting", "(404)"),
        (500, "", "waiting", "did not take it (500)"),
        (302, "", "waiting", "has moved (302)"),
        (200, "drip", "in_doubt", "did not finish its answer within 1 seconds"),
        (200, "hang", "in_doubt", "did not finish its answer within 1 seconds"),
        (200, "cut", "in_doubt", "could not be reached"),
    ],
)
def test_what_a_webhook_answers_decides_whether_it_is_tried_again(
    clock: Clock, webhook: Webhook, status: int, fault: str, state: str, says: str
) -> None:
    webhook.status, webhook.fault = status, fault
    webhook.headers = {"Location": f"{webhook.url}-elsewhere"} if status == 302 else {}
    channel = make_channel(url=webhook.url)
    fire(clock)
    begun = time.monotonic()
    send(channel)
    assert time.monotonic() - begun < 10
    assert len(webhook.received) == 1, "no redirect is followed, and nothing is repeated"
    notice = AlertDelivery.objects.get()
    assert notice.state == state
    assert says in notice.error
    assert "secret" not in notice.error
    assert "127.0.0.1" not in notice.error


def test_a_channel_that_failed_waits_and_then_tells_all_in_order(clock: Clock, webhook: Webhook, time_machine) -> None:
    webhook.status = 500
    channel = make_channel(url=webhook.url)
    fire(clock)
    send(channel)
    send(channel)
    assert len(webhook.received) == 1, "it waits"
    clock.look()
    clock.look()
    webhook.status = 200
    time_machine.move_to(timezone.now() + timedelta(minutes=2))
    assert send(channel) == 2
    assert [each["kind"] for each in webhook.received[-1]["notices"]] == ["fired", "cleared"]
    channel.refresh_from_db()
    assert (channel.retry_at, channel.error) == (None, "")


def test_what_cannot_be_sent_for_too_long_is_given_up(clock: Clock, webhook: Webhook) -> None:
    webhook.status = 500
    channel = make_channel(url=webhook.url)
    fire(clock)
    send(channel)
    for hours, state in ((23, "waiting"), (25, "given_up")):
        sending.settle_old(now=timezone.now() + timedelta(hours=hours))
        assert states() == [state]


def test_a_pause_that_a_wrong_clock_set_ends(clock: Clock, webhook: Webhook) -> None:
    channel = make_channel(url=webhook.url, retry_at=timezone.now() + timedelta(days=9))
    fire(clock)
    assert send(channel) == 1


def test_a_host_that_is_gone_took_nothing(clock: Clock, webhook: Webhook) -> None:
    url = webhook.url
    webhook.stop()
    channel = make_channel(url=url)
    fire(clock)
    send(channel)
    assert states() == ["waiting"]


def test_a_webhook_in_a_private_network_is_not_asked(clock: Clock, webhook: Webhook, settings) -> None:
    settings.ALERT_PRIVATE_WEBHOOKS = False
    channel = make_channel(url=webhook.url)
    fire(clock)
    send(channel)
    assert webhook.received == []
    notice = AlertDelivery.objects.get()
    assert (notice.state, "private network" in notice.error) == ("waiting", True)


def test_a_name_that_leads_elsewhere_at_the_second_question_is_not_asked(
    clock: Clock, webhook: Webhook, settings, monkeypatch
) -> None:
    settings.ALERT_PRIVATE_WEBHOOKS = False
    answers: Iterator[str] = iter(["93.184.215.14", "127.0.0.1"])
    found = lambda *_, **__: [(2, 1, 6, "", (next(answers), 80))]  # noqa: E731
    monkeypatch.setattr("providers.public_addresses.socket.getaddrinfo", found)
    channel = make_channel(url=webhook.url.replace("127.0.0.1", "hook.example"))
    fire(clock)
    send(channel)
    assert (webhook.received, states()) == ([], ["waiting"])


def test_an_address_that_cannot_be_read_any_more_is_said(clock: Clock, webhook: Webhook, settings) -> None:
    channel = make_channel(url=webhook.url)
    settings.SECRET_KEY = "another"
    fire(clock)
    send(channel)
    assert "Enter it again" in AlertDelivery.objects.get().error
    assert "enter it again" in AlertChannel.objects.get().goes_to


# Quiet hours


@pytest.fixture
def evening(time_machine) -> Clock:
    """Ten o'clock in the evening in Chicago, in summer."""
    time_machine.move_to("2026-06-10T03:00:00+00:00", tick=False)
    return Clock()


NIGHT = {"quiet_from": "21:00", "quiet_to": "06:00"}


def test_quiet_hours_hold_back_what_is_not_urgent(evening: Clock, webhook: Webhook, time_machine) -> None:
    channel = make_channel(url=webhook.url, **NIGHT)
    evening.look(trouble("a"), trouble("b", urgent=True))
    assert send(channel) == 1
    assert [notice["key"] for notice in webhook.received[0]["notices"]] == ["b"]
    assert sending.channels_with_work(timezone.now()) == []
    time_machine.move_to("2026-06-10T11:00:00+00:00")
    assert sending.channels_with_work(timezone.now()) == [channel.pk]
    assert send(channel) == 1, "it is still open when the hours end"
    assert webhook.received[1]["notices"][0]["key"] == "a"


def test_what_clears_in_the_quiet_hours_is_not_told_at_all(evening: Clock, webhook: Webhook, time_machine) -> None:
    channel = make_channel(url=webhook.url, **NIGHT)
    for troubles in ([trouble()], [], []):
        evening.look(*troubles)
        send(channel)
    time_machine.move_to("2026-06-10T11:00:00+00:00")
    assert send(channel) == 0
    assert states() == ["skipped"]


def test_what_becomes_urgent_does_not_wait_any_more(evening: Clock, webhook: Webhook) -> None:
    channel = make_channel(url=webhook.url, **NIGHT)
    evening.look(trouble())
    assert send(channel) == 0
    evening.look(trouble(urgent=True))
    assert send(channel) == 1


def test_a_test_does_not_wait_for_the_end_of_anything(evening: Clock, webhook: Webhook, make_user) -> None:
    later = timezone.now() + timedelta(minutes=5)
    channel = make_channel(url=webhook.url, **NIGHT, retry_at=later, active=False)
    send_test(channel=channel, by=make_user())
    assert send(channel) == 1
    assert webhook.received[0]["notices"][0]["kind"] == "test"


def test_a_test_that_fails_is_not_repeated(webhook: Webhook, make_user) -> None:
    webhook.status = 500
    channel = make_channel(url=webhook.url)
    send_test(channel=channel, by=make_user())
    send(channel)
    assert states() == ["given_up"]


# The end


def test_old_alerts_go_and_open_ones_stay(clock: Clock, settings) -> None:
    make_channel()
    clock.look(trouble("a"), trouble("b"))
    clock.look(trouble("b"))
    clock.look(trouble("b"))
    assert delete_old(now=clock.now + timedelta(days=399)) == 0
    assert delete_old(now=clock.now + timedelta(days=401)) == 1
    assert [alert.key for alert in Alert.objects.all()] == ["b"]


def test_a_channel_that_is_gone_leaves_what_it_was_told(clock: Clock, webhook: Webhook, make_user) -> None:
    from alerts.services.channels import remove_channel

    channel = make_channel(name="The office", url=webhook.url)
    fire(clock)
    send(channel)
    fire(clock, key="another")
    remove_channel(channel=channel, by=make_user())
    assert set(AlertDelivery.objects.values_list("channel_name", "state")) == {
        ("The office", "sent"),
        ("The office", "skipped"),
    }


@pytest.mark.parametrize(
    ("second", "subject"), [("es", "Urgente: Alerta"), ("", "Urgent: Alert"), (None, "Urgent: Alert")]
)
def test_a_mail_is_in_the_language_that_all_its_readers_chose(
    clock: Clock, settings, make_user, second: str | None, subject: str
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    make_user(email="One@district.example", language="es")
    if second is not None:
        make_user(email="two@district.example", language=second)
    channel = make_channel(emails=["one@district.example", "two@district.example"])
    fire(clock, urgent=True)
    send(channel)
    assert f"{subject}: Sync of x" in mail.outbox[0].subject


def test_a_webhook_has_the_language_of_the_district(clock: Clock, webhook: Webhook, settings) -> None:
    settings.LANGUAGE_CODE = "es"
    channel = make_channel(url=webhook.url, format="slack")
    fire(clock)
    send(channel)
    assert "Alerta: Sync of x" in str(webhook.received)
