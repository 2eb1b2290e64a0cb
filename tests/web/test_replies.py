"""What families text back, as staff read it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEvent, User
from accounts.tools import Right, Tool
from messenger_logs.choices import Mode
from messenger_logs.models import Reply, SentMessage
from messenger_logs.services.replies import record_reply
from tests.messenger_logs.factories import make_delivery, make_message, make_recipient
from web.menu import menu_of

pytestmark = pytest.mark.django_db

NUMBER = "+16125550143"
MakeUser = Callable[..., User]


def reply(text: str = "Is there school tomorrow?", **fields: Any) -> Reply:
    return record_reply(**({"number": NUMBER, "at": timezone.now(), "taken_as": "", "raw": "{}"} | fields), text=text)


def a_text_to(number: str = NUMBER, name: str = "Vang, Pa", **fields: Any) -> SentMessage:
    message = make_message(subject="Bus 12 is late", modes=[Mode.TEXT], **fields)
    recipient = make_recipient(message, person_id=name, name=name)
    make_delivery(recipient, mode=Mode.TEXT, address=number, attempt_count=1)
    return message


def page(client: Client, **query: str) -> str:
    response = client.get(reverse("web:replies"), query)
    assert response.status_code == 200
    return response.content.decode()


def test_a_reply_names_the_people_with_the_number_and_the_newest_text_to_them() -> None:
    a_text_to(name="Vang, Pa")
    newest = a_text_to(name="Vang, Chue")
    a_text_to(number="+16125550144", name="Her, Blong")

    kept = reply()

    assert (kept.name, kept.person_id, kept.message_id) == ("Vang, Chue; Vang, Pa", "", newest.pk)
    assert reply(number="+16125550144").person_id == "Her, Blong"
    unknown = reply(number="12345")
    assert (unknown.name, unknown.message_id) == ("", None)


def test_the_page_shows_who_wrote_what_and_leads_to_the_message_for_those_who_may(
    make_user: MakeUser, signed_in: Callable[[User], Client]
) -> None:
    message = a_text_to()
    reply("<b>Gracias</b>", taken_as=Reply.TakenAs.STOP)
    url = reverse("web:admin_sent_message_log_message", kwargs={"pk": message.pk})

    text = page(signed_in(make_user(Tool.REPLIES)))
    for shown in ("Vang, Pa", "(612) 555-0143", "&lt;b&gt;Gracias&lt;/b&gt;", "STOP: no more texts"):
        assert shown in text
    assert "Bus 12 is late" not in text
    text = page(signed_in(make_user(Tool.REPLIES, Tool.ADMIN_SENT_MESSAGE_LOG)))
    assert url in text
    assert "Bus 12 is late" in text


@pytest.mark.slow
def test_replies_are_found_by_number_and_text_without_either_in_an_address(
    make_user: MakeUser, signed_in: Callable[[User], Client]
) -> None:
    reply("about bus")
    reply("about lunch", number="+16125550144")
    client = signed_in(make_user(Tool.REPLIES))
    for search, found in ({"number": "(612) 555-0144"}, "lunch"), ({"text": "BUS"}, "bus"):
        response = client.post(reverse("web:replies"), search)
        assert not any(value in response["Location"] for value in search.values())
        text = client.get(response["Location"]).content.decode()
        assert f"about {found}" in text
        assert text.count("about ") == 1


def test_older_replies_are_shown_when_their_days_are(make_user: MakeUser, signed_in: Callable[[User], Client]) -> None:
    old = timezone.now() - timedelta(days=90)
    reply("long ago", at=old)
    client = signed_in(make_user(Tool.REPLIES))
    assert "long ago" not in page(client)
    assert "long ago" in page(client, received_from=f"{old - timedelta(days=1):%Y-%m-%d}")


def test_reading_and_exporting_replies_is_in_the_audit_trail(
    make_user: MakeUser, signed_in: Callable[[User], Client]
) -> None:
    reply()
    client = signed_in(make_user(Tool.REPLIES, username="reader"))
    page(client)
    page_of_rows = client.get(reverse("web:replies"), {"export": "csv"})
    assert b"Is there school tomorrow?" in b"".join(page_of_rows.streaming_content)
    viewed = AuditEvent.objects.get(action="list.viewed")
    assert viewed.target == Tool.REPLIES.path
    assert "school" not in str(viewed.details)
    assert AuditEvent.objects.filter(action="export.replies").exists()


def test_the_menu_has_replies_for_those_with_the_right(make_user: MakeUser) -> None:
    def labels(user: User) -> list[str]:
        return [entry.label for group in menu_of(user, "/") for entry in group.entries]

    assert "Replies" in labels(make_user(Tool.REPLIES))
    assert "Replies" not in labels(make_user(Tool.ADMIN_RECIPIENT_LOG))


def test_in_an_existing_installation_those_who_see_everybodys_opt_outs_get_the_right() -> None:
    from importlib import import_module

    from django.apps import apps

    give = import_module("accounts.migrations.0009_replies_right").give
    rights = [Right.READ, Right.ALL_MESSAGES, Right.TYPE_TEXT_OPT]
    both, one = Group.objects.create(name="both"), Group.objects.create(name="one")
    for group, some in ((both, rights), (one, rights[:2])):
        names = [Tool.SENT_MESSAGE_LOG_2.codename(right) for right in some]
        group.permissions.set(Permission.objects.filter(codename__in=names))

    give(apps, None)

    assert both.permissions.filter(codename="read_replies").exists()
    assert not one.permissions.filter(codename="read_replies").exists()
