import pytest
from django.core.management import call_command
from django.test import Client

from accounts.tools import Tool

pytestmark = pytest.mark.django_db


@pytest.mark.slow
def test_the_schema_is_valid_and_complete(tmp_path):
    call_command("spectacular", validate=True, fail_on_warn=True, file=str(tmp_path / "schema.yaml"))


@pytest.mark.slow
def test_the_page_names_every_address_and_has_no_script_of_its_own(make_user, signed_in):
    client = signed_in(make_user())
    page = client.get("/api/v1/").content.decode()
    paths = client.get("/api/v1/openapi.json").json()["paths"]
    assert len(paths) > 8
    for path in paths:
        assert path in page
    assert "https://" not in page
    assert page.count("<script") == client.get("/accounts/password/change/").content.decode().count("<script")


@pytest.mark.slow
def test_a_token_reads_the_schema(caller):
    assert caller(Tool.SENT_MESSAGE_LOG).get("openapi.json").json()["info"]["title"] == "Messenger Logs"


def test_every_operation_declares_that_the_database_may_be_away(caller):
    paths = caller(Tool.SENT_MESSAGE_LOG).get("openapi.json").json()["paths"]
    operations = {(path, method): one for path, of in paths.items() for method, one in of.items() if "responses" in one}
    assert len(operations) > 10
    assert [name for name, one in operations.items() if "503" not in one["responses"]] == []


def test_nobody_else_reads_it():
    assert Client().get("/api/v1/openapi.json").status_code == 401
