"""E-mail to the stand-in over HTTP: the mail that families get, and what we know after a failure."""

import json
import socket
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
import stamina
from pytest_django import Settings

from accounts.models import User
from dispatch.gateways import CanceledError, HandOff, TryLaterError, UnknownError
from dispatch.gateways.mailgun import MailgunGateway, gateway
from messenger_logs.models import SentMessage
from providers.http import USUAL_WAIT, requested_wait
from sandbox.server import Sandbox
from tests.dispatch.gateways.conftest import handed, item
from tests.dispatch.stub import answer_of

pytestmark = pytest.mark.django_db


def mailgun() -> MailgunGateway:
    found = gateway()
    assert found
    return found


def message(body: str = "Dear {{parent.name}}", subject: str = "Library Hours", **fields: Any) -> SentMessage:
    return SentMessage(pk=77, subject=subject, bodies={"email": body}, **fields)


def outcomes(hand_off: HandOff) -> dict[str, str]:
    """Return the result of hand_off or look_up for each address; `never`: the provider surely did not accept it."""
    answer = mailgun().look_up(hand_off)
    assert answer
    return said(hand_off, answer.results)


def said(hand_off: HandOff, results: Any) -> dict[str, str]:
    of = {item.delivery_id: item.address for item in hand_off.items}
    return {of[r.delivery_id]: str(r.report.code or r.report.status) if r.report else "never" for r in results}


def test_it_is_there_only_with_a_key_and_a_domain(provider: Sandbox, settings: Settings) -> None:
    assert gateway()
    settings.MAILGUN_DOMAINS = []
    assert gateway() is None
    settings.MAILGUN_SENDING_DOMAIN = "mg.harrison.example"
    assert gateway()
    settings.MAILGUN_API_KEY = ""
    assert gateway() is None


def test_one_call_hands_over_all_and_each_gets_his_own_values(provider: Sandbox) -> None:
    hand_off = handed(
        message("{{ student.firstName }} of {{parent.name}}, room {{room}}", "About {{student.firstName}}"),
        item(1, student_firstName="Tou", parent_name="Mai"),
        item(2, student_firstName="Zoë", parent_name="Abdi"),
    )
    answer = answer_of(mailgun(), hand_off)
    assert said(hand_off, answer.results) == {"family1@example.com": "-29", "family2@example.com": "-29"}
    assert {result.report.provider_id for result in answer.results if result.report} == {
        f"{hand_off.key}@mg.harrison.example"
    }
    assert "Queued" in answer.raw
    assert len(provider.requests) == 1
    first, second = provider.accepted.list("mail")
    assert (first["subject"], first["text"]) == ("About Tou", "Tou of Mai, room room")
    assert (second["subject"], second["text"]) == ("About Zoë", "Zoë of Abdi, room room")
    assert first["id"] == second["id"] == f"{hand_off.key}@mg.harrison.example"
    assert first["shown"] == 1


def test_values_cannot_bring_markup_into_a_html_body(provider: Sandbox) -> None:
    evil = '<script>alert(1)</script> & "Tou"'
    answer_of(mailgun(), handed(message("<p>{{n}}</p>", "For {{n}}"), item(1, n=evil)))
    answer_of(mailgun(), handed(message("Plain {{n}}"), item(1, n=evil)))
    html, plain = provider.accepted.list("mail")
    assert html["html"] == "<p>&lt;script&gt;alert(1)&lt;/script&gt; &amp; &quot;Tou&quot;</p>"
    assert html["subject"] == f"For {evil}"
    assert (html["text"], plain["text"], plain["html"]) == ("", f"Plain {evil}", "")


def test_a_line_break_brings_no_header_of_its_own(provider: Sandbox) -> None:
    evil = "Tou\r\nBcc: x@y.example\x0b\u2028Z"
    answer_of(mailgun(), handed(message("Dear {{n}}", "For\n{{n}}"), item(1, n=evil)))
    [mail] = provider.accepted.list("mail")
    assert mail["subject"] == "For Tou Bcc: x@y.example Z"
    assert mail["text"] == f"Dear {evil}"


def test_what_a_sender_writes_is_never_taken_for_a_variable(provider: Sandbox) -> None:
    answer_of(mailgun(), handed(message("Write %recipient.t0% or %recipient% {{a}} 100%"), item(1, a="%recipient.t0%")))
    assert provider.accepted.list()[0]["text"] == "Write %recipient.t0% or %recipient% %recipient.t0% 100%"


def test_variables_link_the_events_back(provider: Sandbox) -> None:
    sender = User(username="principal")
    answer_of(
        mailgun(), handed(message(sender=sender, reply_to="office@harrison.example\r\nBcc: x@y.example"), item(9))
    )
    mail = provider.accepted.list()[0]
    assert mail["variables"] == {"message": "77", "delivery": "9", "person_id": "P9", "sender": "principal"}
    assert mail["reply_to"] == "office@harrison.example Bcc: x@y.example"


def test_the_settings_name_domain_and_sender(provider: Sandbox, settings: Settings) -> None:
    provider.add_domain("mail.harrison.example")
    settings.MAILGUN_SENDING_DOMAIN = "mail.harrison.example"
    settings.DISTRICT_NAME = "Harrison, “East”"
    answer_of(mailgun(), handed(message(), item()))
    settings.MAILGUN_FROM = "Office <office@harrison.example>"
    answer_of(mailgun(), handed(message(), item()))
    first, second = provider.accepted.list()
    assert first["domain"] == "mail.harrison.example"
    assert first["from"] == '"Harrison, “East”" <messenger@mail.harrison.example>'
    assert second["from"] == "Office <office@harrison.example>"


def test_a_mail_of_megabytes_goes_out_whole(provider: Sandbox) -> None:
    body = "<p>" + "0123456789" * 300_000 + "</p>"
    answer_of(mailgun(), handed(message(body), item()))
    assert provider.accepted.list()[0]["html"] == body


def test_a_thousand_go_at_once(provider: Sandbox, settings: Settings) -> None:
    settings.MAILGUN_BATCH = 5000
    assert mailgun().batch == 1000
    answer = answer_of(mailgun(), handed(message(), *(item(number) for number in range(1, 1001))))
    assert len(answer.results) == len(provider.accepted) == 1000
    assert len(provider.requests) == 1


@pytest.mark.parametrize("bad", range(1, 6))
def test_a_refused_call_is_split_until_only_the_bad_address_is_left(provider: Sandbox, bad: int) -> None:
    items = [item(number, "bad@nowhere" if number == bad else "") for number in range(1, 6)]
    hand_off = handed(message(), *items)
    results = answer_of(mailgun(), hand_off).results
    assert said(hand_off, results) == {
        **{one.address: "-29" for one in items},
        "bad@nowhere": "failed",
    }
    assert sorted(mail["to"] for mail in provider.accepted.list()) == sorted(
        one.address for one in items if one.address != "bad@nowhere"
    )
    refused = next(r.report for r in results if r.delivery_id == bad)
    assert refused
    assert "not a valid address" in refused.detail


def test_splitting_ends_before_the_hand_off_would_be_taken_for_lost(provider: Sandbox) -> None:
    hand_off = handed(message(), *(item(n, "bad@nowhere" if n == 2 else "") for n in range(1, 5)), minutes_ago=3)
    results = answer_of(mailgun(), hand_off).results
    assert set(said(hand_off, results).values()) == {"never"}
    assert len(results) == 4
    assert len(provider.requests) == 1


@pytest.mark.parametrize("status", [429, 503, 401, 402, 403, 404, 302])
def test_what_was_surely_not_taken_is_tried_later(provider: Sandbox, status: int) -> None:
    provider.fail(status, times=None)
    with pytest.raises(TryLaterError):
        answer_of(mailgun(), handed(message(), item()))
    assert len(provider.accepted) == 0


def test_a_short_wait_is_waited_for_and_a_long_one_is_told(provider: Sandbox) -> None:
    provider.fail(429, reset_ms=500)
    assert answer_of(mailgun(), handed(message(), item())).results
    assert [request.status for request in provider.requests] == [429, 200]
    provider.fail(429, times=None, retry_after=90)
    with pytest.raises(TryLaterError) as later:
        answer_of(mailgun(), handed(message(), item()))
    assert later.value.after.total_seconds() == 90
    assert len(provider.requests) == 3


@pytest.mark.slow
def test_nobody_comes_again_before_the_time_that_was_asked_for(provider: Sandbox) -> None:
    provider.fail(429, retry_after=1)
    with stamina.set_testing(False):
        answer_of(mailgun(), handed(message(), item()))
    first, second = provider.requests
    assert second.at - first.at >= 1


@pytest.mark.parametrize("zone", ["GMT", "-0000"])
def test_a_wait_may_be_a_date(zone: str) -> None:
    response = requests.Response()
    then = datetime.now(UTC) + timedelta(seconds=90)
    response.headers["Retry-After"] = f"{then:%a, %d %b %Y %H:%M:%S} {zone}"
    assert 80 < requested_wait(response.headers).total_seconds() <= 90
    response.headers["Retry-After"] = "soon"
    assert requested_wait(response.headers) == USUAL_WAIT


def test_nobody_there_is_nothing_taken(provider: Sandbox, settings: Settings) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        settings.MAILGUN_API_BASE = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        with pytest.raises(TryLaterError):
            answer_of(mailgun(), handed(message(), item()))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("what", "options"),
    [
        (500, {"accepted": True}),
        (502, {}),
        ("lost", {"accepted": True}),
        ("lost", {}),
        ("cut", {}),
        ("half", {}),
        ("html", {}),
        ("delay", {"seconds": 1.5}),
        ("hold", {}),
    ],
)
def test_what_may_have_been_taken_is_never_repeated(provider: Sandbox, what: Any, options: dict[str, Any]) -> None:
    provider.fail(what, times=None, **options)
    with pytest.raises(UnknownError):
        answer_of(mailgun(), handed(message(), item()))
    assert len(provider.requests) == 1


# Looking up


def test_a_mail_whose_answer_was_lost_is_found_by_our_message_id(provider: Sandbox) -> None:
    provider.decide("mail", "", "good")
    hand_off = handed(message(), item(1), item(2))
    provider.fail("lost", accepted=True)
    with pytest.raises(UnknownError):
        answer_of(mailgun(), hand_off)
    assert mailgun().look_up(hand_off) is None, "events come late"
    provider.clock.move(1300)
    assert outcomes(hand_off) == {"family1@example.com": "-29", "family2@example.com": "-29"}
    assert len(provider.accepted) == 2


def test_a_mail_that_the_provider_never_had_may_be_sent_again(provider: Sandbox, settings: Settings) -> None:
    young, old = handed(message(), item(), minutes_ago=29), handed(message(), item(), minutes_ago=31)
    assert mailgun().look_up(young) is None
    assert outcomes(old) == {"family1@example.com": "never"}
    settings.MAILGUN_LOOK_UP_MINUTES = 60
    assert mailgun().look_up(old) is None


def test_each_recipient_is_looked_for(provider: Sandbox) -> None:
    """A part of a split request may have succeeded."""
    hand_off = handed(message(), item(1, "Mai@example.com"), item(2), minutes_ago=40)
    provider.add(recipient="mai@example.com", message_id=f"{hand_off.key}@mg.harrison.example")
    provider.add(recipient="family2@example.com", message_id="of-another@mg.harrison.example")
    assert outcomes(hand_off) == {"Mai@example.com": "-29", "family2@example.com": "never"}


def test_a_rejected_mail_is_found_although_its_event_names_no_recipient(provider: Sandbox) -> None:
    hand_off = handed(message(), item(1, "Mai@example.com"), minutes_ago=40)
    headers = {"to": '"Vang, Mai" <mai@example.com>', "message-id": f"{hand_off.key}@mg.harrison.example"}
    at = provider.clock.now()
    provider.add_raw(json.dumps({"event": "rejected", "id": "r", "timestamp": at, "message": {"headers": headers}}))
    assert outcomes(hand_off) == {"Mai@example.com": "-29"}


def test_an_event_that_cannot_be_read_does_not_hinder_a_look_up(provider: Sandbox) -> None:
    hand_off = handed(message(), item(), minutes_ago=40)
    provider.add(recipient="family1@example.com", message_id=f"{hand_off.key}@mg.harrison.example")
    for broken in ["[" * 3000 + "]" * 3000, '{"event": 01}', "null"]:
        provider.fail("poison", text=broken, page=1)
        assert outcomes(hand_off) == {"family1@example.com": "-29"}


@pytest.mark.parametrize("host", ["http://[", "@elsewhere.example", ":80@elsewhere.example"])
def test_a_next_page_that_is_no_address_says_nothing(provider: Sandbox, host: str) -> None:
    hand_off = handed(message(), item(), minutes_ago=40)
    provider.add(recipient="family1@example.com", message_id=f"{hand_off.key}@mg.harrison.example")
    provider.fail("foreign-next", host=host, times=None)
    with pytest.raises(TryLaterError, match="next page"):
        mailgun().look_up(hand_off)


@pytest.mark.parametrize(("what", "most"), [("loop", 5), ("repeated-next", 2)])
def test_a_circle_of_pages_says_nothing(
    provider: Sandbox, monkeypatch: pytest.MonkeyPatch, what: str, most: int
) -> None:
    monkeypatch.setattr("dispatch.gateways.mailgun.MOST_PAGES", 5)
    hand_off = handed(message(), item(), minutes_ago=40)
    provider.add(recipient="family1@example.com", message_id=f"{hand_off.key}@mg.harrison.example")
    provider.fail(what, times=None)
    with pytest.raises(TryLaterError, match="do not end"):
        mailgun().look_up(hand_off)
    assert len(provider.requests) <= most


def test_no_page_of_events_is_asked_for_after_the_time_of_a_turn(provider: Sandbox) -> None:
    hand_off = handed(message(), item(), minutes_ago=40)
    with pytest.raises(TryLaterError, match="time of this turn"):
        mailgun().look_up(hand_off, until=time.monotonic() - 1)
    assert not provider.requests


def test_many_pages_of_events_are_read_on_our_own_host_only(provider: Sandbox, settings: Settings) -> None:
    hand_off = handed(message(), *(item(number) for number in range(1, 701)), minutes_ago=40)
    for one in hand_off.items:
        provider.add(recipient=one.address, message_id=f"{hand_off.key}@mg.harrison.example")
    provider.fail("foreign-next", page=1)
    assert set(outcomes(hand_off).values()) == {"-29"}


def test_it_was_perhaps_another_domain(provider: Sandbox, settings: Settings) -> None:
    hand_off = handed(message(), item(), minutes_ago=40)
    provider.add(recipient="family1@example.com", message_id=f"{hand_off.key}@mg.harrison.example")
    provider.add_domain("mail.harrison.example")
    settings.MAILGUN_SENDING_DOMAIN = "mail.harrison.example"
    assert outcomes(hand_off) == {"family1@example.com": "-29"}


def test_after_the_providers_memory_nothing_can_be_said(provider: Sandbox) -> None:
    answer = mailgun().look_up(handed(message(), item(), minutes_ago=31 * 24 * 60))
    assert answer
    assert answer.results == []


@pytest.mark.parametrize("what", [500, 429, "lost", "html", "half", "items"])
def test_a_look_up_that_fails_says_nothing(provider: Sandbox, what: Any) -> None:
    hand_off = handed(message(), item(), minutes_ago=40)
    provider.add(recipient="family1@example.com", message_id=f"{hand_off.key}@mg.harrison.example")
    provider.fail(what, times=None)
    with pytest.raises(TryLaterError):
        mailgun().look_up(hand_off)


def test_no_part_of_a_batch_begins_after_a_cancel(provider: Sandbox) -> None:
    """Mailgun refuses the batch, and it goes out in halves. The cancel comes between two of them."""
    items = [item(number) for number in range(1, 5)]
    items[0] = item(1, address="no address")

    async def runs() -> bool:
        return len(provider.requests) < 2

    hand_off = replace(handed(message(), *items), runs=runs)
    answer = answer_of(mailgun(), hand_off)
    assert len(provider.requests) == 2
    assert set(said(hand_off, answer.results).values()) == {"never"}
    assert not provider.accepted.list("mail")


def test_no_request_is_repeated_after_a_cancel(provider: Sandbox) -> None:
    provider.fail(429, retry_after=0)

    async def runs() -> bool:
        return not provider.requests

    hand_off = replace(handed(message(), item(1)), runs=runs)
    with pytest.raises(CanceledError):
        answer_of(mailgun(), hand_off)
    assert len(provider.requests) == 1
    assert not provider.accepted.list("mail")
