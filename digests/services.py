"""Digests are chosen, and sent."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, gettext_noop

from accounts.models import User
from accounts.services import record_audit_event
from accounts.tasks import send_email
from core.clock import has_come
from core.dates import time_text, written
from core.languages import english, in_language_of
from core.mail import can_send_mail, site_link
from core.queue import call_worker
from core.recurrence import LONGEST, Every, Recurrence
from digests.content import Digest, days_before, digest_of
from digests.models import DigestChoice, HowOften

# A time that was missed by more is skipped.
LATEST = timedelta(days=1)
# So many digests a run; the next run goes on.
MOST = 500
DAYS = {HowOften.DAY: 1, HowOften.WEEK: 7}

NO_MAIL = gettext_noop("no e-mail was sent: there is no e-mail address, or the site sends no e-mail.")
NO_RIGHTS = gettext_noop("no e-mail was sent: you may see nothing that a digest has.")
NO_NEWS = gettext_noop("no e-mail was sent: nothing had happened.")
SKIPPED = gettext_noop("no e-mail was sent: the product was away for more than a day.")
SENT = gettext_noop("an e-mail was sent.")

log = logging.getLogger(__name__)


class QueueAway(Exception):
    """The mail could not be handed to a worker."""


def choose_digest(*, by: User, every: HowOften | None, hour: int = 0, weekday: int = 0, only_news: bool = True) -> None:
    """Send a person a digest from now on, or (without `every`) none any more."""
    with transaction.atomic():
        if every is None:
            DigestChoice.objects.filter(user=by).delete()
        else:
            following = Recurrence(Every(every), hour, weekday=weekday).next_after(timezone.now())
            choice = {"every": every, "hour": hour, "weekday": weekday, "only_news": only_news, "next_at": following}
            DigestChoice.objects.update_or_create(user=by, defaults=choice | {"note": ""})
        record_audit_event(by=by, action="digest.chosen", target=english(every.label) if every else "None")


def send_digests(*, now: datetime | None = None) -> int:
    """Send all digests that are due. Returns how many mails were given to the workers."""
    now = now or timezone.now()
    due = DigestChoice.objects.filter(has_come("next_at", now, at_most=LONGEST)).order_by("next_at", "pk")
    sent = 0
    for pk in list(due.values_list("pk", flat=True)[:MOST]):
        try:
            sent += send_digest(pk, now=now)
        except QueueAway:
            break
        except Exception:
            # The others go on. This one is tried again, until its time is too long ago.
            log.exception("The digest of account %s failed.", pk)
    return sent


def send_digest(pk: int, *, now: datetime) -> bool:
    """Send the digest of one account. Returns False if none was sent, or another worker was quicker.

    Raises QueueAway: then nothing has changed, and the next run tries again.
    """
    with transaction.atomic():
        choice = DigestChoice.objects.select_related("user").filter(pk=pk).first()
        if choice is None:
            return False
        recurrence, same = choice.recurrence, DigestChoice.objects.filter(pk=pk, next_at=choice.next_at)
        if not same.update(next_at=recurrence.next_after(now)):
            return False
        due = max(recurrence.missed(choice.next_at, now), default=None)
        with in_language_of(choice.user):
            said = _send(choice, due, now) if due else ""
            sent = said.endswith(gettext(SENT))
        if said:
            DigestChoice.objects.filter(pk=pk).update(note=said)
    return sent


def _send(choice: DigestChoice, due: datetime, now: datetime) -> str:
    """Send the digest of a time. Returns what happened, in a sentence."""
    return f"{time_text(due)}: {_outcome(choice, due, now)}"


def _outcome(choice: DigestChoice, due: datetime, now: datetime) -> str:
    user = choice.user
    if now - due > LATEST:
        return gettext(SKIPPED)
    if not (user.is_active and user.email and can_send_mail()):
        return gettext(NO_MAIL)
    first, last = days_before(due, DAYS[HowOften(choice.every)])
    digest = digest_of(user, first=first, last=last, now=now)
    if not digest.has_parts:
        return gettext(NO_RIGHTS)
    if choice.only_news and not digest.has_news:
        return gettext(NO_NEWS)
    subject, body = (_text(part, digest) for part in ("subject", "message"))
    if not call_worker(send_email, subject=subject.strip(), body=body, to=[user.email]):
        raise QueueAway
    return gettext(SENT)


def _text(part: str, digest: Digest) -> str:
    first, last = written(digest.first), written(digest.last)
    context = {
        "digest": digest,
        "days": first if first == last else gettext("%(first)s to %(last)s") % {"first": first, "last": last},
        "home_url": site_link(reverse("web:home")),
        "reach_url": digest.reach_url and site_link(digest.reach_url),
        "contacts_url": digest.contacts_url and site_link(digest.contacts_url),
        "troubles_url": digest.troubles_url and site_link(digest.troubles_url),
        "choices_url": site_link(reverse("web:my_notifications")),
        "DISTRICT_NAME": settings.DISTRICT_NAME,
    }
    return render_to_string(f"digests/digest_{part}.txt", context)
