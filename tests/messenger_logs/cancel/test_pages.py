"""Canceling from the message page and from Upcoming Messages, with and without JavaScript."""

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.tools import Right, Tool
from tests.fixtures.cancel import ADMIN, LOG, UPCOMING, may_cancel

pytestmark = pytest.mark.django_db

PAGES = {
    LOG: "web:sent_message_log_message",
    ADMIN: "web:admin_sent_message_log_message",
    UPCOMING: "web:upcoming_messages_message",
}


def page_text(response: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode())).strip()


def address(tool: Any, message: Any, part: str = "") -> str:
    return reverse(PAGES[tool] + (f"_{part}" if part else ""), args=[message.pk])


@pytest.mark.parametrize("tool", list(PAGES))
def test_the_button_leads_to_a_warning_in_numbers_and_ok_cancels(under_way, make_user, signed_in, tool):
    user = make_user(*may_cancel(tool, LOG), username="me")
    message = under_way(sender=user)
    client: Client = signed_in(user)
    page = client.get(address(tool, message)).content.decode()
    assert re.search(rf'<a id="cancel-message"[^>]* href="{address(tool, message, "cancel")}"', page)

    warning = client.get(address(tool, message, "cancel"))
    assert "2 have gone. 2 can still be stopped." in page_text(warning)
    message.refresh_from_db()
    assert message.status == "in_progress", "nothing is canceled by looking"

    answer = client.post(address(tool, message, "cancel"), follow=True)
    assert "The message is canceled: stopped 2; 2 had already left." in page_text(answer)
    message.refresh_from_db()
    assert (message.status, message.canceled_by) == ("canceled_ip", user)


def test_for_a_dialog_the_warning_comes_alone(under_way, sender, signed_in):
    response = signed_in(sender).get(address(LOG, under_way(), "cancel"), headers={"HX-Request": "true"})
    html = response.content.decode()
    assert "<html" not in html
    assert 'id="cancel-heading"' in html
    assert 'method="dialog"' in html


def test_a_second_press_says_who_and_when(under_way, sender, make_user, signed_in):
    message = under_way()
    other = signed_in(make_user(*may_cancel(ADMIN), first_name="Tou", last_name="Lee"))
    signed_in(sender).post(address(LOG, message, "cancel"))
    late = other.post(address(ADMIN, message, "cancel"), follow=True)
    assert re.search(
        r"Vang, Mai canceled this message already, on [\d/]+ [\d:]+ [AP]M: stopped 2; 2 had", page_text(late)
    )
    assert "Vang, Mai canceled this message already" in page_text(other.get(address(ADMIN, message, "cancel")))


def test_one_that_just_finished_is_told_in_words(under_way, sender, signed_in):
    message = under_way(status="sent")
    client = signed_in(sender)
    assert 'id="cancel-message"' not in client.get(address(LOG, message)).content.decode()
    answer = client.post(address(LOG, message, "cancel"), follow=True)
    assert "Nothing was canceled: the message is finished (Sent)." in page_text(answer)


def test_somebody_elses_message_is_not_there(under_way, make_user, signed_in):
    message = under_way()
    stranger = signed_in(make_user(*may_cancel(LOG, UPCOMING)))
    for tool in (LOG, UPCOMING):
        assert stranger.get(address(tool, message, "cancel")).status_code == 404
        assert stranger.post(address(tool, message, "cancel")).status_code == 404
    message.refresh_from_db()
    assert message.status == "in_progress"


def test_who_may_only_read_has_no_button_and_gets_403(under_way, make_user, signed_in):
    reader = make_user(LOG, UPCOMING, username="reader")
    message = under_way(sender=reader)
    client = signed_in(reader)
    for tool in (LOG, UPCOMING):
        assert 'id="cancel-message"' not in client.get(address(tool, message)).content.decode()
        assert client.post(address(tool, message, "cancel")).status_code == 403
    assert "Cancel Message" not in client.get(reverse("web:upcoming_messages")).content.decode()


def test_others_upcoming_messages_need_view_cancel_all(under_way, make_user, signed_in):
    message = under_way(engine="v2", message_type="Messenger 2.0 - General")
    chief = signed_in(make_user(*may_cancel(UPCOMING), (UPCOMING, Right.VIEW_CANCEL_ALL)))
    html = chief.get(reverse("web:upcoming_messages"), {"tab": "in_progress", "whose": "all"}).content.decode()
    assert address(UPCOMING, message, "cancel") in html
    answer = chief.post(address(UPCOMING, message, "cancel"), follow=True)
    assert answer.redirect_chain == [("/messenger/upcoming-messages/?tab=in_progress&whose=all", 302)]
    assert "Snow day: The message is canceled: stopped 2; 2 had already left." in page_text(answer)
    again = chief.post(address(UPCOMING, message, "cancel"), follow=True)
    assert "You canceled this message already" in page_text(again)


def test_the_2_0_log_cancels_nothing(under_way, make_user, signed_in):
    tool = may_cancel(UPCOMING)
    log = Tool.SENT_MESSAGE_LOG_2
    user = make_user(*tool, log, (log, Right.MY_MESSAGES), (log, Right.TYPE_GENERAL), username="me")
    message = under_way(sender=user, engine="v2", message_type="Messenger 2.0 - General")
    page = signed_in(user).get(reverse("web:sent_message_log_2_message", args=[message.pk])).content.decode()
    assert "ancel this Message" not in page
    assert "/cancel/" not in page


def test_the_summary_tells_who_when_and_how_far(under_way, sender, signed_in):
    message = under_way()
    client = signed_in(sender)
    client.post(address(LOG, message, "cancel"))
    html = client.get(address(LOG, message), headers={"HX-Request": "true"}).content.decode()
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))
    assert "Canceled By Vang, Mai" in text
    assert "Cancel Complete not yet" in text
    assert "stopped 2; 2 had already left" in text
    assert "Cancel Progress" in text
    assert "data-live" in html
    assert 'id="message-actions" hx-swap-oob' in html, "the button goes"


def test_another_systems_message_has_to_be_stopped_there_as_well(under_way, sender, signed_in):
    message = under_way(dispatched_here=False)
    client = signed_in(sender)
    assert "has to be stopped there as well" in page_text(client.get(address(LOG, message, "cancel")))
    assert "stop it there as well" in page_text(client.post(address(LOG, message, "cancel"), follow=True))
