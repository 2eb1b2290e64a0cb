"""What needs somebody, for Home: a line for each thing that the user may look after, also while nothing is wrong.

So the lines of a person stay the same, and a page that is refreshed keeps its height.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse
from django.utils import timezone
from django.utils.text import Truncator
from django.utils.translation import gettext, ngettext, pgettext_lazy

from accounts.models import User
from accounts.tools import CONTACT_TOOLS, Right, Tool
from core.dates import time_text
from core.statuses import Shape, Status, Tone
from core.troubles import Trouble
from dispatch.services.retry import messages_in_doubt
from messenger_logs.choices import CANCELABLE, ContactState, MessageType
from messenger_logs.models import ContactToFix, SentMessage
from messenger_logs.querysets import CANCEL_TOOLS, visible_types
from messenger_logs.reach import People, people_of_many
from messenger_logs.sight import Sight
from web.health_verdict import WORKS, status_of, troubles_for
from web.menu import page_url
from web.message_urls import message_logs, message_url

# Contacts are counted up to this number.
COUNTED_TO = 1_000
LONGEST_SUBJECT = 60

FINE = Status(pgettext_lazy("status", "Fine"), Shape.CHECK, Tone.GOOD)
MISSED = Status(pgettext_lazy("status", "People not reached"), Shape.CROSS, Tone.BAD)
TO_FIX = Status(pgettext_lazy("status", "To fix"), Shape.TRIANGLE, Tone.WARNING)
IN_DOUBT = Status(pgettext_lazy("status", "In doubt"), Shape.HALF, Tone.WARNING)


@dataclass(frozen=True)
class Need:
    """One line: ``words`` lead to ``url``, if there is something to open; ``more`` follows them."""

    name: str
    status: Status
    words: str
    url: str = ""
    more: str = ""


def needs_of(user: User) -> list[Need]:
    """Return the lines of this user, always in the same order. The number of queries does not grow."""
    kinds = (last_emergency, contacts_to_fix, in_doubt, system_health)
    return [need for kind in kinds for need in kind(user, timezone.now())]


def last_emergency(user: User, now: datetime) -> Iterator[Need]:
    """Yield whom the last emergency did not reach, of the schools whose people the user sees."""
    if not (user.may(Tool.SENT_MESSAGE_LOG_2) and MessageType.EMERGENCY in visible_types(user)):
        return
    message = SentMessage.objects.in_logs_of(user).emergencies().begun().order_by("-scheduled_at", "-pk").first()
    tool = message_logs(user, [message.pk]).get(message.pk) if message else None
    if message is None or tool is None:
        yield Need("emergency", FINE, gettext("No emergency message went out so far."))
        return
    people = people_of_many([message.pk], Sight.of(user, tool).scope_in(message)).get(message.pk, People())
    yield _emergency(message, people, tool)


def _emergency(message: SentMessage, people: People, tool: Tool) -> Need:
    subject = Truncator(message.display_subject).chars(LONGEST_SUBJECT)
    known = {"subject": subject, "time": time_text(message.scheduled_at), "count": f"{people.unconfirmed:,}"}
    if people.unconfirmed:
        more = gettext("by the last emergency message, “%(subject)s” of %(time)s. Not confirmed: %(count)s.") % known
    else:
        more = gettext("by the last emergency message, “%(subject)s” of %(time)s.") % known
    if people.unreached:
        words = _not_reached(people, yet=message.status in CANCELABLE)
        return Need("emergency", MISSED, words, message_url(tool, message.pk, "unreached"), more)
    told = {"reached": f"{people.reached:,}", "total": f"{people.total:,}"}
    words = gettext("%(reached)s of %(total)s people were reached") % told
    return Need("emergency", FINE, words, message_url(tool, message.pk), more)


def _not_reached(people: People, *, yet: bool) -> str:
    number = people.unreached
    if yet:
        words = ngettext(
            "%(missed)s of %(total)s people was not reached yet",
            "%(missed)s of %(total)s people were not reached yet",
            number,
        )
    else:
        words = ngettext(
            "%(missed)s of %(total)s people was not reached", "%(missed)s of %(total)s people were not reached", number
        )
    return words % {"missed": f"{number:,}", "total": f"{people.total:,}"}


def contacts_to_fix(user: User, now: datetime) -> Iterator[Need]:
    """Yield the addresses and numbers that nobody has looked after yet."""
    tool = next((tool for tool in CONTACT_TOOLS if user.may(tool)), None)
    if tool is None:
        return
    url = f"{page_url(tool)}?which={ContactState.OPEN.value}"
    found = ContactToFix.objects.visible_to(user, tool).filter(state=ContactState.OPEN)[: COUNTED_TO + 1].count()
    if not found:
        yield Need("contacts", FINE, gettext("No address or number has to be fixed."), page_url(tool))
        return
    if found > COUNTED_TO:
        words = gettext("More than %(count)s addresses and numbers fail for good") % {"count": f"{COUNTED_TO:,}"}
    else:
        words = ngettext(
            "%(count)s address or number fails for good", "%(count)s addresses and numbers fail for good", found
        )
        words %= {"count": f"{found:,}"}
    yield Need("contacts", TO_FIX, words, url, gettext("and no family was told yet."))


def in_doubt(user: User, now: datetime) -> Iterator[Need]:
    """Yield the calls and texts of which nobody knows whether they arrived, for those who may send them again."""
    if not any(user.may(tool, Right.WRITE) for tool in CANCEL_TOOLS):
        return
    found = messages_in_doubt(user, now)
    if not found:
        yield Need("in-doubt", FINE, gettext("No call or text is in doubt."))
        return
    first, devices = found[0], sum(one.devices for one in found)
    words = ngettext("%(count)s call or text is in doubt", "%(count)s calls and texts are in doubt", devices)
    if len(found) > 1:
        more = gettext("of “%(subject)s” and of %(count)s more: nobody knows whether they arrived.")
    else:
        more = gettext("of “%(subject)s”: nobody knows whether they arrived.")
    subject = Truncator(first.subject).chars(LONGEST_SUBJECT)
    yield Need(
        "in-doubt",
        IN_DOUBT,
        words % {"count": f"{devices:,}"},
        message_url(first.tool, first.message_id, "retry"),
        more % {"subject": subject, "count": f"{len(found) - 1:,}"},
    )


def system_health(user: User, now: datetime) -> Iterator[Need]:
    """Yield the worst of what does not work."""
    if user.may(Tool.MAILGUN_SYNC):
        yield _verdict(troubles_for(user, now))


def _verdict(troubles: list[Trouble]) -> Need:
    url = reverse("web:system_health")
    if not troubles:
        return Need("health", WORKS, str(WORKS.word), url)
    worst = troubles[0]
    others = len(troubles) - 1
    more = ngettext("One thing more needs a look.", "%(count)s things more need a look.", others)
    told = more % {"count": f"{others:,}"} if others else ""
    return Need("health", status_of(worst), f"{worst.part}: {worst.words}", url, told)
