"""A worker as a separate process: it hands over what is due in one mode, and dies at the step that DIE_AT names."""

import os
import sys

import django

from messenger_logs.choices import Mode

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.dispatch.settings"
django.setup()

from dispatch.services import claims, sending  # noqa: E402
from tests.dispatch.stub import die_at  # noqa: E402

name, hand_over, record_answer = claims.worker_name, sending.hand_over, sending.record_answer


def in_the_claim() -> str:
    die_at("claiming")
    return name()


def after_the_claim(*args):
    die_at("claimed")
    return hand_over(*args)


def around_the_record(*args, **named):
    die_at("answered")
    record_answer(*args, **named)
    die_at("recorded")


claims.worker_name, sending.hand_over, sending.record_answer = in_the_claim, after_the_claim, around_the_record
sending.send_due(Mode(sys.argv[1]))
