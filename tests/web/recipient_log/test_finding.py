"""Who is found by what is entered in the one search box."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from messenger_logs.choices import Mode
from messenger_logs.models import Recipient
from messenger_logs.people import find_people, phone_digits
from messenger_logs.services.addresses import read_device
from tests.messenger_logs.factories import make_delivery, make_message, make_recipient, make_school
from tests.web.recipient_log.conftest import ALL, NOON, choices, export, exported_rows, person_of, rows, search, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def devices(mai: Recipient) -> Recipient:
    make_delivery(mai, mode=Mode.EMAIL, address="mai.vang@example.com")
    make_delivery(mai, mode=Mode.VOICE, address="+16515550100")
    return mai


@pytest.mark.parametrize(
    "text",
    [
        "Vang, Mai",
        "mai vang",
        "VANG,mai",
        "4711",
        " 4711 ",
        "mai.vang@example.com",
        "MAI.VANG@EXAMPLE.COM",
        "(651) 555-0100",
        "651-555-0100",
        "651.555.0100",
        "6515550100",
        "+1 651 555 0100",
        "1 (651) 555-0100",
    ],
)
def test_a_person_is_found_by_name_person_id_email_and_phone(
    administrator: Client, devices: Recipient, text: str
) -> None:
    somebody = make_recipient(devices.message, person_id="47110", name="Yang, Lia")
    make_delivery(somebody, mode=Mode.VOICE, address="+16515559999")

    shown = search(administrator, text)

    assert person_of(shown)[0] == "4711"
    assert {row[4] for row in rows(shown)} == {"mai.vang@example.com", "(651) 555-0100"}, (
        "all devices, however it was found"
    )


@pytest.mark.parametrize(
    "text",
    [
        "Vang, Ma",
        "ai, vang",
        "VANG",
        "Vang, Tou",
        "vang@",
        "ai.vang@example.com",
        "mai.vang@example.co",
        "555-0100",
        "001 651 555 0100",
    ],
)
def test_one_person_who_has_the_text_as_a_part_is_offered_and_not_opened(
    administrator: Client, devices: Recipient, text: str
) -> None:
    shown = search(administrator, text)

    assert rows(shown) == [], "another family's record stays closed"
    assert f"One person matches “{text}” as a part of a name" in shown
    assert choices(shown) == [("4711", "Vang, Mai, person id 4711, about Vang, Tou")]
    assert "An export is of one person. Find the person first." in text_of(export(administrator, text))


def test_a_name_that_is_a_part_of_another_familys_name_opens_nobody(administrator: Client, mai: Recipient) -> None:
    make_delivery(make_recipient(mai.message, person_id="4720", name="Vang, Blia"))

    text = search(administrator, "Vang, Lia")

    assert rows(text) == []
    assert [person_id for person_id, _ in choices(text)] == ["4720"]
    assert person_of(search(administrator, "4720")) == ("4720", "Vang, Blia"), "what the choice posts"


@pytest.mark.parametrize(
    "name", ["Nguyễn, Liên", "Xiong, Pa Houa", "Warsame, Cabdi", "الأحمد، فاطمة", "王, 秀英", "O'Brien, Zoë"]
)
def test_names_in_any_script_are_found(administrator: Client, mai: Recipient, name: str) -> None:
    person = make_recipient(mai.message, person_id="12", name=name)
    make_delivery(person)

    assert person_of(search(administrator, name.upper())) == ("12", name)


@pytest.mark.parametrize(
    ("name", "entered"),
    [
        ("Nguyễn, Liên", "nguyen lien"),
        ("Muñoz, Raúl", "Munoz Raul"),
        ("Đỗ, Thủy", "do, thuy"),
        ("Sørensen, Zoë", "Sorensen Zoe"),
        ("Nguyen, Lien", "Nguyễn, Liên"),
        ("Nguyễn, Liên", "Nguye\u0302\u0303n Lien"),
    ],
)
def test_names_are_found_with_and_without_their_accents(
    administrator: Client, mai: Recipient, name: str, entered: str
) -> None:
    make_delivery(make_recipient(mai.message, person_id="12", name=name))

    assert person_of(search(administrator, entered)) == ("12", name)


@pytest.mark.parametrize(
    "typed", ["Mom@BÜCHER.example", "mom@xn--bcher-kva.example", "mom@bu\u0308cher.example", "mom@bücher.example\u200b"]
)
def test_a_mailbox_is_found_in_any_spelling_and_shown_as_it_was_given(
    administrator: Client, mai: Recipient, typed: str
) -> None:
    make_delivery(mai, address="mom@bücher.example", given_address="Mom@xn--bcher-kva.example")

    assert "Mom@xn--bcher-kva.example" in search(administrator, typed)


@pytest.mark.parametrize(
    "typed", ["+52 1 55 5555 0100", "+5215555550100", "\u202a+525555550100\u202c", "+525555550100 Mom"]
)
def test_a_number_is_found_in_any_spelling(mai: Recipient, typed: str) -> None:
    make_delivery(mai, mode="text", address="+525555550100")

    assert [person.person_id for person in find_people(Recipient.objects.all(), typed, limit=5).people] == ["4711"]


@pytest.mark.parametrize(
    ("typed", "exactly"),
    [("555-0143", False), ("555-0143 (Mom)", True), ("555-0143 (mom", False), ("651-555-0199", False)],
)
def test_a_number_that_cannot_be_used_is_found_by_its_text(mai: Recipient, typed: str, exactly: bool) -> None:
    for given in ["555-0143 (Mom)", "612-555-0100 / 651-555-0199"]:
        stored = read_device(Mode.TEXT, given, person_id=mai.person_id)
        make_delivery(mai, mode=Mode.TEXT, address=stored.canonical, given_address=stored.given)

    [person] = find_people(Recipient.objects.all(), typed, limit=5).people

    assert (person.person_id, person.meant_exactly) == ("4711", exactly)


def test_nothing_is_shown_before_a_search_and_the_page_says_what_to_enter(
    administrator: Client, devices: Recipient
) -> None:
    text = text_of(administrator.get(reverse(ALL)))

    assert rows(text) == []
    assert "name, person id, e-mail address or phone number" in text
    assert "No deliveries found" not in text
    assert "Vang" not in text


def test_several_people_are_named_and_one_of_them_is_chosen(administrator: Client, devices: Recipient) -> None:
    tou = make_recipient(devices.message, person_id="4712", name="Vang, Tou Ger", student_name="")
    make_delivery(tou, address="tou@example.com")

    text = search(administrator, "vang")

    assert "2 people match “vang”" in text
    assert choices(text) == [
        ("4711", "Vang, Mai, person id 4711, about Vang, Tou"),
        ("4712", "Vang, Tou Ger, person id 4712"),
    ]
    assert rows(text) == [], "whose messages they are is not known yet"
    assert [row[4] for row in rows(search(administrator, "4712"))] == ["tou@example.com"]


def test_a_shared_number_leads_to_all_who_share_it(administrator: Client, devices: Recipient) -> None:
    father = make_recipient(devices.message, person_id="4713", name="Her, Chue")
    make_delivery(father, mode=Mode.VOICE, address="+16515550100")

    assert [person_id for person_id, _ in choices(search(administrator, "651 555 0100"))] == ["4713", "4711"]


def test_more_people_than_fit_are_said_to_be_more(administrator: Client, mai: Recipient) -> None:
    for number in range(60):
        make_recipient(mai.message, person_id=f"p{number}", name=f"Vang, {number:02}")

    text = search(administrator, "vang")

    assert "More than 50 people match" in text
    assert len(choices(text)) == 50


def test_nobody_found_says_so(administrator: Client, devices: Recipient) -> None:
    text = search(administrator, "Nobody <b>")

    assert "Nobody was found for “Nobody &lt;b&gt;”" in text
    assert rows(text) == []


@pytest.mark.slow
def test_someone_whose_name_changed_is_one_person(administrator: Client, devices: Recipient) -> None:
    later = make_recipient(make_message(), person_id="4711", name="Vang-Lee, Mai", student_name="Vang, Lia")
    make_delivery(later)

    text = search(administrator, "vang")

    assert choices(text) == [("4711", "Vang-Lee, Mai, person id 4711, about Vang, Lia; Vang, Tou")]
    text = search(administrator, "Vang, Mai")
    assert "person id 4711, about Vang, Lia; Vang, Tou." in text
    for name in ("Vang, Mai", "Vang-Lee, Mai"):
        assert len(rows(search(administrator, name))) == 3


def test_a_person_id_is_not_taken_for_a_part_of_a_number(administrator: Client, devices: Recipient) -> None:
    student = make_recipient(devices.message, person_id="5550100", name="Lee, Kong")
    make_delivery(student)

    assert person_of(search(administrator, "5550100"))[0] == "5550100"


def test_a_person_outside_the_days_is_known_all_the_same(administrator: Client, mai: Recipient) -> None:
    old = make_recipient(make_message(created_at=NOON - timedelta(days=90)), person_id="1", name="Her, Blong")
    make_delivery(old)

    text = search(administrator, "Her, Blong")

    assert "Her, Blong, person id 1" in text
    assert "No deliveries found" in text
    assert len(rows(search(administrator, "Her, Blong", created_from="2026-08-01"))) == 1


@pytest.mark.parametrize("text", ["%", "__", "v_ng", "\\", "'; --", "Vang %"])
def test_a_search_matches_its_characters_and_no_patterns(mai: Recipient, text: str) -> None:
    assert find_people(Recipient.objects.all(), text, limit=5).people == []


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("(651) 555-0100", "6515550100"),
        ("+44 20 7946 0958", "442079460958"),
        ("020 7946 0958", "2079460958"),
        ("4711", ""),
        ("12th street 5550100", ""),
        ("-", ""),
        ("٦٥١٥٥٥٠١٠٠", ""),
    ],
)
def test_what_counts_as_a_phone_number(text: str, digits: str) -> None:
    assert phone_digits(text) == digits


def test_what_is_searched_for_is_in_no_address(administrator: Client, devices: Recipient) -> None:
    response = administrator.post(reverse(ALL), {"person": "mai.vang@example.com", "mode": "email"})

    query = response["Location"].partition("?")[2]
    assert "mode=email" in query
    assert "vang" not in query
    assert "not read from an address" in text_of(administrator.get(reverse(ALL), {"person": "4711"}))
    assert len(exported_rows(administrator, "mai.vang@example.com", mode="email")) == 1


# Students


@pytest.fixture
def families(mai: Recipient) -> None:
    """Two families with much the same names, and a boy in two schools of the district, one after the other."""
    high, middle = make_school("Harrison High"), make_school("Washburn Middle")
    for person_id, name, student, number, school in [
        ("4720", "Vang, Blia", "Vang, Lia", "100234", high),
        ("4721", "Xiong, Chue", "Vang, Lia", "100234", high),
        ("4722", "Vang, Lia", "Vang, Blia", "100999", middle),
        ("100234", "Lee, Kong", "Lee, Pa", "4711", None),
    ]:
        about = {"student_name": student, "student_number": number, "student_school": school}
        make_delivery(make_recipient(mai.message, person_id=person_id, name=name, **about))


def found(text: str, limit: int = 10) -> list[tuple[str, bool]]:
    people = find_people(Recipient.objects.all(), text, limit=limit).people
    return [(person.person_id, person.meant_exactly) for person in people]


@pytest.mark.slow
@pytest.mark.parametrize("text", ["Vang, Lia", "lia vang", "VANG LIA", "vang,lia"])
def test_who_is_meant_comes_first_then_the_family_of_a_student_who_is_then_others(families: None, text: str) -> None:
    assert found(text) == [("4722", True), ("4720", False), ("4721", False)]


def test_a_part_of_a_students_name_finds_the_family(families: None) -> None:
    assert found("vang l") == [("4720", False), ("4722", False), ("4721", False)]
    assert found("lee pa") == [("100234", False)]


@pytest.mark.slow
def test_a_students_number_finds_the_family_and_opens_nobody(administrator: Client, families: None) -> None:
    text = search(administrator, "100999")

    assert choices(text) == [
        ("4722", "Vang, Lia, person id 4722, about Vang, Blia (100999), Washburn Middle"),
    ]
    assert rows(text) == []
    assert "or as a student" in text
    assert found("10023") == [], "a number is the whole number"


def test_a_number_that_is_a_person_id_and_a_students_number_opens_the_person_and_offers_the_family(
    administrator: Client, families: None
) -> None:
    text = search(administrator, "100234")

    assert person_of(text) == ("100234", "Lee, Kong")
    assert "is also the number of a student" in text
    assert {person for person, _ in choices(text)} == {"4720", "4721"}
    assert person_of(search(administrator, "4721")) == ("4721", "Xiong, Chue"), "what the choice posts"


def test_a_student_is_named_once_with_the_newest_school(mai: Recipient, families: None) -> None:
    about = {"student_name": "Vang, Blia", "student_number": "100999", "student_school": make_school("Harrison High")}
    make_recipient(make_message(), person_id="4722", name="Vang, Lia", **about)
    [lia] = find_people(Recipient.objects.all(), "4722", limit=2).people
    assert [str(student) for student in lia.students] == ["Vang, Blia (100999), Harrison High"]


@pytest.mark.slow
def test_the_rows_of_a_family_have_the_student_and_the_school(administrator: Client, families: None) -> None:
    [row] = exported_rows(administrator, "4720")

    assert row["Student"] == "Vang, Lia (100234), Harrison High"
    assert "Vang, Lia (100234), Harrison High" in rows(search(administrator, "4720"))[0]
    assert exported_rows(administrator, "Lee, Kong")[0]["Student"] == "Lee, Pa (4711)"


def test_a_name_in_more_rows_than_are_looked_at_says_that_there_are_more(
    mai: Recipient, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        make_recipient(mai.message, person_id=f"p{number}", name=f"Vang, Lia {number}")
    make_recipient(mai.message, person_id="4722", name="Vang, Lia")
    everybody = Recipient.objects.all()
    assert not find_people(everybody, "Vang, Lia", limit=10).more
    assert find_people(everybody, "Vang, Lia", limit=5).more

    monkeypatch.setattr("messenger_logs.people.MOST_ROWS", 3)

    few = find_people(everybody, "Vang, Lia", limit=10)
    assert few.more
    assert few.only_one is None
    assert [person.person_id for person in few.people] == ["4722", "p0", "p1", "p2"], "the whole name is among them"


@pytest.mark.parametrize(
    ("name", "typed", "exactly"),
    [
        ("de la Cruz, María José", "maria jose de la cruz", True),
        ("de la Cruz, María José", "De La Cruz María José", True),
        ("de la Cruz,María José", "de la cruz maria jose", True),
        ("Xiong, Pa Houa", "pa houa xiong", True),
        ("Xiong, Pa Houa", "houa xiong", False),
        ("Cher", "cher", True),
        ("Vang, Lia", "Vang, Lia Vang", False),
        ("Vang, Lia", "Lia, Lia Vang", False),
    ],
)
def test_a_whole_name_is_one_in_any_order_of_its_two_parts(
    mai: Recipient, name: str, typed: str, exactly: bool
) -> None:
    make_recipient(mai.message, person_id="12", name=name)

    hits = dict(found(typed))

    assert hits.get("12", False) is exactly


def test_the_whole_name_of_a_student_of_another_senders_message_finds_nobody(
    families: None, make_user: Callable[..., User]
) -> None:
    mine = make_message(sender=make_user())
    make_recipient(mine, person_id="1", name="Her, Chue", student_name="Her, Tou")
    own = Recipient.objects.filter(message=mine)

    assert find_people(own, "vang", limit=5).people == []
    [person] = find_people(own, "Tou", limit=5).people
    assert str(person.students[0]) == "Her, Tou"


def test_the_queries_of_a_search_do_not_grow_with_the_people(mai: Recipient) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            found("vang", limit=50)
        return len(captured)

    few = queries()
    for number in range(30):
        make_recipient(mai.message, name=f"Vang, {number}", student_school=make_school(f"School {number}"))
    assert queries() == few <= 4
