"""A worker as a separate process: it hands over what is due in one mode, and dies at the step that DIE_AT names."""

import os
import sys

import django

from messenger_logs.choices import Mode

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.dispatch.settings"
django.setup()

from dispatch.services import claims, sending  # noqa: E402
from tests.dispatch.stub import die_at  # noqa: E402

name, claim_next, record_answers = claims.worker_name, sending.claim_next, sending.record_answers


def in_the_claim() -> str:
    die_at("claiming")
    return name()


def after_the_claim(*args, **named):
    claim = claim_next(*args, **named)
    die_at("claimed")
    return claim


def around_the_record(*args, **named):
    die_at("answered")
    record_answers(*args, **named)
    die_at("recorded")


claims.worker_name, sending.claim_next, sending.record_answers = in_the_claim, after_the_claim, around_the_record
sending.send_due(Mode(sys.argv[1]))
