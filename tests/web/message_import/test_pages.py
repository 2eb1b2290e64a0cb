"""Message Import: the way of a person from a file to messages."""

from datetime import date

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils.timezone import localdate

from imports import tasks
from imports.models import ImportJob, KeptMap
from messenger_logs.models import Delivery, SentMessage
from tests.queue import do_at_once

pytestmark = pytest.mark.django_db(transaction=True)

PAGE = "/messenger-administration/message-import/"
FILE = "My system\nParent;E-mail;Sent\nVang, Mai;mai@example.org;20/11/2026 8:05\nHoa;no address;\n"


@pytest.fixture
def client(make_user, signed_in, settings, tmp_path, monkeypatch):
    settings.REPORT_FOLDER = tmp_path
    settings.TIME_ZONE = "America/Chicago"
    do_at_once(monkeypatch, tasks.run)
    return signed_in(make_user(groups=["System Administrators"]))


@pytest.mark.slow
def test_a_new_system_from_its_file_to_messages(client):
    form = {"file": SimpleUploadedFile("mine.csv", FILE.encode("cp1252")), "map": "", "value_subject": "Snow day"}
    answer = client.post(f"{PAGE}upload/", form)
    job = ImportJob.objects.get()
    assert answer["Location"] == f"{PAGE}{job.pk}/map/"

    page = client.get(answer["Location"]).text
    assert "Parent" in page
    columns = {"column_0": "name", "column_1": "device", "column_2": "time"}
    values = {"value_engine": "classic", "value_message_type": "Attendance", "value_sender_name": "Office"}
    answer = client.post(f"{PAGE}{job.pk}/map/", {"name": "Ours", "date_order": "dmy", **columns, **values})
    assert answer["Location"] == f"{PAGE}{job.pk}/"
    assert KeptMap.objects.get().columns == {"name": "Parent", "device": "E-mail", "time": "Sent"}

    page = client.get(f"{PAGE}{job.pk}/").text
    assert "What would be refused" in page
    assert "says no mode: Inbox, Email, Voice or Text" in page

    client.post(f"{PAGE}{job.pk}/check/", {"map": "Ours", "value_subject": "Snow day", "value_mode": "Email"})
    page = client.get(f"{PAGE}{job.pk}/").text
    for text in ("Checked: nothing is stored yet", "Vang, Mai", "11/20/2026 8:05 AM", "Import 1 message"):
        assert text in page
    assert not SentMessage.objects.exists()

    client.post(f"{PAGE}{job.pk}/start/")
    assert "Imported" in client.get(f"{PAGE}{job.pk}/").text
    assert list(Delivery.objects.order_by("pk").values_list("status", flat=True)) == ["waiting", "error"]

    listed = client.get(PAGE, headers={"HX-Request": "true"}).text
    assert "mine.csv" in listed
    assert "<html" not in listed
    client.post(f"{PAGE}{job.pk}/remove/")
    assert "No files." in client.get(PAGE).text


def test_what_is_wrong_with_the_form_is_said_beside_it(client):
    answer = client.post(f"{PAGE}upload/", {"map": "recipients", "value_created_at": "soon"})
    assert answer.status_code == 400
    assert "Choose a file." in answer.text
    assert "This is not a time such as" in answer.text


# What a file and its map do not say.
REST = {"engine": "classic", "message_type": "Attendance", "sender_name": "Office", "subject": "Snow day"}
COLUMNS = {"name": "Parent", "device": "E-mail"}


@pytest.fixture
def upload(client):
    """Uploads the file above with a map, and with a Date Created. Returns the answer."""

    def post(map_name, created_at):
        file = SimpleUploadedFile("mine.csv", FILE.encode("cp1252"))
        return client.post(f"{PAGE}upload/", {"file": file, "map": map_name, "value_created_at": created_at})

    return post


@pytest.mark.parametrize(
    ("order", "given", "day"),
    [
        ("dmy", "20/11/2026", date(2026, 11, 20)),
        ("dmy", "05/11/2026", date(2026, 11, 5)),
        ("mdy", "11/05/2026", date(2026, 11, 5)),
        ("dmy", "2026-11-05", date(2026, 11, 5)),
    ],
)
def test_a_time_is_read_in_the_order_of_the_chosen_map(client, upload, order, given, day):
    KeptMap.objects.create(name="Ours", columns=COLUMNS, values=REST | {"mode": "Email"}, date_order=order)
    answer = upload("Ours", given)
    job = ImportJob.objects.get()
    assert answer["Location"] == f"{PAGE}{job.pk}/"

    client.post(f"{PAGE}{job.pk}/check/", {"map": "Ours", "value_created_at": given})
    client.post(f"{PAGE}{job.pk}/start/")

    assert localdate(SentMessage.objects.get().created_at) == day


@pytest.mark.parametrize(("order", "given"), [("dmy", "11/20/2026"), ("mdy", "20/11/2026")])
def test_a_time_that_the_chosen_map_cannot_read_is_refused_beside_its_field(client, upload, order, given):
    KeptMap.objects.create(name="Ours", columns=COLUMNS, values=REST, date_order=order)
    answer = upload("Ours", given)
    assert answer.status_code == 400
    assert "This has no such day or hour" in answer.text
    assert not ImportJob.objects.exists()


def test_a_new_map_says_the_order_of_the_times_that_came_with_the_file(client, upload):
    assert upload("", "31/31/2026").status_code == 400
    page = upload("", "20/11/2026")["Location"]
    form = {"name": "Ours", "column_0": "name", **{f"value_{name}": text for name, text in REST.items()}}

    refused = client.post(page, form | {"date_order": "mdy"})
    assert "Date Created, given with the file, has no such day or hour" in refused.text
    assert not KeptMap.objects.exists()

    client.post(page, form | {"date_order": "dmy"})
    assert KeptMap.objects.get().date_order == "dmy"


@pytest.mark.slow
def test_the_menu_leads_there(client):
    assert f'href="{PAGE}"' in client.get("/").text
