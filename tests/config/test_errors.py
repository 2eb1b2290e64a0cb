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
    handler404, handler500 = urls.handler404, urls.handler500


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
