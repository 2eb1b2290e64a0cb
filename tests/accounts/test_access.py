import pytest

from accounts.access import tool_right
from accounts.tools import Right, Tool

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.web.guarded_urls")]

HTMX = {"HX-Request": "true", "HX-Current-URL": "http://testserver/class/?page=2"}


@pytest.mark.parametrize("address", ["/function/", "/class/"])
def test_the_signed_out_go_to_sign_in_and_come_back(client, address):
    response = client.get(address, {"a": "1"})
    assert (response.status_code, response["Location"]) == (302, f"/accounts/login/?next={address}%3Fa%3D1")


def test_what_was_posted_signed_out_does_not_come_back(client):
    assert client.post("/class/")["Location"] == "/accounts/login/?next=/"


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_fragment_leaves_for_the_whole_sign_in_page(client, method):
    response = getattr(client, method)("/class/", headers=HTMX)
    assert response["HX-Redirect"] == "/accounts/login/?next=/class/%3Fpage%3D2"
    assert b"<form" not in response.content
    assert "Location" not in response


def test_a_fragment_of_another_site_does_not_say_where_to_go(client):
    response = client.get("/class/", headers=HTMX | {"HX-Current-URL": "https://evil.example/"})
    assert response["HX-Redirect"] == "/accounts/login/?next=/"


def test_the_right_right_opens(make_user, signed_in):
    user = make_user((Tool.MAILGUN_SYNC, Right.WRITE), Tool.AUDIT_TRAIL, username="dexter")
    assert signed_in(user).get("/function/").content == b"hello dexter"
    assert signed_in(user).get("/class/").content == b"hello"
    assert signed_in(user).post("/class/").content == b"posted"


@pytest.mark.parametrize("method", ["get", "post"])
def test_another_right_does_not_open_and_the_page_names_the_one_that_is_missing(make_user, signed_in, method):
    client = signed_in(make_user(Tool.MAILGUN_SYNC))
    response = getattr(client, method)("/function/")
    assert response.status_code == 403
    assert "Messenger Administration &gt; System Health: Change (run, pause and backfill the sync" in response.text
    assert "<nav" in response.text


def test_a_fragment_is_refused_in_words_without_the_page_around_them(make_user, signed_in):
    response = signed_in(make_user()).get("/class/", headers=HTMX)
    assert response.status_code == 403
    assert "System Administration &gt; Audit Trail: See" in response.text
    assert "<html" not in response.text


def test_a_right_taken_away_is_gone_at_the_next_request(make_user, signed_in):
    user = make_user(Tool.AUDIT_TRAIL)
    client = signed_in(user)
    assert client.get("/class/").status_code == 200
    user.groups.clear()
    assert client.get("/class/").status_code == 403


def test_a_view_cannot_ask_for_a_right_that_its_tool_does_not_have():
    with pytest.raises(ValueError, match="has no right Change"):
        tool_right(Tool.AUDIT_TRAIL, Right.WRITE)


# What refusals and faults say


def test_an_address_that_is_none_says_so_in_words(client, make_user, signed_in):
    for visitor in (client, signed_in(make_user())):
        response = visitor.get("/no/such/page/")
        assert response.status_code == 404
        assert "There is nothing here" in response.text


def test_a_fault_of_ours_says_so_in_words_and_nothing_more(client):
    client.raise_request_exception = False
    response = client.get("/broken/")
    assert response.status_code == 500
    assert "Something went wrong here" in response.text
    assert "RuntimeError" not in response.text


def test_a_request_that_is_none_says_so_in_words(client):
    response = client.get("/", headers={"Host": "evil.example"})
    assert response.status_code == 400
    assert "This request was not understood" in response.text


def test_a_form_from_another_site_is_refused_in_words(make_user):
    from django.test import Client

    client = Client(enforce_csrf_checks=True)
    client.force_login(make_user())
    response = client.post("/accounts/logout/")
    assert response.status_code == 403
    assert "This was not sent" in response.text
