"""The search of the top bar: who finds which people and which messages by what is entered."""

import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import User
from accounts.tools import Right, Tool
from tests.examples import examples
from tests.messenger_logs.factories import make_delivery, make_message, make_recipient, make_school

pytestmark = pytest.mark.django_db

ADDRESS = "/search/"
V2 = Tool.SENT_MESSAGE_LOG_2
CLASSIC, ALL_CLASSIC = Tool.SENT_MESSAGE_LOG, Tool.ADMIN_SENT_MESSAGE_LOG
GENERAL = {"engine": "v2", "message_type": "Messenger 2.0 - General"}
EMERGENCY = {"engine": "v2", "message_type": "Messenger 2.0 - Emergency"}

MakeUser = Callable[..., User]
SignIn = Callable[[User], Client]


@pytest.fixture
def administrator(make_user: MakeUser, signed_in: SignIn) -> Client:
    """Somebody who sees everybody's classic messages and their recipients."""
    return signed_in(make_user(ALL_CLASSIC, Tool.ADMIN_RECIPIENT_LOG))


def find(client: Client, text: str) -> str:
    """The page that a search leads to."""
    response: HttpResponse = client.post(ADDRESS, {"person": text}, follow=True)
    assert response.status_code == 200
    return response.content.decode()


def page_text(html: str) -> str:
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))).strip()


def group(page: str, name: str) -> str:
    """What stands under the heading People or Messages; "" where the page has no such group."""
    return page.partition(f'aria-labelledby="{name.lower()}-heading"')[2].partition("</section>")[0]


def subjects(page: str) -> list[str]:
    return [unescape(text) for text in re.findall(r'<a href="[^"]+">([^<]+)</a>\s*<span', group(page, "Messages"))]


def people(page: str) -> list[str]:
    return re.findall(r'name="person" value="([^"]*)"', group(page, "People"))


# What is found


def test_a_message_is_found_by_a_part_of_its_subject_and_shown_with_its_status(administrator: Client) -> None:
    created = timezone.now() - timedelta(days=300)
    message = make_message(subject="Library Hours", status="error", sender_name="Vang, Mai", created_at=created)
    make_message(subject="Snow day")

    page = find(administrator, "rary hou")

    assert subjects(page) == ["Library Hours"]
    shown = group(page, "Messages")
    assert f'href="{reverse("web:admin_sent_message_log_message", args=[message.pk])}"' in shown
    assert "Error" in page_text(shown)
    assert "Message Builder, Vang, Mai" in page_text(shown)


@pytest.mark.parametrize(
    ("subject", "entered"),
    [
        ("Conférence des parents", "CONFERENCE des"),
        ("Ntawv rau niam txiv", "NTAWV RAU"),
        ("Thông báo nghỉ học", "thong bao nghi hoc"),
        ("Thong bao", "thông báo"),
        ("雪の日のお知らせ", "お知らせ"),
    ],
)
def test_subjects_are_found_in_any_case_with_and_without_their_accents(
    administrator: Client, subject: str, entered: str
) -> None:
    make_message(subject=subject)
    make_message(subject="Library Hours")

    assert subjects(find(administrator, entered)) == [subject]


@pytest.mark.parametrize("text", ["%%", "__", "Li_rary", "Library\\", "'; --"])
def test_a_search_matches_its_characters_and_no_patterns(administrator: Client, text: str) -> None:
    make_message(subject="Library Hours")

    assert subjects(find(administrator, text)) == []


@pytest.mark.slow
def test_a_message_is_found_by_its_number_and_by_the_id_of_another_system(administrator: Client) -> None:
    message = make_message(subject="Snow day", external_id="sis-2026-11")

    assert subjects(find(administrator, str(message.pk))) == ["Snow day"]
    assert subjects(find(administrator, " sis-2026-11 ")) == ["Snow day"]
    assert subjects(find(administrator, "sis-2026")) == [], "an id is the whole id"
    assert subjects(find(administrator, "9" * 30)) == []


def test_the_message_with_that_id_stands_before_those_with_the_number_in_their_subject(administrator: Client) -> None:
    make_message(pk=987_654, subject="Snow day", created_at=timezone.now() - timedelta(days=30))
    make_message(subject="Bus 987654 runs late")

    assert subjects(find(administrator, "987654")) == ["Snow day", "Bus 987654 runs late"]


def test_the_newest_come_first_and_more_than_fit_are_said_to_be_more(administrator: Client) -> None:
    for day in range(23):
        make_message(subject=f"Snow day {day}", created_at=timezone.now() - timedelta(days=day))

    page = find(administrator, "snow day")

    assert subjects(page) == [f"Snow day {day}" for day in range(20)]
    assert "These 20 fit best; more messages match" in page_text(page)
    assert f'href="{reverse("web:admin_sent_message_log")}"' in group(page, "Messages")


def test_messages_whose_whole_subject_it_is_stand_before_those_with_a_part_of_it(administrator: Client) -> None:
    now = timezone.now()
    for day, subject in enumerate(["Día de nieve 2", *["El DIA DE NIEVE"] * 20]):
        make_message(subject=subject, created_at=now - timedelta(days=day))
    for day, subject in enumerate(["dia de nieve", "DÍA DE NIEVE"], 60):
        make_message(subject=subject, created_at=now - timedelta(days=day))

    page = find(administrator, "Día de Nieve")

    assert subjects(page)[:4] == ["dia de nieve", "DÍA DE NIEVE", "Día de nieve 2", "El DIA DE NIEVE"]
    assert len(subjects(page)) == 20


def test_people_and_messages_stand_in_groups_of_their_own(administrator: Client) -> None:
    message = make_message(subject="Vang family night")
    for person_id, name in (("4711", "Vang, Mai"), ("4712", "Vang, Tou")):
        make_delivery(make_recipient(message, person_id=person_id, name=name))

    page = find(administrator, "vang")

    assert people(page) == ["4711", "4712"]
    assert subjects(page) == ["Vang family night"]
    assert f'action="{reverse("web:admin_recipient_log")}"' in group(page, "People")


@pytest.mark.slow
def test_more_people_than_fit_are_a_link_away_that_names_nobody(administrator: Client) -> None:
    message = make_message()
    for number in range(12):
        make_delivery(make_recipient(message, person_id=f"p{number}", name=f"Vang, {number:02}"))

    page = find(administrator, "vang")
    assert len(people(page)) == 10
    link = re.search(r'href="([^"]+\?find=[0-9a-f]+)"', group(page, "People"))
    assert link
    assert "12 people match “vang”" in administrator.get(link[1]).content.decode()


def test_the_only_person_is_shown_at_once_where_no_message_is_meant(administrator: Client) -> None:
    mai = make_recipient(make_message(), person_id="4711", name="Vang, Mai")
    make_delivery(mai, address="mai@example.com")

    response = administrator.post(ADDRESS, {"person": "mai@example.com"}, follow=True)

    assert response.redirect_chain[-1][0].startswith(f"{reverse('web:admin_recipient_log')}?find=")
    assert "Vang, Mai, person id 4711" in response.content.decode()


PERSON = {"person_id": "4711", "name": "Vang, Blia", "email": "blia.vang@example.com", "voice": "+16515550100"}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Vang, Blia", "Vang, Blia"),
        ("Vang, Blia", "blia vang"),
        ("Vang, Blia", "  VANG ,Blia "),
        ("Nguyễn, Liên", "nguyen lien"),
        ("王, 秀英", "王 秀英"),
        ("O'Brien-Lee, Zoë", "zoe O'brien-lee"),
        ("Vang, Blia", "4711"),
        ("Vang, Blia", "BLIA.vang@example.com"),
        ("Vang, Blia", "(651) 555-0100"),
        ("Vang, Blia", "+1 651 555 0100"),
    ],
)
def test_a_person_who_is_meant_exactly_is_opened_at_once(administrator: Client, name: str, text: str) -> None:
    family(PERSON | {"name": name})
    assert opened(administrator, text) == "4711"


@pytest.mark.parametrize(
    "text",
    [
        "Vang, Lia",
        "lia vang",
        "Vang",
        "Blia",
        "Vang, Blia B",
        "Van Gblia",
        "lia.vang@example.com",
        "blia.vang@example.co",
        "blia.vang@",
        "555-0100",
        "51 555-0100",
    ],
)
def test_a_text_that_is_only_a_part_of_one_person_opens_nobody(administrator: Client, text: str) -> None:
    family(PERSON)
    assert opened(administrator, text) is None
    assert people(find(administrator, text)) in (["4711"], []), "the person is offered, and not opened"


@pytest.mark.slow
def test_several_hits_are_listed_though_one_of_them_is_meant_exactly(administrator: Client) -> None:
    family(PERSON, {"person_id": "4712", "name": "Vang, Lia"})
    assert opened(administrator, "Vang, Lia") is None
    assert people(find(administrator, "Vang, Lia")) == ["4712", "4711"], "who is meant exactly stands first"
    family({"person_id": "4720", "name": "Her, Chue"}, {"person_id": "4721", "name": "Her, Chue"})
    assert people(find(administrator, "Her, Chue")) == ["4720", "4721"], "two people of one name"


@pytest.mark.slow
def test_a_student_is_found_by_name_and_number_and_stands_beside_the_family(administrator: Client) -> None:
    school = make_school("Washburn Middle")
    about = {"student_name": "Vang, Blia", "student_number": "100234", "student_school": school}
    make_recipient(make_message(), person_id="4711", name="Xiong, Chue", **about)

    for text in ("blia vang", "Blia", "100234"):
        page = find(administrator, text)
        assert people(page) == ["4711"], text
        assert "Xiong, Chue, person id 4711, about Vang, Blia (100234), Washburn Middle" in page_text(page)


def test_a_person_with_two_names_is_meant_by_each_of_them(administrator: Client) -> None:
    family(PERSON)
    family({"person_id": "4711", "name": "Vang-Lee, Blia"})
    assert opened(administrator, "Vang-Lee, Blia") == "4711"


@pytest.mark.slow
@examples(25)
@given(data=st.data())
def test_no_piece_of_a_name_opens_its_person(administrator: Client, data: Any) -> None:
    name = data.draw(st.sampled_from(["Vang, Blia", "Xiong, Pa Houa", "de la Cruz, María José", "Abdi, Ali"]))
    start = data.draw(st.integers(0, len(name) - 2))
    piece = name[start : data.draw(st.integers(start + 2, len(name)))]
    person_id = f"p{uuid4().hex}"
    family({"person_id": person_id, "name": f"{name} {person_id}"})
    assert opened(administrator, piece) is None


def family(*parents: dict[str, str]) -> None:
    """A message to these people. Each has an e-mail address, and some a number."""
    message = make_message(subject="?")
    for parent in parents:
        recipient = make_recipient(message, person_id=parent["person_id"], name=parent["name"])
        make_delivery(recipient, address=parent.get("email", f"{parent['person_id']}@example.com"))
        if "voice" in parent:
            make_delivery(recipient, mode="voice", address=parent["voice"])


def opened(client: Client, text: str) -> str | None:
    """The person id of the record that a search opens; None if it stays on the page of the search."""
    response: Any = client.post(ADDRESS, {"person": text}, follow=True)
    last: str = response.redirect_chain[-1][0]
    if not last.startswith(reverse("web:admin_recipient_log")):
        return None
    shown = re.search(r'id="person-([^"]+)" tabindex', response.content.decode())
    assert shown
    return shown[1]


def test_nothing_found_says_so_and_what_to_try(administrator: Client) -> None:
    text = page_text(find(administrator, "Nobody <b>"))

    assert "Nothing was found for “Nobody <b>”. Check the spelling" in text
    assert "No recipient whom you may see" in text
    assert "No message that you may see" in text


# Who finds what


@pytest.mark.slow
def test_own_messages_are_found_by_their_sender_alone(make_user: MakeUser, signed_in: SignIn) -> None:
    me, other = make_user(CLASSIC), make_user(CLASSIC)
    message = make_message(subject="Snow day", sender=me)

    page = find(signed_in(me), "snow")
    assert subjects(page) == ["Snow day"]
    assert f'href="{reverse("web:sent_message_log_message", args=[message.pk])}"' in page
    assert subjects(find(signed_in(other), "snow")) == []
    assert subjects(find(signed_in(other), str(message.pk))) == [], "nor by its id"


@pytest.mark.slow
def test_messages_of_2_0_are_found_by_my_all_and_the_rights_on_types(make_user: MakeUser, signed_in: SignIn) -> None:
    me = make_user(V2, (V2, Right.MY_MESSAGES), (V2, Right.TYPE_GENERAL))
    everything = make_user(V2, (V2, Right.ALL_MESSAGES), (V2, Right.TYPE_GENERAL), (V2, Right.TYPE_EMERGENCY))
    only_the_tool = make_user(V2)
    make_message(subject="Snow: mine", sender=me, **GENERAL)
    make_message(subject="Snow: emergency", sender=me, **EMERGENCY)
    make_message(subject="Snow: classic", sender=me)
    make_message(subject="Snow: another's", sender=only_the_tool, **GENERAL)

    assert subjects(find(signed_in(me), "snow")) == ["Snow: mine"]
    assert set(subjects(find(signed_in(everything), "snow"))) == {
        "Snow: mine",
        "Snow: emergency",
        "Snow: another's",
    }
    assert subjects(find(signed_in(only_the_tool), "snow")) == []


def test_both_logs_are_looked_in_and_each_message_opens_in_its_own(make_user: MakeUser, signed_in: SignIn) -> None:
    user = make_user(ALL_CLASSIC, V2, (V2, Right.ALL_MESSAGES), (V2, Right.TYPE_GENERAL))
    classic, v2 = make_message(subject="Snow, classic"), make_message(subject="Snow, 2.0", status="waiting", **GENERAL)

    page = find(signed_in(user), "snow")

    assert subjects(page) == ["Snow, 2.0", "Snow, classic"]
    assert f'href="{reverse("web:admin_sent_message_log_message", args=[classic.pk])}"' in page
    assert f'href="{reverse("web:sent_message_log_2_message", args=[v2.pk])}"' in page
    assert "SCHEDULED" in group(page, "Messages"), "in the words of its log"


def test_a_message_that_no_log_lists_yet_is_not_found(administrator: Client) -> None:
    make_message(subject="Snow day", listed_from=timezone.now() + timedelta(days=1))

    assert subjects(find(administrator, "snow")) == []


def test_without_a_log_no_messages_are_looked_for(make_user: MakeUser, signed_in: SignIn) -> None:
    make_message(subject="Snow day")
    client = signed_in(make_user(Tool.ADMIN_RECIPIENT_LOG, Tool.UPCOMING_MESSAGES))

    with CaptureQueriesContext(
        connection,
    ) as queries:
        page = find(client, "snow")

    assert group(page, "Messages") == ""
    assert "Snow day" not in page
    assert not [query["sql"] for query in queries if "subject" in query["sql"]]


def test_without_a_recipient_log_no_people_are_looked_for(make_user: MakeUser, signed_in: SignIn) -> None:
    make_delivery(make_recipient(make_message(subject="Vang night"), name="Vang, Mai"))

    page = find(signed_in(make_user(ALL_CLASSIC)), "vang")

    assert group(page, "People") == ""
    assert "Vang, Mai" not in page
    assert subjects(page) == ["Vang night"]


def test_people_of_other_peoples_messages_are_not_found_in_the_own_log(make_user: MakeUser, signed_in: SignIn) -> None:
    make_delivery(make_recipient(make_message(sender=make_user()), name="Vang, Mai"))

    assert people(find(signed_in(make_user(Tool.RECIPIENT_LOG)), "vang")) == []


def test_who_may_see_nothing_is_told_so(make_user: MakeUser, signed_in: SignIn) -> None:
    make_delivery(make_recipient(make_message(subject="Vang night"), name="Vang, Mai"))
    client = signed_in(make_user())

    assert "You may not search for anything yet" in page_text(client.get(ADDRESS).content.decode())
    assert "Vang night" not in find(client, "vang")


# How it is asked


def test_what_is_searched_for_is_in_no_address(administrator: Client) -> None:
    make_message(subject="Vang family night")

    response = administrator.post(ADDRESS, {"person": "Vang, Mai"})

    assert re.fullmatch(r"/search/\?find=[0-9a-f]+", response["Location"])
    assert "ound for" not in administrator.get(ADDRESS, {"person": "Vang"}).content.decode()


@pytest.mark.parametrize(
    ("entered", "told"),
    [
        ("", "Enter a person, message or address"),
        ("   ", "Enter a person, message or address"),
        ("x", "enter 2 letters or more"),
        ("x" * 201, "enter 200 characters at most"),
        ("a\x00b", "cannot be searched for"),
    ],
)
def test_what_cannot_be_searched_for_is_answered_in_words(administrator: Client, entered: str, told: str) -> None:
    assert told in page_text(find(administrator, entered))


def test_a_search_that_is_not_kept_any_more_says_so(administrator: Client) -> None:
    assert "not kept here any more" in page_text(administrator.get(ADDRESS, {"find": "0" * 16}).content.decode())


@pytest.mark.slow
def test_the_number_of_queries_does_not_grow_with_what_is_found(administrator: Client) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            find(administrator, "vang")
        return len(captured)

    for number in range(2):
        make_delivery(make_recipient(make_message(subject=f"Vang {number}"), name=f"Vang, {number}"))
    queries()  # the first search also writes its row of the audit trail
    few = queries()
    for number in range(20):
        make_delivery(make_recipient(make_message(subject=f"Vang {number}"), name=f"Vang, {number}"))
    assert queries() == few
