"""Alerts: the list, an alert, its channels, and the API."""

from __future__ import annotations

from datetime import time

import pytest
from django.db.models.signals import pre_save
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEvent, GroupScope
from accounts.scopes import ScopeReach
from accounts.services import issue_token
from accounts.tools import Right, Tool
from alerts import tasks
from alerts.models import Alert, AlertChannel, AlertDelivery
from listings.registry import registry
from tests.alerts.conftest import Clock, make_channel, trouble
from tests.queue import note_queued, refuse_all

pytestmark = pytest.mark.django_db
W = Right.WRITE
CHANNELS = reverse("web:alert_channels")
URL = "https://hooks.example.com/services/T000/B000/a-very-secret-part"
FORM = {"name": "The office", "active": "on", "tells_cleared": "on", "remind_hours": "0"}


@pytest.fixture
def admin(make_user):
    return make_user(Tool.ALERTS, (Tool.ALERTS, W), username="admin")


@pytest.fixture
def client(admin, signed_in) -> Client:
    return signed_in(admin)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(autouse=True)
def queued(monkeypatch) -> list[int]:
    return note_queued(monkeypatch, tasks.send)


def shown(user, **values: str) -> list[str]:
    listing = registry["alerts"].open(user, values)
    listing.fetch()
    return [alert.key for alert in listing.page.rows]


def test_the_list_has_what_is_wrong_first(admin, clock: Clock) -> None:
    clock.look(trouble("old"))
    clock.look()
    clock.look()
    clock.look(trouble("new", part="Other"))
    assert shown(admin) == ["new"]
    assert shown(admin, which="cleared") == ["old"]
    assert shown(admin, which="all") == ["new", "old"]
    assert shown(admin, which="all", part="Other") == ["new"]


def test_the_list_says_when_nobody_is_told(admin, clock: Clock) -> None:
    def notices() -> list[str]:
        return registry["alerts"].open(admin, {}).fetch()

    assert any("Nobody gets a notice of alerts" in notice for notice in notices())
    make_channel(name="Mail", error="The mail server refused it.")
    assert notices() == ["The channel Mail fails: The mail server refused it."]


def test_an_alert_leads_to_the_page_that_explains_it_and_is_acknowledged(client, admin, clock: Clock) -> None:
    make_channel(name="Mail")
    clock.look(trouble(page="web:mailgun_sync", urgent=True))
    (alert,) = Alert.objects.all()
    AlertDelivery.objects.update(state="in_doubt", error="No answer.")
    text = client.get(reverse("web:alert", args=[alert.pk])).text
    said = ["Open, urgent", alert.words, alert.to_do, reverse("web:mailgun_sync"), "May have been sent", "No answer."]
    assert [words for words in said if words not in text] == []
    answer = client.post(reverse("web:acknowledge_alert", args=[alert.pk]), follow=True).text
    assert "is acknowledged" in answer
    assert ">Acknowledge<" not in answer
    assert f"by {admin.listed_name}" in answer
    assert "acknowledged it before" in client.post(reverse("web:acknowledge_alert", args=[alert.pk]), follow=True).text
    (row,) = AuditEvent.objects.filter(action="alert.acknowledged")
    assert row.details == {"alert": alert.pk}


def test_a_page_that_is_gone_breaks_nothing(client, clock: Clock) -> None:
    clock.look(trouble(page="web:no_such_page"))
    assert "explains it" not in client.get(reverse("web:alert", args=[Alert.objects.get().pk])).text


@pytest.mark.slow
def test_a_webhook_is_a_secret_from_its_first_moment(client) -> None:
    new = reverse("web:new_alert_channel", args=["webhook"])
    assert client.post(new, FORM | {"url": URL, "format": "slack"}).status_code == 302
    (channel,) = AlertChannel.objects.all()
    assert channel.url == URL
    assert "secret" not in channel.sealed_url
    pages = client.get(CHANNELS).text + client.get(reverse("web:alert_channel", args=[channel.pk])).text
    assert "https://hooks.example.com/…part" in pages
    assert "a-very-secret" not in pages
    assert "a-very-secret" not in str(list(AuditEvent.objects.values()))
    # Without an address, the stored one stays.
    page = reverse("web:alert_channel", args=[channel.pk])
    client.post(page, FORM | {"format": "teams", "quiet_from": "22:00", "quiet_to": "06:30"})
    channel.refresh_from_db()
    assert (channel.url, channel.format, channel.quiet_from) == (URL, "teams", time(22))
    rows = AuditEvent.objects.filter(action__startswith="alert_channel.").order_by("pk")
    assert [(row.action, row.details["changed"]) for row in rows][1:] == [
        ("alert_channel.changed", ["format", "quiet_from", "quiet_to"])
    ]
    client.post(page, FORM | {"format": "teams", "quiet_from": "22:00", "quiet_to": "06:30"})
    assert rows.count() == 2, "nothing changed"


@pytest.mark.parametrize(
    ("kind", "fields", "error"),
    [
        ("webhook", {"url": ""}, "required"),
        ("webhook", {"url": "ftp://hooks.example.com/x"}, "https://"),
        ("webhook", {"url": "javascript:alert(1)"}, "https://"),
        ("webhook", {"url": "hooks.example.com/x"}, "https://"),
        ("webhook", {"url": "https://"}, "https://"),
        ("webhook", {"url": "https://[::1"}, "no address"),
        ("webhook", {"url": "https://h.example:99999/"}, "no address"),
        ("webhook", {"url": "https://h.example/a b"}, "https://"),
        ("webhook", {"url": "https://user:word@h.example/"}, "user"),
        ("webhook", {"url": "https://h.example/#x"}, "#"),
        ("webhook", {"url": "http://127.0.0.1/"}, "private network"),
        ("webhook", {"url": "http://[::ffff:10.0.0.1]/"}, "private network"),
        ("webhook", {"url": "http://169.254.169.254/latest"}, "private network"),
        ("webhook", {"url": "http://localhost:6379/"}, "private network"),
        ("email", {"emails": ""}, "required"),
        ("email", {"emails": "it@district.example, office"}, "number 2"),
        ("email", {"emails": " ".join(f"a{n}@district.example" for n in range(21))}, "20 addresses"),
        ("email", {"emails": "it@district.example", "quiet_from": "22:00"}, "begin and their end"),
        ("email", {"emails": "it@district.example", "quiet_from": "22:00", "quiet_to": "22:00"}, "same"),
        ("email", {"emails": "it@district.example", "remind_hours": "-1"}, "greater"),
        ("email", {"emails": "it@district.example", "name": "Taken"}, "has this name"),
    ],
)
def test_what_is_no_channel_is_refused_in_words(client, kind: str, fields: dict[str, str], error: str) -> None:
    make_channel(name="Taken")
    response = client.post(reverse("web:new_alert_channel", args=[kind]), FORM | {"format": "json"} | fields)
    assert response.status_code == 400
    assert error in response.text
    assert AlertChannel.objects.count() == 1


def test_a_name_that_somebody_took_since_the_check_is_refused_in_words(client) -> None:
    def quicker(instance: AlertChannel, **_: object) -> None:
        pre_save.disconnect(quicker, sender=AlertChannel)
        make_channel(name=instance.name)

    pre_save.connect(quicker, sender=AlertChannel)
    response = client.post(reverse("web:new_alert_channel", args=["email"]), FORM | {"emails": "it@district.example"})
    assert response.status_code == 400
    assert "another channel has this name" in response.text
    assert not AuditEvent.objects.filter(action="alert_channel.added").exists()


def test_mail_addresses_are_taken_as_people_write_them(client) -> None:
    given = "it@district.example,office@district.example\n it@district.example;"
    client.post(reverse("web:new_alert_channel", args=["email"]), FORM | {"emails": given})
    assert AlertChannel.objects.get().emails == ["it@district.example", "office@district.example"]


@pytest.mark.slow
def test_a_test_is_sent_by_a_worker_and_the_page_shows_what_came_of_it(client, queued, monkeypatch, settings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    channel = make_channel()
    test = reverse("web:test_alert_channel", args=[channel.pk])
    text = client.post(test, follow=True).text
    assert "every 2s" in text
    assert queued == [channel.pk]
    tasks.send(channel.pk)
    text = client.get(CHANNELS, headers={"HX-Request": "true"}).text
    assert "Test: " in text
    assert "Sent" in text
    assert "every 2s" not in text
    refuse_all(monkeypatch, tasks.send)
    assert "queue does not answer" in client.post(test, follow=True).text


def test_the_page_says_what_is_not_set_up(client, settings) -> None:
    settings.EMAIL_BACKEND, settings.SITE_URL = "django.core.mail.backends.dummy.EmailBackend", ""
    text = client.get(CHANNELS).text
    assert "set EMAIL_URL" in text
    assert "set SITE_URL" in text


@pytest.mark.slow
def test_who_has_the_right_for_some_schools_does_not_see_alerts(client, admin, clock: Clock) -> None:
    clock.look(trouble())
    GroupScope.objects.create(group=admin.groups.get(), reach=ScopeReach.MEMBERS)
    token = {"Authorization": f"Token {issue_token(user=admin)[0]}"}
    for address in ("web:alerts", "web:alert_channels", "api:alerts"):
        answer = client.get(reverse(address), headers=token if address.startswith("api") else {})
        assert answer.status_code == 403
        assert "for all schools" in answer.text


@pytest.mark.slow
def test_the_api_lists_and_acknowledges(admin, clock: Clock) -> None:
    clock.look(trouble("a"), trouble("b", urgent=True, since=timezone.now()))
    client = Client(headers={"Authorization": f"Token {issue_token(user=admin)[0]}"})
    found = client.get(reverse("api:alerts")).json()["results"]
    assert {(each["key"], each["state"], each["urgent"]) for each in found} == {
        ("a", "open", False),
        ("b", "open", True),
    }
    for _ in range(2):
        answer = client.post(reverse("api:acknowledge_alert", args=[found[0]["id"]])).json()
        assert (answer["state"], answer["acknowledged_by"]) == ("acknowledged", admin.listed_name)
    assert AuditEvent.objects.filter(action="alert.acknowledged").count() == 1
    assert client.post(reverse("api:acknowledge_alert", args=[1])).status_code == 404
    assert client.get(reverse("api:alerts"), {"which": "all", "part": "x"}).json()["count"] == 0
