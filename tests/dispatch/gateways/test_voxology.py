"""Calls and texts to the stand-in over HTTP, and the codes for what it answers."""

import json
import time
from dataclasses import replace
from typing import Any

import pytest
from pytest_django import Settings

from dispatch.gateways import (
    Answer,
    CanceledError,
    HandOff,
    OpenAttempt,
    PollingGateway,
    TryLaterError,
    UnknownError,
)
from dispatch.gateways.voxology import TextGateway, VoiceGateway, call_report, text_gateway, voice_gateway
from messenger_logs.choices import Mode
from messenger_logs.models import SentMessage
from messenger_logs.services.status_reports import StatusReport
from providers.http import Reply
from sandbox.server import Sandbox
from tests.dispatch.gateways.conftest import AT_ONCE, CALLER_ID, handed, item
from tests.dispatch.stub import answer_of
from tests.wait import wait_until

TO = "+16125550123"


def voice() -> VoiceGateway:
    gateway = voice_gateway()
    assert gateway
    return gateway


def text() -> TextGateway:
    gateway = text_gateway()
    assert gateway
    return gateway


def hand_off(mode: Mode, body: str = "Bus 12 is late", to: str = TO, **merge_fields: Any) -> HandOff:
    message = SentMessage(pk=77, subject="Bus", bodies={mode.value: body})
    return handed(message, item(5, to, **merge_fields), mode=mode)


def report_of(answer: Answer) -> StatusReport:
    [result] = answer.results
    assert result.delivery_id == 5
    assert result.report
    return result.report


def placed() -> OpenAttempt:
    report = report_of(answer_of(voice(), hand_off(Mode.VOICE)))
    return OpenAttempt(delivery_id=5, attempt=1, provider_id=report.provider_id, mode=Mode.VOICE)


def polled(one: OpenAttempt) -> StatusReport:
    """Wait for the call's entry in the call log, and return its report."""
    report = wait_until(lambda: voice().poll([one])[one])
    assert isinstance(report, StatusReport)
    return report


def test_they_are_there_only_where_the_settings_are(provider: Sandbox, settings: Settings) -> None:
    assert isinstance(voice_gateway(), PollingGateway)
    assert not isinstance(text_gateway(), PollingGateway)
    settings.VOXOLOGY_WEBHOOK_SECRET = ""
    assert voice_gateway() is None, "it would have nothing to say"
    assert text_gateway()
    settings.VOXOLOGY_TEXT_NUMBER = ""
    assert text_gateway() is None
    settings.VOXOLOGY_TEXT_NUMBER = CALLER_ID
    settings.VOXOLOGY_API_KEY = ""
    assert text_gateway() is None


# Calls


def test_a_call_is_placed_and_names_what_it_is_about(provider: Sandbox) -> None:
    answer = answer_of(voice(), hand_off(Mode.VOICE, to=f"{TO};ext=45"))
    report = report_of(answer)
    [call] = provider.accepted.list("call")
    assert (call["to"], call["caller_id"]) == (TO, CALLER_ID)
    assert call["session_data"] == {"message": "77", "delivery": "5", "attempt": "1"}
    assert (report.status, report.provider_id) == ("in_progress", call["id"])
    assert json.loads(answer.raw) == {"call_id": call["id"]}


def test_the_paths_are_settings(provider: Sandbox, settings: Settings) -> None:
    settings.VOXOLOGY_PATHS = settings.VOXOLOGY_PATHS | {"dial": "/Elsewhere"}
    with pytest.raises(TryLaterError, match="base and paths"):
        answer_of(voice(), hand_off(Mode.VOICE))
    assert provider.requests[-1].path == "/v1/Elsewhere"


@pytest.mark.parametrize(("outcome", "code"), [("no answer", 0), ("busy", 1), ("failed", 10)])
def test_the_call_log_has_the_result_of_a_call(provider: Sandbox, outcome: str, code: int) -> None:
    provider.decide("call", TO, outcome)
    one = placed()
    report = polled(one)
    assert (report.delivery_id, report.attempt, report.provider_id) == (5, 1, one.provider_id)
    assert report.code == code
    assert json.loads(report.raw)["status"] == outcome


@pytest.mark.parametrize(
    ("log", "code"),
    [
        ({"status": "completed", "detection": "live"}, 5),
        ({"status": "completed", "detection": "live_person"}, 5),
        ({"status": "completed", "detection": "Machine"}, 6),
        ({"status": "completed", "detection": "fax"}, 7),
        ({"status": "completed", "detection": "unknown"}, 9),
        ({"status": "completed"}, 9),
        ({"status": "No-Answer"}, 0),
        ({"status": "busy", "detection": "unknown"}, 1),
        ({"status": "FAILED"}, 10),
        ({"status": "canceled"}, -35),
        ({"status": "abducted"}, 9),
        ({"status": "live-in-progress"}, None),
        ({"status": None}, None),
        ({}, None),
        ([], None),
    ],
)
def test_each_result_has_its_code(log: Any, code: int | None) -> None:
    one = OpenAttempt(delivery_id=5, attempt=2, provider_id="1@2", mode=Mode.VOICE)
    report = call_report(one, Reply(200, json.dumps(log)))
    assert (report.code if report else None) == code


@pytest.mark.parametrize("end", ["2026-01-05T10:00:00.000Z", "", None, 7, "yesterday", "0001-01-01T00:00:00Z"])
def test_any_time_of_the_end_can_be_reported(end: Any) -> None:
    one = OpenAttempt(delivery_id=5, attempt=2, provider_id="1@2", mode=Mode.VOICE)
    report = call_report(one, Reply(200, json.dumps({"status": "busy", "end_time": end})))
    assert report
    assert report.at
    assert (report.at.isoformat() == "2026-01-05T10:00:00+00:00") == (end == "2026-01-05T10:00:00.000Z")


def test_there_is_no_news_of_a_call_that_goes_on(provider: Sandbox) -> None:
    provider.clock.stop()
    one = placed()
    assert voice().poll([one]) == {one: None}


def test_what_is_known_of_some_calls_is_told_though_others_cannot_be_asked(provider: Sandbox) -> None:
    provider.decide("call", TO, "busy")
    first, second = placed(), placed()
    polled(first), polled(second)
    provider.fail(503, times=None, path=second.provider_id)
    news = voice().poll([first, second])
    assert (type(news[first]), type(news[second])) == (StatusReport, TryLaterError)


@pytest.mark.slow
def test_several_calls_are_asked_about_at_once_and_none_after_the_deadline(provider: Sandbox) -> None:
    provider.decide("call", TO, "busy")
    calls = [placed() for _ in range(3 * AT_ONCE)]
    polled(calls[-1])
    provider.latency = 0.2
    before = len(provider.requests)
    news = voice().poll(calls, until=time.monotonic() + 0.3)
    assert len(news) == len(provider.requests) - before
    assert provider.most_at_once == AT_ONCE
    assert AT_ONCE <= len(provider.requests) - before < len(calls)
    assert voice().poll(calls, until=time.monotonic() - 1) == {}


def test_a_poll_begins_no_request_after_an_error(provider: Sandbox) -> None:
    calls = [placed() for _ in range(3 * AT_ONCE)]
    before = len(provider.requests)
    provider.fail(503, times=None)
    news = voice().poll(calls)
    assert {type(one) for one in news.values()} == {TryLaterError}
    assert len(news) == len(provider.requests) - before <= 2 * AT_ONCE


@pytest.mark.slow
def test_calls_are_hung_up_at_once_and_none_after_the_deadline(provider: Sandbox) -> None:
    provider.phones.pace = 1
    calls = [placed() for _ in range(3 * AT_ONCE)]
    provider.latency = 0.2
    ended = voice().hang_up(calls, until=time.monotonic() + 0.3)
    assert AT_ONCE <= len(ended) < len(calls)
    assert {provider.phones.calls[one.provider_id].status for one in ended} == {"canceled"}


def test_live_calls_are_hung_up(provider: Sandbox) -> None:
    provider.phones.pace = 1
    calls = [placed(), placed(), placed()]
    provider.fail(500, path="LiveCalls")
    assert voice().hang_up(calls[:1]) == []
    provider.fail("lost", path=calls[0].provider_id)
    assert voice().hang_up(calls) == calls[1:]
    assert [provider.phones.calls[one.provider_id].status for one in calls] == ["", "canceled", "canceled"]
    assert voice().hang_up(calls) == calls
    assert provider.phones.calls[calls[0].provider_id].status == "canceled"


@pytest.mark.parametrize(("status", "code"), [(400, -14), (422, -14), (500, -25), (502, -25)])
def test_a_refused_call_has_a_code(provider: Sandbox, status: int, code: int) -> None:
    provider.fail(status)
    assert report_of(answer_of(voice(), hand_off(Mode.VOICE))).code == code
    assert len(provider.requests) == 1


# Texts


def test_a_text_has_the_recipients_values_and_no_markup(provider: Sandbox) -> None:
    body = "<p>{{student.firstName}} &amp; all:</p>\n<p>bus\u00a012  is <b>late</b></p>"
    report = report_of(answer_of(text(), hand_off(Mode.TEXT, body, student_firstName="Zoë <Z>")))
    [sent] = provider.accepted.list("text")
    assert (sent["to"], sent["api_no"]) == (TO, CALLER_ID)
    assert sent["text"] == "Zoë <Z> & all:\nbus 12 is late"
    assert (report.code, report.provider_id) == (-39, sent["id"])


def test_a_text_without_a_body_says_its_subject(provider: Sandbox) -> None:
    answer_of(text(), hand_off(Mode.TEXT, ""))
    assert provider.accepted.list("text")[0]["text"] == "Bus"


def test_a_family_that_the_provider_knows_as_opted_out_is_so(provider: Sandbox) -> None:
    provider.phones.opted_out.add(TO)
    assert report_of(answer_of(text(), hand_off(Mode.TEXT))).code == -33


@pytest.mark.parametrize(
    ("status", "code", "word"), [(400, None, "error"), (422, None, "error"), (500, -30, ""), (502, -30, "")]
)
def test_a_refused_text_is_an_error(provider: Sandbox, status: int, code: int | None, word: str) -> None:
    provider.fail(status)
    report = report_of(answer_of(text(), hand_off(Mode.TEXT)))
    assert (report.code, report.status) == (code, word)


# Both


@pytest.mark.parametrize("mode", [Mode.VOICE, Mode.TEXT])
@pytest.mark.parametrize("status", [429, 503, 401])
def test_what_was_surely_not_taken_is_tried_later(provider: Sandbox, mode: Mode, status: int) -> None:
    provider.fail(status, times=None)
    with pytest.raises(TryLaterError):
        answer_of(voice() if mode is Mode.VOICE else text(), hand_off(mode))
    assert len(provider.accepted) == 0


@pytest.mark.slow
@pytest.mark.parametrize("mode", [Mode.VOICE, Mode.TEXT])
@pytest.mark.parametrize(("what", "options"), [("lost", {"accepted": True}), ("cut", {}), ("delay", {"seconds": 1.5})])
def test_what_may_have_been_taken_is_never_repeated(
    provider: Sandbox, mode: Mode, what: str, options: dict[str, Any]
) -> None:
    provider.fail(what, times=None, **options)
    gateway = voice() if mode is Mode.VOICE else text()
    with pytest.raises(UnknownError):
        answer_of(gateway, hand_off(mode))
    assert len(provider.requests) == 1
    looked_up = gateway.look_up(hand_off(mode))
    assert looked_up
    assert looked_up.results == [], "there is nobody to ask"


@pytest.mark.parametrize("mode", [Mode.VOICE, Mode.TEXT])
def test_an_answer_that_is_a_page_leaves_open_what_was_taken(provider: Sandbox, mode: Mode) -> None:
    provider.fail("html")
    with pytest.raises(UnknownError):
        answer_of(voice() if mode is Mode.VOICE else text(), hand_off(mode))


@pytest.mark.parametrize("mode", [Mode.VOICE, Mode.TEXT])
def test_no_request_begins_after_a_cancel(provider: Sandbox, mode: Mode) -> None:
    async def canceled() -> bool:
        return False

    with pytest.raises(CanceledError):
        answer_of(voice() if mode is Mode.VOICE else text(), replace(hand_off(mode), runs=canceled))
    assert not provider.requests
