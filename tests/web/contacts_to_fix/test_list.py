"""Contacts to Fix: the lists, the page of a contact, and the API."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEvent, User
from accounts.services import issue_token
from accounts.tools import Right, Tool
from listings.exports import exported_columns, exported_rows
from listings.registry import registry
from mailgun_sync.models import SendingDomain, Suppression
from mailgun_sync.services.suppressions import read_suppressions, settle_mailboxes
from messenger_logs.models import ContactToFix, Delivery, School
from messenger_logs.services.contacts import note_contacts
from messenger_logs.services.derive_contacts import derive_contacts
from sandbox.server import Sandbox
from tests.messenger_logs.factories import make_delivery, make_message, make_recipient, make_school

pytestmark = pytest.mark.django_db

MakeUser = Callable[..., User]
OWN, ALL = Tool.CONTACTS_TO_FIX, Tool.ADMIN_CONTACTS_TO_FIX
MAIL = "mai@example.com"


def fails(sender: User | None = None, *, school: str | None = "Harrison High", **fields: Any) -> Delivery:
    """A delivery that failed for good, and its contact. Fields of a recipient begin with "of_"."""
    about = {name.removeprefix("of_"): fields.pop(name) for name in list(fields) if name.startswith("of_")}
    created = fields.pop("created_at", timezone.now() - timedelta(hours=1))
    recipient = make_recipient(make_message(sender=sender, school=school, created_at=created), **about)
    fields = {"address": MAIL, "email_outcome": "failed-permanent", "last_attempt_at": created} | fields
    delivery = make_delivery(recipient, **fields)
    note_contacts(deliveries=[delivery.pk])
    derive_contacts()
    return delivery


def listing(user: User, tool: Tool = ALL, **values: str) -> Any:
    return registry[tool.name.lower()].open(user, values)


def shown(user: User, tool: Tool = ALL, **values: str) -> list[str]:
    opened = listing(user, tool, **values)
    opened.fetch()
    assert opened.errors == []
    return [row.display_address for row in opened.page.rows]


def exported(user: User, tool: Tool = ALL, **values: str) -> list[dict[str, str]]:
    opened = listing(user, tool, **values)
    names = [str(column.header) for column in exported_columns(opened.table)]
    return [dict(zip(names, row, strict=True)) for row in exported_rows(opened.export_queryset(), opened.table)]


def test_a_row_has_all_that_the_office_needs(make_user: MakeUser) -> None:
    oak = make_school("Oak Middle")
    when = timezone.now() - timedelta(days=2)
    student = {"of_person_id": "7", "of_name": "Vang, Mai", "of_student_name": "Vang, Lia", "of_student_school": oak}
    fails(email_reason="550 5.1.1 nobody here", created_at=when, **student)
    fails(created_at=when, **student | {"of_student_name": "Vang, Kou"}, email_reason="550 5.1.1 nobody here")
    fails(
        created_at=when, of_person_id="8", of_name="Vang, Mai", of_student_name="", email_reason="550 5.1.1 nobody here"
    )
    (row,) = exported(make_user(ALL))
    assert row["Address or Number"] == MAIL
    assert row["Delivery Mode"] == "Email"
    assert row["Problem"] == "No such mailbox: 550 5.1.1 nobody here"
    assert row["Person (Students)"] == "Vang, Mai; Vang, Mai (Vang, Kou; Vang, Lia)"
    assert row["School"] == "Harrison High, Oak Middle"
    assert row["What to Do"].startswith("Compare the spelling")
    assert row["State"] == "Open"
    assert row["Since"] == row["Last Tried"] != ""


def test_the_code_of_an_email_only_says_that_it_left(make_user: MakeUser) -> None:
    fails(email_reason="550 5.1.1 nobody here", code=-29)
    fails(address="+16125550143", mode="text", status="undelivered", email_outcome="", code=-40)
    assert sorted(row["Problem"] for row in exported(make_user(ALL))) == [
        "Landline texted: code -40: SMS Undelivered",
        "No such mailbox: 550 5.1.1 nobody here",
    ]


def test_who_got_it_from_several_senders_is_listed_once(
    make_user: MakeUser, signed_in: Callable[[User], Client]
) -> None:
    for sender in (make_user(OWN), make_user(OWN)):
        for school in ("Harrison High", "Oak Middle"):
            fails(sender, of_person_id="7", of_name="Vang, Mai", of_student_name="Vang, Lia", school=school)
    shown = page(signed_in(make_user(ALL))).content.decode()
    assert shown.count('<th scope="row">Vang, Mai</th>') == 2, "one for each school"


def test_the_filters(make_user: MakeUser) -> None:
    user = make_user(ALL)
    fails(of_name="Vang, Mai", of_student_name="Vảng, Lia", school="Oak Middle")
    fails(address="+16125550143", mode="text", status="opt_out", email_outcome="", of_name="Her, Blong")
    fixed = fails(address="xiong@example.com")
    ContactToFix.objects.filter(address=fixed.address).update(handled_as="fixed", handled_at=timezone.now())
    both = [MAIL, "+16125550143"]
    assert sorted(shown(user)) == sorted(both)
    assert shown(user, which="fixed") == ["xiong@example.com"]
    assert len(shown(user, which="all")) == 3
    assert shown(user, mode="text") == ["+16125550143"]
    assert shown(user, problem="opted_out") == ["+16125550143"]
    assert shown(user, device="(612) 555-0143") == ["+16125550143"]
    assert shown(user, people="vang, lia") == shown(user, people="VANG, MAI") == [MAIL]
    assert shown(user, school="Oak Middle") == [MAIL]
    assert [row["School"] for row in exported(user, school="Oak Middle")] == ["Oak Middle"]


def test_nothing_of_another_sender_shows_in_the_own_list(make_user: MakeUser) -> None:
    sender, other = make_user(OWN), make_user(OWN)
    fails(sender, of_name="Vang, Mai", school="Harrison High")
    fails(other, of_name="Her, Blong", school="Oak Middle")
    assert [row["Person (Students)"].split(" (")[0] for row in exported(sender, OWN)] == ["Vang, Mai"]
    assert [row["School"] for row in exported(sender, OWN)] == ["Harrison High"]
    assert shown(sender, OWN, people="Blong") == shown(sender, OWN, school="Oak Middle") == []
    opened = listing(sender, OWN)
    opened.fetch()
    offered = [value for value, _ in opened.filterset.form.fields["school"].widget.choices]
    assert offered == ["", "Harrison High"]
    assert shown(make_user(OWN), OWN) == []


def test_the_queries_do_not_grow_with_the_rows(make_user: MakeUser) -> None:
    user = make_user(ALL)

    def count() -> int:
        user_again = User.objects.get(pk=user.pk)
        with CaptureQueriesContext(connection) as captured:
            shown(user_again)
        return len(captured)

    fails(of_name="Vang, Mai")
    count()  # The first look is a row of the audit trail.
    few = count()
    for number in range(8):
        fails(address=f"family{number}@example.com", school=f"School {number}")
    assert count() == few


# The page of a contact


def page(client: Client, tool: Tool = ALL, part: str = "", **form: str) -> Any:
    name = f"web:{tool.name.lower()}_contact" + (f"_{part}" if part else "")
    url = reverse(name, args=[ContactToFix.objects.get().pk])
    return client.post(url, form, follow=True) if part else client.get(url)


def test_the_page_says_why_whose_and_what_to_do(make_user: MakeUser, signed_in) -> None:
    user = make_user(ALL)
    fails(email_reason="550 5.1.1 nobody here", of_person_id="7", of_name="Vang, Mai", of_student_name="Vang, Lia")
    text = page(signed_in(user)).text
    for words in ("No such mailbox", "550 5.1.1 nobody here", "Vang, Mai", "Vang, Lia", "What to do", "Harrison High"):
        assert words in text
    assert "The family was told" not in text, "without W nothing can be changed"
    look = AuditEvent.objects.get(action="contact.viewed")
    assert look.details["people"] == ["7"]


def test_a_stop_says_that_only_the_family_can_lift_it(make_user: MakeUser, signed_in) -> None:
    fails(address="+16125550143", mode="text", status="opt_out", email_outcome="")
    client = signed_in(make_user(ALL, (ALL, Right.WRITE)))
    text = page(client).text
    assert "START" in text
    assert "Allow again" not in text
    assert "on no list" in page(client, part="allow").text


def test_who_may_write_says_what_was_done(make_user: MakeUser, signed_in) -> None:
    client = signed_in(make_user(ALL, (ALL, Right.WRITE), last_name="Lee", first_name="Joua"))
    fails()
    text = page(client, part="state", state="told").text
    assert "“Family told” now" in text
    assert "Lee, Joua, " in text
    assert page(client, part="state", state="gone").status_code == 400
    note_contacts(deliveries=[make_delivered().pk])
    derive_contacts()
    assert "stays “Fixed”" in page(client, part="state", state="open").text


def make_delivered() -> Delivery:
    return make_delivery(
        make_recipient(make_message()), address=MAIL, email_outcome="delivered", last_attempt_at=timezone.now()
    )


@pytest.fixture
def provider(sandbox: Sandbox, settings: Any) -> Sandbox:
    settings.MAILGUN_API_BASE, settings.MAILGUN_API_KEY = sandbox.url, sandbox.api_key
    settings.MAILGUN_DOMAINS = [sandbox.domain]
    return sandbox


def complain(provider: Sandbox) -> SendingDomain:
    domain = SendingDomain.objects.get_or_create(name=provider.domain)[0]
    provider.suppress("complaints", {"address": MAIL, "created_at": "Thu, 11 Dec 2025 01:49:40 UTC"})
    read_suppressions(domain_id=domain.pk)
    derive_contacts()
    return domain


@pytest.mark.slow
def test_allow_again_wants_a_reason_for_a_complaint_and_shows_that_the_provider_did_it(
    make_user: MakeUser, signed_in, provider: Sandbox
) -> None:
    domain = complain(provider)
    client = signed_in(make_user(ALL, (ALL, Right.WRITE)))
    assert "required" in page(client).text
    assert "Say why" in page(client, part="allow").text
    assert provider.suppressions[provider.domain].get("complaints", MAIL)
    text = page(client, part="allow", why="Grandmother pressed it").text
    assert "Spam complaint has been removed" in text
    assert "Grandmother pressed it" in text
    assert provider.suppressions[provider.domain].get("complaints", MAIL) is None
    read_suppressions(domain_id=domain.pk)
    assert "does not have it any more" in page(client).text


def test_allow_again_needs_the_right_of_the_tool_that_shows_the_contact(
    make_user: MakeUser, signed_in, provider: Sandbox
) -> None:
    complain(provider)
    assert page(signed_in(make_user(ALL)), part="allow", why="x").status_code == 403
    assert page(signed_in(make_user(OWN, (OWN, Right.WRITE))), OWN, part="allow", why="x").status_code == 404
    assert provider.suppressions[provider.domain].get("complaints", MAIL)


# The API


def ask(user: User, name: str, body: dict[str, Any] | None = None, **kwargs: Any) -> Any:
    query = kwargs.pop("query", "")
    headers = {"Authorization": f"Token {issue_token(user=user)[0]}"}
    address = reverse(f"api:{name}", kwargs=kwargs) + query
    method = "GET" if body is None else "POST"
    text = "" if body is None else json.dumps(body)
    return Client().generic(method, address, text, content_type="application/json", headers=headers)


def test_the_api_lists_contacts_and_takes_what_was_done(make_user: MakeUser) -> None:
    sender = make_user(OWN, (OWN, Right.WRITE))
    fails(sender, of_person_id="7", of_name="Vang, Mai", email_reason="550 5.1.1 nobody here")
    fails(make_user(), of_person_id="8", of_name="Her, Blong", email_reason="550 5.1.1 nobody here")
    (found,) = ask(sender, "contacts", query="?log=own").json()["results"]
    assert (found["address"], found["problem"], found["state"], found["state_by"]) == (MAIL, "no_mailbox", "open", "")
    assert [person["name"] for person in found["people"]] == ["Vang, Mai"]
    answer = ask(sender, "contact_state", {"state": "told"}, pk=found["id"]).json()
    assert (answer["state"], answer["state_by"]) == ("told", sender.listed_name)
    assert ask(sender, "contact_state", {"state": "gone"}, pk=found["id"]).status_code == 400
    assert (
        ask(make_user(OWN, (OWN, Right.WRITE)), "contact_state", {"state": "told"}, pk=found["id"]).status_code == 404
    )


def test_the_api_allows_again(make_user: MakeUser, provider: Sandbox) -> None:
    complain(provider)
    user, pk = make_user(ALL, (ALL, Right.WRITE)), ContactToFix.objects.get().pk
    assert ask(user, "contact_allow_again", {}, pk=pk).json()["errors"][0]["field"] == "why"
    answer = ask(user, "contact_allow_again", {"why": "They asked for it"}, pk=pk).json()
    assert [(one["list"], one["done"]) for one in answer["lists"]] == [("complaints", True)]
    assert answer["state"] == "fixed"


# Beside the deliveries of a message and of a person


@pytest.mark.parametrize("told", [False, True])
def test_the_device_of_a_delivery_says_what_is_wrong_with_it_today(make_user: MakeUser, told: bool) -> None:
    user = make_user(Tool.ADMIN_SENT_MESSAGE_LOG, Tool.ADMIN_RECIPIENT_LOG, ALL)
    before = make_delivery(make_recipient(make_message(), person_id="7", name="Vang, Mai"), address=MAIL)
    fails()
    if told:
        ContactToFix.objects.update(handled_as="told", handled_at=timezone.now())
    recipients = registry["admin_sent_message_log_message_recipients"].open(user, {}, {"pk": before.message_id})
    person = registry["admin_recipient_log"].open(user, {"person": "7"})
    for opened in (recipients, person):
        opened.fetch()
        (row,) = opened.page.rows
        cell = str(opened.table.render_device(row))
        assert "Bounced since" in cell
        assert ("family told" in cell) is told
        assert reverse("web:admin_contacts_to_fix_contact", args=[ContactToFix.objects.get().pk]) in cell


def test_a_person_without_the_right_reads_it_without_a_link(make_user: MakeUser) -> None:
    user = make_user(Tool.ADMIN_SENT_MESSAGE_LOG)
    failed = fails()
    opened = registry["admin_sent_message_log_message_recipients"].open(user, {}, {"pk": failed.message_id})
    opened.fetch()
    cell = str(opened.table.render_device(opened.page.rows[0]))
    assert "Bounced since" in cell
    assert "<a" not in cell


def test_an_address_that_nobody_here_has_is_a_contact_of_nobody(make_user: MakeUser) -> None:
    domain = SendingDomain.objects.create(name="mg.example.org")
    Suppression.objects.create(domain=domain, list="bounces", key=MAIL, address=MAIL, mailbox=MAIL, raw="{}")
    settle_mailboxes([MAIL])
    derive_contacts()
    (row,) = exported(make_user(ALL))
    assert (row["Person (Students)"], row["School"], row["Last Tried"]) == ("", "", "")
    assert not School.objects.exists()


def test_the_chart_has_what_began_to_fail_on_each_day_of_those_whom_the_list_shows(make_user: MakeUser) -> None:
    sender = make_user(OWN)
    for days, of in ((0, sender), (0, None), (3, sender), (40, sender)):
        fails(of, address=f"{days}-{of}@example.com", created_at=timezone.now() - timedelta(days=days, minutes=1))
    everybody, own = listing(make_user(ALL)), listing(User.objects.get(pk=sender.pk), OWN)
    for opened, totals in ((everybody, [1, 2]), (own, [1, 1])):
        opened.fetch()
        assert [part.word for part in opened.chart.parts] == ["Bounced"]
        assert [count for count in opened.chart.parts[0].counts if count] == totals
        assert len(opened.chart.columns) == 30
    nothing = listing(make_user(ALL), mode="text")
    nothing.fetch()
    assert nothing.chart is None
