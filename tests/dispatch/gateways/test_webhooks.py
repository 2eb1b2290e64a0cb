"""The provider's requests to our webhooks: first single requests, then the stand-in over HTTP."""

import gzip
import json
import logging
from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from dispatch.models import ReceivedWebhook
from dispatch.services.scheduling import start_due
from dispatch.services.sending import send_due
from messenger_logs.choices import MessageStatus, Mode
from messenger_logs.models import Delivery, DeviceAttempt, Reply, SentMessage, TextConsent
from sandbox.server import Sandbox
from tests.dispatch.gateways.conftest import CALLER_ID, SECRET
from tests.messenger_logs.factories import make_delivery, make_message, make_recipient
from tests.wait import wait_until

TO = "+16125550123"
FLOW, TEXTS = f"/voxology/{SECRET}/call-flow/", f"/voxology/{SECRET}/texts/"

pytestmark = pytest.mark.usefixtures("provider")


def a_call(mode: Mode = Mode.VOICE, **fields: Any) -> Delivery:
    """Return a delivery with an attempt that the provider accepted."""
    message = make_message(
        **{
            "status": MessageStatus.IN_PROGRESS,
            "dispatched_here": True,
            "modes": [mode],
            "bodies": {mode.value: "{{student.firstName}} & all: school is closed"},
            **fields,
        }
    )
    recipient = make_recipient(message, merge_fields={"student.firstName": "Tou <T>"})
    delivery = make_delivery(
        recipient, mode=mode, address=TO, status="in_progress", attempt_count=1, provider_id="text-1"
    )
    DeviceAttempt.objects.create(delivery=delivery, number=1, status="in_progress", rank=2, provider_id="text-1")
    return delivery


def post(client: Client, path: str, body: Any, **options: Any) -> Any:
    content = body if isinstance(body, bytes) else json.dumps(body)
    return client.post(path, content, content_type="application/json", **options)


def session(of: Delivery, **changed: Any) -> dict[str, Any]:
    data = {"message": str(of.message_id), "delivery": str(of.pk), "attempt": "1", **changed}
    return {"type": "init_call", "call_id": "7@8", "session_data": data}


def kinds(answer: Any) -> list[str]:
    assert answer.status_code == 200
    return [action["type"] for action in answer.json()["actions"]]


def status_of(delivery: Delivery) -> tuple[str, str]:
    delivery.refresh_from_db()
    return delivery.status, delivery.detail


# Calls


@pytest.mark.django_db
def test_a_call_says_the_message_and_waits_for_a_key(client: Client) -> None:
    answer = post(client, FLOW, session(a_call()))
    assert kinds(answer) == ["SAY", "SAY", "COLLECT"]
    says, _, collect = answer.json()["actions"]
    assert says["params"]["text"] == "Tou <T> & all: school is closed"
    assert collect["params"]["num_digits"] == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    "pressed", [{"confirm": "0"}, {"confirm": 0}, {"results": {"confirm": "0"}}, {"collected": [{"confirm": " 0 "}]}]
)
def test_pressing_0_confirms_wherever_the_key_stands(client: Client, pressed: dict[str, Any]) -> None:
    delivery = a_call()
    for _ in range(2):
        assert kinds(post(client, FLOW, {**session(delivery), **pressed})) == ["SAY", "HANGUP"]
    assert status_of(delivery) == ("confirmed", "Live person detected")
    attempt = delivery.attempts.get()
    assert (delivery.code, delivery.outcome, attempt.provider_id) == (5, "success", "7@8")
    assert "7@8" in attempt.raw


@pytest.mark.django_db
@pytest.mark.parametrize("pressed", ["", "5", "00", "#"])
def test_any_other_key_or_none_ends_the_call(client: Client, pressed: str) -> None:
    delivery = a_call()
    assert kinds(post(client, FLOW, {**session(delivery), "confirm": pressed})) == ["HANGUP"]
    assert status_of(delivery)[0] == "in_progress"


@pytest.mark.django_db
def test_a_call_that_is_not_ours_says_nothing(client: Client, django_assert_num_queries: Any) -> None:
    ours = a_call()
    for changed in (
        {"delivery": str(ours.pk + 1)},
        {"message": str(ours.message_id + 1)},
        {"delivery": ""},
        {"delivery": "9" * 40},
        {"delivery": "²"},
        {"delivery": [ours.pk]},
        {"attempt": "0"},
        {"attempt": "99999"},
    ):
        assert kinds(post(client, FLOW, {**session(ours, **changed), "confirm": "0"})) == ["HANGUP"]
    assert kinds(post(client, FLOW, {"session_data": "text"})) == ["HANGUP"]
    assert kinds(post(client, FLOW, session(a_call(Mode.TEXT)))) == ["HANGUP"]
    assert kinds(post(client, FLOW, session(a_call(dispatched_here=False)))) == ["HANGUP"]
    assert status_of(ours)[0] == "in_progress"
    with django_assert_num_queries(1):
        post(client, FLOW, session(ours))


@pytest.mark.django_db
def test_after_a_cancel_nothing_is_said_any_more(client: Client) -> None:
    delivery = a_call()
    now = delivery.message.created_at
    SentMessage.objects.update(status="canceled_ip", cancel_asked_at=now, canceled_by_name="Matthews, Dexter")
    assert kinds(post(client, FLOW, session(delivery))) == ["HANGUP"]


# Texts


def receipt(status: str, **changed: Any) -> dict[str, Any]:
    body = {"service": "sms", "type": "receipt", "id": "text-1", "status": status}
    return {**body, "api_no": CALLER_ID, "caller_no": TO, **changed}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("statuses", "becomes"),
    [
        (["queued"], ("vendor_received", "Status unknown")),
        (["sent"], ("sent", "Sent to carrier")),
        (["sent", "delivered"], ("delivered", "Delivered to recipient")),
        (["delivered", "sent"], ("delivered", "Delivered to recipient")),
        (["delivered", "delivered"], ("delivered", "Delivered to recipient")),
        (["sent", "undelivered"], ("undelivered", "Carrier or vendor issue")),
        (["failed"], ("failed", "Carrier or vendor issue")),
        (["Opted-Out"], ("opt_out", "")),
        (["lost in space"], ("no_call_status", "lost in space")),
    ],
)
def test_receipts_move_a_text_and_never_backwards(
    client: Client, statuses: list[str], becomes: tuple[str, str]
) -> None:
    delivery = a_call(Mode.TEXT)
    for status in statuses:
        assert post(client, TEXTS, receipt(status)).status_code == 200
    assert status_of(delivery) == becomes


@pytest.mark.django_db
def test_a_receipt_is_for_the_number_without_its_extension(client: Client) -> None:
    delivery = a_call(Mode.TEXT)
    Delivery.objects.update(address=f"{TO};ext=45")
    assert post(client, TEXTS, receipt("delivered")).status_code == 200
    assert status_of(delivery)[0] == "delivered"


@pytest.mark.django_db
def test_a_receipt_of_a_text_that_is_not_ours_changes_nothing(client: Client) -> None:
    delivery = a_call(Mode.TEXT)
    for changed in ({"id": "text-2"}, {"caller_no": "+16125550124"}, {"caller_no": "nobody"}, {"id": "a\0b"}):
        assert post(client, TEXTS, receipt("delivered", **changed)).status_code == 404
    assert status_of(delivery)[0] == "in_progress"


def inbound(text: str, **changed: Any) -> dict[str, Any]:
    return {"service": "sms", "type": "sms", "api_no": CALLER_ID, "caller_no": TO, "text_message": text, **changed}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("texts", "consent"),
    [
        (["STOP"], True),
        ([" stop. "], True),
        (["Unsubscribe"], True),
        (["Stop all"], True),
        (["START"], False),
        (["STOP", "STOP", "Start"], False),
        (["START", "STOP"], True),
        (["OPT-OUT"], True),
        (["ARRÊTEZ"], True),
        (["We stop by the office"], None),
        (["\0\ud800"], None),
        ([""], None),
    ],
)
def test_stop_and_start_are_a_familys_consent(client: Client, texts: list[str], consent: bool | None) -> None:
    for text in texts:
        assert post(client, TEXTS, inbound(text)).status_code == 200
    assert list(TextConsent.objects.values_list("number", "opted_out")) == ([] if consent is None else [(TO, consent)])


@pytest.mark.django_db
def test_a_stop_is_a_message_of_the_2_0_log_with_what_the_provider_said(client: Client) -> None:
    for _ in range(2):
        post(client, TEXTS, inbound("STOP", caller_no="(612) 555-0123"))
    message = SentMessage.objects.get(message_type="Text Opt Out")
    attempt = DeviceAttempt.objects.get(delivery__message=message)
    assert json.loads(attempt.raw) == inbound("STOP", caller_no="(612) 555-0123")
    assert post(client, TEXTS, inbound("STOP", caller_no="12345")).status_code == 200
    assert TextConsent.objects.count() == 1, "a short code is nobody's phone"
    assert Reply.objects.get().number == "12345"


@pytest.mark.django_db
def test_a_mexican_mobile_with_its_old_prefix_opts_out(client: Client) -> None:
    assert post(client, TEXTS, inbound("STOP", caller_no="+5215512345678")).status_code == 200
    assert TextConsent.objects.get().number == "+525512345678"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("STOP", []),
        ("Start!", []),
        ("Is there school tomorrow?", [("Is there school tomorrow?", "")]),
        ("👍", [("👍", "")]),
        ("", [("", "")]),
        ("HELP", [("HELP", "")]),
        ("Stop. My son has moved", [("Stop. My son has moved", "stop")]),
        ("a\0b\ud800", [("a\ufffdb?", "")]),
    ],
)
def test_each_text_that_is_more_than_a_keyword_is_kept_for_staff(
    client: Client, text: str, kept: list[tuple[str, str]]
) -> None:
    assert post(client, TEXTS, inbound(text)).status_code == 200
    assert list(Reply.objects.values_list("text", "taken_as")) == kept


# The same request again


def everything() -> list[Any]:
    """What the webhooks can change."""
    return [list(model.objects.order_by("pk").values()) for model in (Delivery, DeviceAttempt, TextConsent, Reply)]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("once", "later"),
    [
        ({"id": "in-1"}, {"id": "in-2"}),
        ({"timestamp": "1786103455.522185"}, {"timestamp": "1786103500.5"}),
        ({"timestamp": 1786103455522}, {"timestamp": "2026-08-07T11:52:00Z"}),
    ],
)
def test_a_text_that_comes_again_changes_nothing(client: Client, once: dict[str, Any], later: dict[str, Any]) -> None:
    first, second, third = inbound("STOP", **once), inbound("START", **later), inbound("Who is this?", **later)
    for body in (first, second, third):
        assert post(client, TEXTS, body).status_code == 200
    before = everything()
    for body in (first, second, first, third):
        assert post(client, TEXTS, body).status_code == 200
    assert everything() == before
    assert not TextConsent.objects.get().opted_out


@pytest.mark.slow
@pytest.mark.django_db
def test_of_texts_that_nothing_tells_apart_a_stop_is_obeyed_and_all_else_comes_once(client: Client) -> None:
    for text in ("STOP", "START", "Who is this?", "START", "Who is this?"):
        post(client, TEXTS, inbound(text))
    assert not TextConsent.objects.get().opted_out
    assert Reply.objects.count() == 1
    post(client, TEXTS, inbound("STOP"))
    post(client, TEXTS, inbound("START"))
    assert TextConsent.objects.get().opted_out


@pytest.mark.django_db
def test_a_text_with_an_id_is_known_for_good_and_one_without_is_a_new_text_some_day(client: Client) -> None:
    for body in (inbound("STOP"), inbound("STOP", id="in-1"), inbound("START")):
        post(client, TEXTS, body)
    ReceivedWebhook.objects.update(received_at=timezone.now() - timedelta(days=2))
    post(client, TEXTS, inbound("STOP", id="in-1"))
    assert not TextConsent.objects.get().opted_out
    post(client, TEXTS, inbound("STOP"))
    assert TextConsent.objects.get().opted_out


@pytest.mark.django_db
@pytest.mark.parametrize("text", ["ok", "Yes"])
def test_what_a_family_answers_again_later_the_same_day_is_kept_again(client: Client, text: str) -> None:
    morning = timezone.now()
    for minutes in (0, 5, 7 * 60):
        with time_machine.travel(morning + timedelta(minutes=minutes)):
            post(client, TEXTS, inbound(text))
    assert list(Reply.objects.values_list("text", flat=True)) == [text, text], "after 5 minutes it was a repetition"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("texts", "opted_out"),
    [
        ([(0, "START"), (9, "STOP"), (12, "START")], True),
        ([(0, "START"), (9, "STOP"), (12, "START"), (20, "START")], False),
        ([(0, "STOP"), (1, "START"), (2, "STOP")], True),
        ([(0, "STOP"), (1, "START"), (2, "STOP"), (3, "START")], True),
        ([(0, "STOP"), (1, "START")], False),
    ],
)
def test_a_repeated_start_does_not_undo_a_stop_that_came_just_before(
    client: Client, texts: list[tuple[int, str]], opted_out: bool
) -> None:
    begin = timezone.now()
    for minutes, text in texts:
        with time_machine.travel(begin + timedelta(minutes=minutes)):
            post(client, TEXTS, inbound(text))
    assert TextConsent.objects.get().opted_out is opted_out


@pytest.mark.django_db
def test_a_yes_takes_texts_again_only_where_the_number_is_opted_out(client: Client) -> None:
    post(client, TEXTS, inbound("Yes", id="in-1"))
    assert not TextConsent.objects.exists()
    assert list(Reply.objects.values_list("text", "taken_as")) == [("Yes", "")]
    for id, text in (("in-2", "STOP"), ("in-3", "Yes")):
        post(client, TEXTS, inbound(text, id=id))
    assert not TextConsent.objects.get().opted_out
    assert Reply.objects.count() == 1
    post(client, TEXTS, inbound("YES!", id="in-4"))
    assert Reply.objects.count() == 2


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("repeated", "status"),
    [
        ('"network": 1, "network": 2', 200),
        ('"id": 1, "id": 2', 200),
        ('"text_message": "Hi"', 400),
        ('"caller_no": "1"', 400),
    ],
)
def test_only_a_repeated_number_or_text_refuses_a_familys_stop(client: Client, repeated: str, status: int) -> None:
    body = json.dumps(inbound("STOP"))
    assert post(client, TEXTS, f"{body[:-1]}, {repeated}}}".encode()).status_code == status
    assert TextConsent.objects.filter(opted_out=True).exists() is (status == 200)


@pytest.mark.django_db
def test_an_older_text_that_comes_late_does_not_undo_a_newer_one(client: Client) -> None:
    post(client, TEXTS, inbound("START", timestamp="1786103455.5"))
    post(client, TEXTS, inbound("STOP", timestamp="1786103400"))
    assert not TextConsent.objects.get().opted_out


@pytest.mark.slow
@pytest.mark.django_db
def test_a_key_or_a_receipt_that_comes_again_changes_nothing(client: Client) -> None:
    call, text = a_call(), a_call(Mode.TEXT)
    requests = [(FLOW, {**session(call), "confirm": "0"}), (TEXTS, receipt("sent")), (TEXTS, receipt("delivered"))]
    for path, body in requests:
        assert post(client, path, body).status_code == 200
    before = everything()
    with time_machine.travel(timezone.now() + timedelta(days=30)):
        for path, body in requests:
            assert post(client, path, body).status_code == 200
    assert everything() == before
    assert (status_of(call)[0], status_of(text)[0]) == ("confirmed", "delivered")


@pytest.mark.django_db
def test_a_receipt_that_came_too_early_is_taken_when_it_comes_again(client: Client) -> None:
    assert post(client, TEXTS, receipt("delivered")).status_code == 404
    delivery = a_call(Mode.TEXT)
    assert post(client, TEXTS, receipt("delivered")).status_code == 200
    assert status_of(delivery)[0] == "delivered"


# The secret, and bad requests


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["call-flow", "texts"])
def test_nobody_gets_in_without_the_secret(client: Client, settings: Settings, name: str) -> None:
    for secret in ("wrong", SECRET[:-1], SECRET + "x", "%C3%A9", "%00"):
        assert post(client, f"/voxology/{secret}/{name}/", {}).status_code == 404
    settings.VOXOLOGY_WEBHOOK_SECRET = ""
    assert post(client, f"/voxology/{SECRET}/{name}/", {}).status_code == 404
    assert post(client, f"/voxology//{name}/", {}).status_code == 404


@pytest.mark.django_db
@pytest.mark.parametrize("path", [FLOW, TEXTS])
@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"\xff\xfe", 400),
        (b"[1]", 400),
        (b"null", 400),
        (b"[" * 60_000, 400),
        ('{"caller_no": "+16125550123"}'.encode("utf-16"), 400),
        (b'{"text_message": "STOP", "text_message": "START"}', 400),
        (b'{"a":"' + b"x" * 65_536 + b'"}', 413),
    ],
)
def test_what_cannot_be_read_is_refused_in_words(path: str, body: bytes, status: int) -> None:
    answer = post(Client(raise_request_exception=True), path, body)
    assert answer.status_code == status
    assert answer.json()["error"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    "body",
    [
        {},
        {"caller_no": TO},
        {"caller_no": 7, "text_message": "STOP"},
        {"caller_no": TO, "text_message": 7},
        {"caller_no": TO, "id": "", "status": "sent"},
        {"caller_no": TO, "id": "text-1", "status": None},
        {"caller_no": TO, "id": ["text-1"], "status": "sent"},
    ],
)
def test_what_is_neither_text_nor_receipt_is_refused(client: Client, body: dict[str, Any]) -> None:
    assert post(client, TEXTS, body).status_code == 400


@pytest.mark.django_db
def test_a_compressed_body_is_refused_in_words(client: Client) -> None:
    answer = post(client, TEXTS, gzip.compress(b"{}"), headers={"Content-Encoding": "gzip"})
    assert answer.status_code == 415
    assert "compressed" in answer.json()["error"]


@pytest.mark.django_db
def test_an_address_without_its_last_slash_is_the_same(client: Client) -> None:
    assert kinds(post(client, FLOW.removesuffix("/"), session(a_call()))) == ["SAY", "SAY", "COLLECT"]
    assert post(client, TEXTS.removesuffix("/"), {"caller_no": TO, "text_message": "STOP"}).status_code == 200
    assert TextConsent.objects.get(number=TO).opted_out
    assert reverse("web:voxology_texts", kwargs={"secret": SECRET}) == TEXTS


@pytest.mark.slow
@pytest.mark.django_db
def test_odd_characters_break_nothing(client: Client) -> None:
    delivery = a_call()
    odd = b'{"session_data": %s, "confirm": "0", "call_id": "\\u0000\\ud800", "x": "\\u0000"}'
    assert kinds(post(client, FLOW, odd % json.dumps(session(delivery)["session_data"]).encode())) == ["SAY", "HANGUP"]
    assert status_of(delivery)[0] == "confirmed"
    text = a_call(Mode.TEXT)
    assert post(client, TEXTS, receipt("\0\ud800")).status_code == 200
    assert status_of(text)[0] == "no_call_status"


@pytest.mark.django_db
def test_the_secret_stands_in_no_log(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    written = StringIO()
    [handler] = [handler for handler in logging.getLogger().handlers if handler.name == "stderr"]
    monkeypatch.setattr(handler, "stream", written)
    assert post(client, TEXTS, receipt("sent")).status_code == 404
    assert post(client, FLOW, b"{").status_code == 400
    assert post(client, TEXTS.removesuffix("/"), b"{").status_code == 400
    assert post(client, TEXTS + "x", b"{").status_code == 404
    logged = written.getvalue()
    assert "/call-flow/" in logged
    assert SECRET not in logged


@pytest.mark.django_db
def test_it_needs_no_session_and_no_token_of_a_form() -> None:
    client = Client(enforce_csrf_checks=True)
    answer = post(client, FLOW, session(a_call()))
    assert answer.status_code == 200
    assert not answer.cookies


# The whole way, over HTTP


@pytest.fixture
def site(live_server: LiveServer, provider: Sandbox, settings: Settings) -> Iterator[Sandbox]:
    """The provider, which knows our webhook addresses. Calls are allowed at any hour."""
    provider.phones.call_flow_url = live_server.url + FLOW
    provider.phones.texts_url = live_server.url + TEXTS
    settings.GATEWAYS = {mode: f"dispatch.gateways.voxology.{mode}_gateway" for mode in ("voice", "text")}
    settings.VOICE_HOURS = (settings.VOICE_HOURS[0].min, settings.VOICE_HOURS[1].max)
    yield provider
    # No request may come while the database is being emptied.
    provider.phones.agenda.stop(wait=10)


def send(mode: Mode, to: str = TO) -> Delivery:
    message = make_message(
        status="waiting", modes=[mode], dispatched_here=True, bodies={mode.value: "School is closed"}
    )
    delivery = make_delivery(make_recipient(message), mode=mode, address=to, status="waiting", outcome="pending")
    start_due()
    assert send_due(mode) == 1
    return delivery


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("twice", [False, True])
def test_a_family_that_presses_0_has_confirmed(site: Sandbox, twice: bool) -> None:
    site.decide("call", "", "confirm")
    if twice:
        site.fail("twice", path="Dials")
    delivery = send(Mode.VOICE)
    wait_until(lambda: status_of(delivery)[0] == "confirmed")
    wait_until(lambda: site.phones.calls[delivery.provider_id].status)
    expected = [200] * (4 if twice else 2)
    wait_until(lambda: [callback.status for callback in site.phones.callbacks] == expected)
    assert site.accepted.counts()["call"] == 1


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_text_is_delivered_in_the_end(site: Sandbox) -> None:
    site.decide("text", "", "delivered")
    site.phones.pace = 0.1
    delivery = send(Mode.TEXT)
    wait_until(lambda: status_of(delivery) == ("delivered", "Delivered to recipient"))
    # A receipt may come before our own record of the text. Then we answer 404, and the provider repeats it.
    wait_until(lambda: [callback.status for callback in site.phones.callbacks].count(200) == 2)
    assert {callback.status for callback in site.phones.callbacks} <= {200, 404}


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_family_that_sends_stop_gets_no_text_until_it_sends_start(site: Sandbox) -> None:
    site.phones.receive_text(TO, "STOP", times=2)
    wait_until(lambda: [callback.status for callback in site.phones.callbacks] == [200, 200])
    assert TextConsent.objects.filter(number=TO, opted_out=True).exists()
    assert SentMessage.objects.filter(message_type="Text Opt Out").count() == 1
    message = make_message(status="waiting", modes=[Mode.TEXT], dispatched_here=True, bodies={"text": "Bus 12 is late"})
    delivery = make_delivery(make_recipient(message), mode=Mode.TEXT, address=TO, status="waiting", outcome="pending")
    start_due()
    assert send_due(Mode.TEXT) == 0
    assert status_of(delivery)[0] == "opt_out"
    assert len(site.accepted) == 0
    site.phones.receive_text(TO, "START")
    wait_until(lambda: TextConsent.objects.filter(number=TO, opted_out=False).exists())
    send(Mode.TEXT)
    assert site.accepted.counts()["text"] == 1
