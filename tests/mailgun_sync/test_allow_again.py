"""*Allow again*: Mailgun takes an address off its lists, and the next reading proves it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from accounts.models import AuditEvent, User
from mailgun_sync.models import Removal, SendingDomain, Suppression
from mailgun_sync.services import suppressions
from mailgun_sync.services.allow_again import ReasonMissingError, allow_again
from mailgun_sync.services.suppressions import read_suppressions
from messenger_logs.models import ContactToFix
from messenger_logs.services.derive_contacts import derive_contacts
from sandbox.server import Sandbox
from web.contact_texts import removal_text

pytestmark = pytest.mark.django_db

MAIL = "mai@example.com"
Allow = Callable[..., list[Removal]]


def read(domain: SendingDomain) -> None:
    read_suppressions(domain_id=domain.pk)
    derive_contacts()


@pytest.fixture
def by(make_user) -> User:
    user: User = make_user(last_name="Vang", first_name="Mai")
    return user


@pytest.fixture
def allow(mailgun: Sandbox, domain: SendingDomain, by: User) -> Allow:
    mailgun.suppress("bounces", {"address": MAIL.upper(), "code": "550", "error": "No such mailbox"})
    read(domain)

    def ask(why: str = "") -> list[Removal]:
        pk = ContactToFix.objects.get(address=MAIL).pk
        return allow_again(mailbox=MAIL, contact_id=pk, by=by, why=why)

    return ask


def on_the_list(mailgun: Sandbox, name: str = "bounces") -> bool:
    return mailgun.suppressions[mailgun.domain].get(name, MAIL) is not None


def test_the_provider_takes_it_off_and_the_next_reading_proves_it(mailgun, domain, allow: Allow) -> None:
    (removal,) = allow()
    assert not on_the_list(mailgun)
    assert (removal.done, removal.answer, removal.by_name) == (True, "Bounced address has been removed", "Vang, Mai")
    assert "The next reading" in removal_text(removal)
    contact = ContactToFix.objects.get()
    assert (contact.state, contact.handled_by_name, contact.listed_as) == ("fixed", "Vang, Mai", "")
    read(domain)
    removal.refresh_from_db()
    assert (removal.still_listed, removal.read_at is None) == (False, False)
    assert "does not have it any more" in removal_text(removal)
    assert ContactToFix.objects.get().state == "fixed"


def test_mail_to_it_is_tried_again_and_a_new_bounce_opens_it_again(mailgun, domain, allow: Allow) -> None:
    allow()
    mailgun.suppress("bounces", {"address": MAIL, "created_at": "Thu, 11 Dec 2099 01:49:40 UTC"})
    read(domain)
    assert "has it still, or again" in removal_text(Removal.objects.get())
    assert ContactToFix.objects.get().state == "open"


def test_it_is_in_the_audit_trail_with_the_answer_and_without_the_address(allow: Allow, by: User) -> None:
    allow(why="Mother corrected it")
    asked, answered, state = AuditEvent.objects.filter(who_id=by.pk).order_by("pk")
    assert (asked.action, answered.action) == ("contact.allowed_again", "contact.provider_answered")
    assert asked.details["why"] == "Mother corrected it"
    assert answered.details["done"] is True
    assert state.details == {"state": "Fixed"}
    assert MAIL not in str([asked.details, answered.details]).lower()


@pytest.mark.slow
@pytest.mark.parametrize("why", ["", "   "])
def test_a_complaint_needs_a_reason(mailgun, domain, allow: Allow, why: str) -> None:
    mailgun.suppress("complaints", {"address": MAIL})
    read(domain)
    with pytest.raises(ReasonMissingError):
        allow(why=why)
    assert on_the_list(mailgun)
    assert not Removal.objects.exists()
    assert len(allow(why="The grandmother pressed the wrong button.")) == 2
    assert not on_the_list(mailgun, "complaints")


@pytest.mark.parametrize("fault", [500, 401, "lost", "html"])
def test_what_the_provider_does_not_do_stays_on_the_list(mailgun, domain, allow: Allow, fault) -> None:
    mailgun.fail(fault, times=None, path="/bounces/")
    (removal,) = allow()
    assert not removal.done
    assert removal.answer
    assert removal.answer in removal_text(removal)
    assert ContactToFix.objects.get().state == "open"
    assert Suppression.objects.exists()
    mailgun.clear_faults()
    read(domain)
    removal.refresh_from_db()
    assert removal.still_listed


def test_what_is_not_on_the_list_any_more_is_done(mailgun, allow: Allow) -> None:
    mailgun.suppressions[mailgun.domain].remove("bounces", MAIL)
    assert [removal.done for removal in allow()] == [True]


def test_what_was_taken_off_while_the_list_was_read_stays_off(mailgun, domain, allow: Allow, monkeypatch) -> None:
    def apply_late(run) -> None:
        allow()
        apply(run)

    apply = suppressions._apply
    monkeypatch.setattr(suppressions, "_apply", apply_late)
    read(domain)
    assert not Suppression.objects.exists()
    assert ContactToFix.objects.get().state == "fixed"
    assert Removal.objects.get().read_at is None


def test_an_address_on_no_list_asks_nothing(mailgun, domain, by: User) -> None:
    assert allow_again(mailbox="xiong@example.com", contact_id=1, by=by) == []
    assert not [request for request in mailgun.requests if request.method == "DELETE"]
