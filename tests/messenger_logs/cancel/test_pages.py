"""Canceling from the message page and from Upcoming Messages, with and without JavaScript."""

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.tools import Right, Tool
from messenger_logs.cancel_figures import cancel_figures
from messenger_logs.services.complete_cancel import complete_cancel
from messenger_logs.services.status_reports import StatusReport, report_statuses
from messenger_logs.services.totals import recount
from reports.kinds.message import cancel_summary
from tests.fixtures.cancel import ADMIN, LOG, UPCOMING, may_cancel

pytestmark = pytest.mark.django_db

FIGURES = "2 left, 0 hung up while ringing, 2 never started, 1 not to be tried."
OPEN_FIGURES = (
    "1 still under way, 1 left, 0 hung up while ringing, 2 never started, 1 not to be tried. The figures are final when"
    " nothing is under way any more."
)
PAGES = {
    LOG: "web:sent_message_log_message",
    ADMIN: "web:admin_sent_message_log_message",
    UPCOMING: "web:upcoming_messages_message",
}


def page_text(response: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode())).strip()


def address(tool: Any, message: Any, part: str = "") -> str:
    return reverse(PAGES[tool] + (f"_{part}" if part else ""), args=[message.pk])


@pytest.mark.slow
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
    assert f"The message is canceled: {OPEN_FIGURES}" in page_text(answer)
    assert answer.redirect_chain == [(address(tool, message), 302)], "the message has the proof"
    message.refresh_from_db()
    assert (message.status, message.canceled_by) == ("canceled_ip", user)


def test_for_a_dialog_the_warning_comes_alone(under_way, sender, signed_in):
    response = signed_in(sender).get(address(LOG, under_way(), "cancel"), headers={"HX-Request": "true"})
    html = response.content.decode()
    assert "<html" not in html
    assert 'id="cancel-heading"' in html
    assert 'method="dialog"' in html


@pytest.mark.slow
def test_a_second_press_says_who_and_when(under_way, sender, make_user, signed_in):
    message = under_way()
    other = signed_in(make_user(*may_cancel(ADMIN), first_name="Tou", last_name="Lee"))
    signed_in(sender).post(address(LOG, message, "cancel"))
    late = other.post(address(ADMIN, message, "cancel"), follow=True)
    assert re.search(
        rf"Vang, Mai canceled this message already, on [\d/]+ [\d:]+ [AP]M: {OPEN_FIGURES}", page_text(late)
    )
    assert "Vang, Mai canceled this message already" in page_text(other.get(address(ADMIN, message, "cancel")))


@pytest.mark.slow
def test_one_that_just_finished_is_told_in_words(under_way, sender, signed_in):
    message = under_way(status="sent")
    client = signed_in(sender)
    assert 'id="cancel-message"' not in client.get(address(LOG, message)).content.decode()
    answer = client.post(address(LOG, message, "cancel"), follow=True)
    assert "Nothing was canceled: the message is finished (Sent)." in page_text(answer)


@pytest.mark.slow
def test_somebody_elses_message_is_not_there(under_way, make_user, signed_in):
    message = under_way()
    stranger = signed_in(make_user(*may_cancel(LOG, UPCOMING)))
    for tool in (LOG, UPCOMING):
        assert stranger.get(address(tool, message, "cancel")).status_code == 404
        assert stranger.post(address(tool, message, "cancel")).status_code == 404
    message.refresh_from_db()
    assert message.status == "in_progress"


@pytest.mark.slow
def test_who_may_only_read_has_no_button_and_gets_403(under_way, make_user, signed_in):
    reader = make_user(LOG, UPCOMING, username="reader")
    message = under_way(sender=reader)
    client = signed_in(reader)
    for tool in (LOG, UPCOMING):
        assert 'id="cancel-message"' not in client.get(address(tool, message)).content.decode()
        assert client.post(address(tool, message, "cancel")).status_code == 403
    assert "Cancel Message" not in client.get(reverse("web:upcoming_messages")).content.decode()


@pytest.mark.slow
def test_others_upcoming_messages_need_view_cancel_all(under_way, make_user, signed_in):
    message = under_way(engine="v2", message_type="Messenger 2.0 - General")
    chief = signed_in(make_user(*may_cancel(UPCOMING), (UPCOMING, Right.VIEW_CANCEL_ALL)))
    html = chief.get(reverse("web:upcoming_messages"), {"tab": "in_progress", "whose": "all"}).content.decode()
    assert address(UPCOMING, message, "cancel") in html
    answer = chief.post(address(UPCOMING, message, "cancel"), follow=True)
    assert answer.redirect_chain == [(address(UPCOMING, message), 302)]
    assert f"Snow day: The message is canceled: {OPEN_FIGURES}" in page_text(answer)
    again = chief.post(address(UPCOMING, message, "cancel"), follow=True)
    assert "You canceled this message already" in page_text(again)
    assert "Snow day" not in page_text(chief.get(reverse("web:upcoming_messages"), {"tab": "in_progress"}))
    late = signed_in(make_user(*may_cancel(UPCOMING), (UPCOMING, Right.VIEW_CANCEL_ALL)))
    assert late.get(address(UPCOMING, message)).status_code == 404, "it is upcoming no more"
    answer = late.post(address(UPCOMING, message, "cancel"), follow=True)
    assert answer.redirect_chain == [("/messenger/upcoming-messages/?tab=in_progress&whose=all", 302)]


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
    assert "Left 1 Still under way 1 Hung up while ringing 0 Never started 2 Not to be tried 1" in text
    assert "Cancel Progress" in text
    assert "These figures are not final yet." in text
    assert "Certificate" not in text
    assert "data-live" in html
    assert 'id="message-actions" hx-swap-oob' in html, "the button goes"


@pytest.mark.slow
def test_another_systems_message_has_to_be_stopped_there_as_well(under_way, sender, signed_in):
    message = under_way(dispatched_here=False)
    client = signed_in(sender)
    assert "has to be stopped there as well" in page_text(client.get(address(LOG, message, "cancel")))
    assert "stop it there as well" in page_text(client.post(address(LOG, message, "cancel"), follow=True))


@pytest.mark.slow
def test_each_figure_of_a_cancel_is_a_link_to_its_rows(under_way, sender, signed_in):
    message = under_way()
    client = signed_in(sender)
    client.post(address(LOG, message, "cancel"))
    message.deliveries.filter(status="in_progress").update(status="sent", outcome="success")
    recount(message_id=message.pk)
    complete_cancel(message_id=message.pk)
    html = client.get(address(LOG, message)).content.decode()
    for name, number in cancel_figures(message.pk).by_name.items():
        link = re.search(rf'id="figure-{name}" href="([^"]+)"[^>]*>(\d+)</a>', html)
        assert link
        assert int(link[2]) == number
        rows = client.get(link[1], headers={"HX-Request": "true"}).content.decode()
        assert rows.count("example.com") + rows.count("(763)") >= number
        assert client.get(link[1]).context["grid"].page.rows.__len__() == number


@pytest.mark.slow
def test_page_history_reports_and_api_name_the_same_final_figures(under_way, sender, signed_in):
    message = under_way()
    client = signed_in(sender)
    client.post(address(LOG, message, "cancel"))
    claimed = message.deliveries.get(status="in_progress")
    complete_cancel(message_id=message.pk)
    report_statuses(message_id=message.pk, reports=[StatusReport(delivery_id=claimed.pk, status="sent")])
    complete_cancel(message_id=message.pk)
    client.get(address(LOG, message))  # with the notice of the first moment

    text = page_text(client.get(address(LOG, message)))
    assert "Left 2 Hung up while ringing 0 Never started 2 Not to be tried 1 Certificate" in text
    assert f"The cancel was complete: {FIGURES}" in text
    assert "still under way" not in text
    message.refresh_from_db()
    assert [number for label, number in cancel_summary(message) if label.startswith("Canceled: ")] == list("2021")
