"""The list of recipients of a message."""

import pytest

from accounts.models import AuditEvent
from messenger_logs.choices import DeliveryStatus, Mode, Outcome
from messenger_logs.services.addresses import read_device
from messenger_logs.statuses import STATUSES
from tests.listings.letter_log import Shown
from tests.messenger_logs.factories import make_delivery, make_message, make_recipient
from tests.web.sent_message_log.conftest import NOON, exported_rows, open_page

pytestmark = pytest.mark.django_db

ROOT = "/messenger-administration/sent-message-log/"


@pytest.fixture
def message():
    return make_message(modes=list(Mode))


@pytest.fixture
def address(message):
    return f"{ROOT}{message.pk}/recipients/"


def found(client, address, **search):
    """The recipients found by a search for people, which goes by POST."""
    response = client.post(address, search, headers={"HX-Request": "true"})
    return Shown(response).column(1)


def test_the_columns(administrator, address):
    headings = open_page(administrator, address).root.xpath("//thead/tr[1]/th")
    labels = [" ".join(heading.xpath("string(a | text()[normalize-space()][1])").split()) for heading in headings]
    assert labels == [
        "Recipient",
        "Student",
        "Delivery Mode",
        "Device",
        "Status",
        "Status Detail",
        "Time",
        "E-mail Provider Says",
    ]


def test_a_row_says_what_a_device_came_to(administrator, message, address):
    parent = make_recipient(message, name="Vang, Pa", student_name="Vang, Mai", student_number="4711")
    make_delivery(
        parent,
        mode=Mode.VOICE,
        address="+16125550100",
        status=DeliveryStatus.NOT_CONFIRMED,
        detail="Voicemail detected",
        last_attempt_at=NOON,
    )
    assert exported_rows(administrator, address) == [
        {
            "Recipient": "Vang, Pa",
            "Student": "Vang, Mai (4711)",
            "Delivery Mode": "Voice",
            "Device": "(612) 555-0100",
            "Status": "Not Confirmed",
            "Status Detail": "Voicemail detected",
            "Time": "11/20/2026 12:00 PM",
            "E-mail Provider Says": "",
        }
    ]


def test_an_email_shows_what_the_provider_finally_said_and_a_contradiction_is_flagged(administrator, message, address):
    for name, outcome in [("a", "failed-permanent"), ("b", "delivered"), ("c", ""), ("d", "brand-new")]:
        make_delivery(
            make_recipient(message, name=name), email_outcome=outcome, email_reason="550" if name == "a" else ""
        )
    assert open_page(administrator, address).column(8) == [
        "✕ Failed (permanent) ▲ Sent, but not delivered550",
        "✓ Delivered",
        "—",
        "○ brand-new",
    ]
    assert exported_rows(administrator, address)[0]["E-mail Provider Says"] == "Failed (permanent): 550"


@pytest.mark.parametrize("status", [status for status in DeliveryStatus if status != DeliveryStatus.NO_DEVICE])
def test_every_status_shows_its_word(administrator, message, address, status):
    mode = next(mode for mode in reversed(Mode) if status in STATUSES[mode])
    make_delivery(make_recipient(message), mode=mode, status=status)
    assert open_page(administrator, address).column(5)[0].endswith(str(status.label))


def test_somebody_without_a_device_has_a_row(administrator, message, address):
    make_delivery(make_recipient(message, name="Nobody, N"), address="")
    page = open_page(administrator, address)
    assert (page.column(1), page.column(4), page.column(5)) == (["Nobody, N"], ["—"], ["▲ No Device"])


def test_duplicates_carry_a_cross_that_is_explained_and_an_ampersand_in_csv(administrator, message, address):
    make_delivery(make_recipient(message, name="a"), address="one@example.com")
    assert "†" not in open_page(administrator, address).html
    make_delivery(make_recipient(message, name="b"), address="one@example.com")
    page = open_page(administrator, address)
    assert page.column(4) == ["one@example.com", "one@example.com †"]
    assert "† This address or number is in the message more than once" in page.message_text
    assert [row["Device"] for row in exported_rows(administrator, address)] == ["one@example.com", "one@example.com &"]


@pytest.mark.parametrize(
    "search",
    [
        {"recipient": "VANG"},
        {"student": "Mai"},
        {"student": "47"},
        {"device": "pa.vang@EX"},
        {"recipient": "va", "student": "mai"},
    ],
)
def test_it_is_searched_by_name_student_and_address(administrator, message, address, search):
    wanted = make_recipient(message, name="Vang, Pa", student_name="Vang, Mai", student_number="4711")
    make_delivery(wanted, address="pa.vang@example.com")
    make_delivery(make_recipient(message, name="Olson, Liv", student_name="Olson, Per", student_number="12"))
    assert found(administrator, address, **search) == ["Vang, Pa"]


@pytest.mark.parametrize("search", [{"recipient": "munoz"}, {"student": "nguyen"}, {"student": "NGUYỄN"}])
def test_it_is_searched_with_and_without_accents(administrator, message, address, search):
    make_delivery(make_recipient(message, name="Muñoz, Raúl", student_name="Nguyễn, Liên"))
    make_delivery(make_recipient(message, name="Olson, Liv", student_name="Olson, Per"))
    assert found(administrator, address, **search) == ["Muñoz, Raúl"]


def test_names_stand_in_one_order_with_and_without_accents(administrator, message, address):
    for name in ["Zuniga, A", "Álvarez, B", "olson, C", "Alvarez, A"]:
        make_delivery(make_recipient(message, name=name))
    assert open_page(administrator, address).column(1) == ["Alvarez, A", "Álvarez, B", "olson, C", "Zuniga, A"]


@pytest.mark.parametrize("number", ["+16125550100", "612-555-0100", "(612) 555-0100", "555 01", "5550100"])
def test_it_is_searched_by_number_in_any_writing(administrator, message, address, number):
    make_delivery(make_recipient(message, name="Vang, Pa"), mode=Mode.TEXT, address="+16125550100")
    make_delivery(make_recipient(message, name="Olson, Liv"), mode=Mode.TEXT, address="+16125559999")
    assert found(administrator, address, device=number) == ["Vang, Pa"]


@pytest.mark.parametrize("typed", ["555-0143", "555-0143 (Mom)", "(mom)", "612-555-0199", "n/a"])
def test_what_cannot_be_used_is_found_by_its_text(administrator, message, address, typed):
    for given in ["555-0143 (Mom)", "612-555-0199 / 651-555-0100 n/a"]:
        stored = read_device(Mode.TEXT, given, person_id=given)
        make_delivery(
            make_recipient(message, name=given), mode=Mode.TEXT, address=stored.canonical, given_address=stored.given
        )
    [shown] = found(administrator, address, device=typed)
    assert typed.lower() in shown.lower()


def test_a_search_stays_out_of_the_address(administrator, message, address):
    make_delivery(make_recipient(message, name="Vang, Pa"))
    response = administrator.post(address, {"recipient": "Vang"})
    assert response.status_code == 302
    assert "Vang" not in response["Location"]
    assert open_page(administrator, response["Location"]).column(1) == ["Vang, Pa"]
    assert "not read from an address" in open_page(administrator, address, recipient="Vang").message_text


@pytest.mark.parametrize(
    ("name", "value"), [("mode", "voice"), ("status", "busy"), ("outcome", "not_reached"), ("figure", "voice")]
)
def test_it_is_filtered_by_mode_status_outcome_and_figure(administrator, message, address, name, value):
    make_delivery(make_recipient(message, name="busy"), mode=Mode.VOICE, status=DeliveryStatus.BUSY)
    make_delivery(make_recipient(message, name="sent"))
    assert open_page(administrator, address, **{name: value}).column(1) == ["busy"]


@pytest.mark.parametrize(
    ("other", "people"),
    [
        ({}, ["Ann", "Ben", "Cy"]),
        ({"outcome": "error"}, ["Ann"]),
        ({"status": "confirmed"}, ["Ann", "Ben"]),
        ({"mode": "email"}, ["Cy"]),
        ({"mode": "voice"}, ["Ann", "Ben"]),
        ({"outcome": "success"}, ["Ann", "Ben", "Cy"]),
        ({"status": "busy"}, []),
    ],
)
def test_a_list_of_people_has_everybody_with_a_device_that_the_other_filters_find(
    administrator, message, address, other, people
):
    for name in ("Ann", "Ben"):
        person = make_recipient(message, name=name, person_id=name)
        make_delivery(person, mode=Mode.INBOX)
        make_delivery(person, mode=Mode.VOICE, status=DeliveryStatus.FAILED if name == "Ann" else "confirmed")
        for_another_student = make_recipient(message, name=name, person_id=name, student_name="Second")
        make_delivery(for_another_student, mode=Mode.VOICE, address="+16125550199", status="confirmed")
    make_delivery(make_recipient(message, name="Cy"))
    assert open_page(administrator, address, figure="recipients", **other).column(1) == people


@pytest.mark.slow
def test_a_list_of_people_is_searched_by_each_of_their_students(administrator, message, address):
    for student in ("Mai", "Tou"):
        make_delivery(make_recipient(message, name="Vang, Pa", person_id="1", student_name=student))
    for student in ("Mai", "Tou", "M", "a"):
        assert found(administrator, address, student=student, figure="recipients") == ["Vang, Pa"]


def test_the_outcomes_to_choose_from_are_all_there_are(administrator, address):
    options = open_page(administrator, address).texts("//select[@name='outcome']/option")
    assert options == ["all", *Outcome.labels]


@pytest.mark.parametrize("name", ["mode", "status", "outcome", "figure"])
def test_a_value_that_is_no_choice_is_told(administrator, address, name):
    assert "choose one of the list." in open_page(administrator, address, **{name: "snow"}).message_text


def test_the_rows_of_other_messages_are_not_among_them(administrator, message, address):
    make_delivery(make_recipient(message, name="mine"))
    make_delivery(make_recipient(make_message(), name="other"))
    assert open_page(administrator, address).column(1) == ["mine"]


@pytest.mark.parametrize("sort", ["recipient", "student", "mode", "device", "status", "detail"])
def test_it_sorts(administrator, message, address, sort):
    first = make_recipient(message, name="A", student_name="A")
    second = make_recipient(message, name="B", student_name="B")
    make_delivery(second, mode=Mode.VOICE, address="b", status=DeliveryStatus.FAILED, detail="b")
    make_delivery(first, mode=Mode.EMAIL, address="a", status=DeliveryStatus.CANCELED, detail="a")
    assert open_page(administrator, address, sort=sort).column(1) == ["A", "B"]
    assert open_page(administrator, address, sort=f"-{sort}").column(1) == ["B", "A"]


def test_the_title_leads_back(administrator, message, address):
    page = open_page(administrator, address)
    assert page.texts("//h1") == ["Recipients of Library Hours"]
    assert f"{ROOT}{message.pk}/" in page.root.xpath("//nav[@class='message-nav']/a/@href")
    assert ROOT in page.root.xpath("//p[@class='path']/a/@href")


def test_an_export_names_the_message_in_the_audit_trail(administrator, message, address):
    exported_rows(administrator, address)
    event = AuditEvent.objects.latest("pk")
    assert (event.action, event.target) == ("export.admin_sent_message_log", f"Recipients of message {message.pk}")


def test_a_search_for_a_person_is_not_kept_in_the_audit_trail(administrator, message, address):
    make_delivery(make_recipient(message, name="Vang, Pa"))
    location = administrator.post(address, {"recipient": "Vang"})["Location"]
    administrator.get(location + "&export=csv")
    assert "Vang" not in str(AuditEvent.objects.latest("pk").details)


def test_a_search_in_somebody_elses_message_is_not_there(signed_in, sender, message):
    response = signed_in(sender).post(f"/messenger/sent-message-log/{message.pk}/recipients/", {"recipient": "x"})
    assert response.status_code == 404


@pytest.mark.slow
def test_the_number_of_queries_does_not_grow(administrator, message, address, django_assert_max_num_queries):
    def queries():
        with django_assert_max_num_queries(30) as captured:
            open_page(administrator, address)
        return len(captured)

    make_delivery(make_recipient(message))
    queries()
    few = queries()
    for _ in range(20):
        make_delivery(make_recipient(message))
    assert queries() == few
