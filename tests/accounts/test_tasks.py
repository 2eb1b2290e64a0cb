from smtplib import SMTPRecipientsRefused

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session

from accounts import tasks

MAIL = {"subject": "s", "body": "b", "to": ["dexter@example.org"]}


def test_a_mail_that_fails_is_tried_again_without_naming_its_recipient(monkeypatch, caplog):
    attempts = []

    def refuse(*args):
        attempts.append(args)
        raise SMTPRecipientsRefused({"dexter@example.org": (550, b"no such dexter@example.org")})

    monkeypatch.setattr("core.mail.EmailMessage.send", refuse)
    with caplog.at_level("DEBUG"):
        result = tasks.send_email.apply(kwargs=MAIL)
    assert len(attempts) == 6
    assert result.state == "FAILURE"
    assert "SMTPRecipientsRefused" in str(result.result)
    assert "SMTPRecipientsRefused" in caplog.text
    assert "dexter" not in caplog.text + result.traceback


def test_a_mail_that_is_sent_is_sent_once(mailoutbox):
    assert tasks.send_email.apply(kwargs=MAIL).state == "SUCCESS"
    [mail] = mailoutbox
    assert mail.to == ["dexter@example.org"]


def test_a_fault_of_ours_is_not_hidden(monkeypatch):
    monkeypatch.setattr("core.mail.EmailMessage.send", lambda *args: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        tasks.send_email.apply(kwargs=MAIL, throw=True)


@pytest.mark.django_db
def test_only_sessions_that_have_ended_are_deleted():
    ended, running = SessionStore(), SessionStore()
    ended.set_expiry(-1)
    ended.save()
    running.save()

    tasks.delete_expired_sessions()

    assert [session.pk for session in Session.objects.all()] == [running.session_key]
