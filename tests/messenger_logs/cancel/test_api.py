import pytest

from tests.fixtures.cancel import ADMIN, LOG, UPCOMING, may_cancel
from tests.web.api.conftest import caller as caller

pytestmark = pytest.mark.django_db


@pytest.mark.slow
def test_it_cancels_once_and_tells_the_figures(caller, under_way):
    program = caller(*may_cancel(ADMIN), first_name="Tou", last_name="Lee")
    message = under_way()
    first = program.post(f"messages/{message.pk}/cancel/", {})
    assert first.status_code == 200
    data = first.json()
    assert data["result"] == "canceled"
    assert data["figures"] == {
        "devices": 5,
        "left": 2,
        "hung_up": 0,
        "never_started": 2,
        "not_tried": 1,
        "waiting": 2,
        "under_way": 1,
        "final": False,
        "contradicted": False,
    }
    assert program.get(f"messages/{message.pk}/").json()["cancel_figures"] == data["figures"]
    assert (data["status"], data["canceled_by"], data["cancel_completed_at"]) == ("canceled_ip", "Lee, Tou", None)
    again = program.post(f"messages/{message.pk}/cancel/", {})
    assert (again.status_code, again.json()["result"]) == (200, "already_canceled")
    assert again.json()["cancel_asked_at"] == data["cancel_asked_at"]


def test_a_finished_message_answers_409_in_words(caller, under_way):
    answer = caller(*may_cancel(ADMIN)).post(f"messages/{under_way(status='sent').pk}/cancel/", {})
    assert answer.status_code == 409
    assert answer.json()["detail"] == "Nothing was canceled: the message is finished (Sent)."


def test_not_seen_is_404_and_seen_without_the_right_403(caller, under_way):
    message = under_way()
    assert caller(*may_cancel(LOG, UPCOMING)).post(f"messages/{message.pk}/cancel/", {}).status_code == 404
    assert caller(*may_cancel(LOG), ADMIN).post(f"messages/{message.pk}/cancel/", {}).status_code == 403
    assert caller(ADMIN).post(f"messages/{message.pk}/cancel/", {}).status_code == 403
    message.refresh_from_db()
    assert message.status == "in_progress"
