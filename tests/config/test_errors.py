"""What is answered where no view does."""

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path

from config import urls

pytestmark = pytest.mark.django_db


def fails(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("snow")


class Failing:
    """The addresses of the product, and two that fail."""

    urlpatterns = [path("api/v1/fails/", fails), path("fails/", fails), *urls.urlpatterns]
    handler400, handler404, handler500 = urls.handler400, urls.handler404, urls.handler500


@pytest.fixture
def client(settings) -> Client:
    settings.ROOT_URLCONF = Failing
    return Client(raise_request_exception=False)


@pytest.mark.parametrize("address", ["/api/", "/api/v2/", "/api/v1/nothing/", "/api/v1/messages/x/"])
def test_an_unknown_address_of_the_api_is_told_in_json(client: Client, address: str) -> None:
    response = client.get(address)
    assert (response.status_code, response["Content-Type"]) == (404, "application/json")
    assert response.json() == {"detail": "There is nothing at this address."}


def test_a_fault_of_ours_is_told_to_programs_in_json_and_says_nothing_of_itself(client: Client) -> None:
    response = client.get("/api/v1/fails/")
    assert (response.status_code, response["Content-Type"]) == (500, "application/json")
    assert list(response.json()) == ["detail"]
    assert "snow" not in response.text


def test_people_get_pages(client: Client) -> None:
    assert "There is nothing here" in client.get("/nothing/").text
    response = client.get("/fails/")
    assert response.status_code == 500
    assert "Something went wrong here" in response.text
    assert "snow" not in response.text


def test_a_request_of_no_sense_is_told_to_programs_in_json(client: Client) -> None:
    response = client.get("/api/v1/messages/", headers={"Host": "elsewhere.example"})
    assert (response.status_code, list(response.json())) == (400, ["detail"])
    assert "was not understood" in client.get("/", headers={"Host": "elsewhere.example"}).text


# Addresses without their last slash


@pytest.mark.parametrize("path", ["/api/v1/messages", "/api/v1/messages/7/cancel", "/search", "/my-reports/7/cancel"])
def test_what_is_posted_without_the_last_slash_is_posted_again_with_it(client: Client, path: str) -> None:
    response = client.post(f"{path}?a=1")
    assert (response.status_code, response["Location"]) == (308, f"{path}/?a=1")
    assert client.get(path).status_code == 301


def test_what_is_posted_over_http_is_posted_again_over_https(client: Client, settings) -> None:
    settings.SECURE_SSL_REDIRECT = True
    response = client.post("/api/v1/messages/")
    assert (response.status_code, response["Location"]) == (308, "https://testserver/api/v1/messages/")


# Addresses that take another method


def test_an_address_that_only_takes_what_is_posted_has_a_page_that_says_so(make_user, signed_in) -> None:
    client = signed_in(make_user())
    for address in ("/my-reports/7/cancel/", "/voxology/x/texts/", "/system-administration/user-groups/new/"):
        response = client.get(address)
        assert (response.status_code, response["Allow"]) == (405, "POST")
        assert "This is not a page" in response.text
        assert "<nav" in response.text, "with the menu"
        fragment = client.get(address, headers={"HX-Request": "true"})
        assert fragment.status_code == 405
        assert "<html" not in fragment.text
        assert "button" in fragment.text


def test_an_address_that_can_only_be_read_says_so(make_user, signed_in) -> None:
    client = signed_in(make_user())
    page = client.delete("/")
    assert (page.status_code, page["Allow"]) == (405, "GET, HEAD")
    assert "can only be read" in page.text
    response = client.post("/api/v1/")
    assert (response.status_code, response["Allow"]) == (405, "GET, HEAD")
    assert response.json()["detail"] == "This address takes GET, HEAD, and not POST. Nothing was done."
