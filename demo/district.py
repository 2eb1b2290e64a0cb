"""Makes the families and messages of the demo district inside the database: a million devices take minutes.

The seed and the time decide what is made: days count back from that time.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone
from psycopg2.extensions import quote_ident
from psycopg2.extras import execute_values

from accounts.models import User
from core.dates import start_of
from demo import names
from demo.kinds import CRITERIA, DRILLS, KINDS, REPLIES, Becomes, outcomes
from demo.staff import STAFF
from messenger_logs.choices import ContactState, DeliveryStatus, MessageStatus, Mode, Outcome
from messenger_logs.models import ContactToFix, Delivery, SentMessage
from messenger_logs.services.contacts import set_contact_state
from messenger_logs.services.derive_contacts import derive_contacts, note_all_contacts
from messenger_logs.services.message_status import status_from
from messenger_logs.services.repair import extend_dispatches
from messenger_logs.services.replies import record_reply
from messenger_logs.services.totals import recount_all
from messenger_logs.statuses import CODES, OUTCOMES, RANKS
from messenger_logs.totals import totals_of_many

SQL = Path(__file__).with_name("sql")
EVENTS_DOMAIN = "mg.harrison.example"
# The members of the staff who send messages.
SENDERS = ("admin", "principal", "counselor", "frontoffice")
_TABLES = ("school", "calendar", "sentmessage", "recipient", "delivery", "deviceattempt", "personreach", "reachtotals")


@dataclass(frozen=True)
class Size:
    """The size of the district. `recipients` counts those of all messages together."""

    messages: int = 300
    recipients: int = 9_000
    events: int = 0
    seed: int = 1

    @property
    def people(self) -> int:
        """The number of people: each gets about twenty messages, and even a few messages have enough people."""
        return max(400, self.recipients // 20, self.recipients // max(1, self.messages) * 2)


def make_district(size: Size, *, now: datetime | None = None) -> None:
    """Make families and messages that the staff sent, all in one transaction."""
    now = (now or timezone.now()).replace(microsecond=0)
    with transaction.atomic(), connection.cursor() as cursor:
        _make_word_lists(cursor)
        given = _given(size, now)
        steps = ["1_people", "2_messages", "3_recipients", "4_deliveries"]
        for step in [*steps, *(["5_events"] if size.events else [])]:
            # Braces in these statements only name values.
            cursor.execute((SQL / f"{step}.sql").read_text().format_map({name: f"%({name})s" for name in given}), given)
        cursor.execute("SELECT id FROM demo_message")
        _settle([pk for (pk,) in cursor.fetchall()])
    with connection.cursor() as cursor:
        for table in _TABLES:
            cursor.execute(f"ANALYZE {quote_ident(f'messenger_logs_{table}', cursor.cursor)}")
    _make_contacts()
    _make_replies(now)


def _make_replies(now: datetime) -> None:
    """Let some families text back, a few minutes after a text reached them."""
    reached = Delivery.objects.filter(mode=Mode.TEXT, outcome=Outcome.SUCCESS, last_attempt_at__lt=now)
    every_third = reached.order_by("-last_attempt_at", "address")[: 3 * len(REPLIES) : 3]
    for minutes, (text, delivery) in enumerate(zip(REPLIES, every_third, strict=False), 2):
        # The newest of them may be of this very minute.
        at = min(now, (delivery.last_attempt_at or now) + timedelta(minutes=minutes))
        record_reply(number=delivery.address, text=text, at=at, taken_as="", raw="{}")


def _make_contacts() -> None:
    """Derive the contacts to fix. The front office has told some families, and fixed some contacts."""
    for _ in note_all_contacts():
        derive_contacts()
    office = User.objects.get(username="frontoffice")
    unfixed = ContactToFix.objects.not_fixed().order_by("pk").values_list("pk", flat=True)
    for number, pk in enumerate(unfixed[:12]):
        state = ContactState.FIXED if number % 3 == 0 else ContactState.TOLD
        set_contact_state(contact_id=pk, state=state, by=office)


def _settle(messages: list[int]) -> None:
    """Count the messages, let none end before its last attempt, and correct the status of those that went otherwise."""
    recount_all(message_ids=messages)
    extend_dispatches(message_ids=messages)
    ended = [MessageStatus.SENT, MessageStatus.ERROR]
    sent = list(SentMessage.objects.filter(pk__in=messages, status__in=ended))
    totals = totals_of_many(sent)
    for message in sent:
        message.status = status_from(totals[message.pk])
    SentMessage.objects.bulk_update(sent, ["status"], batch_size=1000)


def _given(size: Size, now: datetime) -> dict[str, Any]:
    """Return the values for the names in the statements."""
    today = timezone.localdate(now)
    new_year = date(today.year - (today.month < 7), 7, 1)
    years = [f"{year}-{(year + 1) % 100:02}" for year in (new_year.year - 1, new_year.year)]
    return {
        "seed": size.seed,
        "messages": size.messages,
        "recipients": size.recipients,
        "events": size.events,
        "people": size.people,
        "households": (size.people + 1) // 2 + 1,
        "now": now,
        "zone": settings.TIME_ZONE,
        "new_year": start_of(new_year),
        "years": years,
        "schools": list(names.SCHOOLS),
        "school_count": len(names.SCHOOLS),
        "kinds": sum(kind.often for kind in KINDS),
        "drills": len(DRILLS),
        "kinds_2": [i for i, kind in enumerate(KINDS) if kind.message_type.startswith("Messenger 2.0")],
        "senders": len(SENDERS),
        "landline": names.LANDLINE_AREA_CODE,
        "areas": list(names.AREA_CODES),
        "area_count": len(names.AREA_CODES),
        "domains": list(names.MAIL_DOMAINS),
        "domain_count": len(names.MAIL_DOMAINS),
        "domain": EVENTS_DOMAIN,
    }


def _make_word_lists(cursor: Any) -> None:
    """Make temporary tables of names, kinds and chances, which the statements join."""
    communities, words, low = [], [], 0
    for number, community in enumerate(names.COMMUNITIES):
        given, family = names.pairs(community.given), names.pairs(community.family)
        communities.append((number, community.tag, low, low + community.percent - 1, len(given), len(family)))
        low += community.percent
        words += [(number, "given", i, *pair) for i, pair in enumerate(given)]
        words += [(number, "family", i, *pair) for i, pair in enumerate(family)]
    _table(cursor, "demo_community", "id int, language text, low int, high int, givens int, families int", communities)
    _table(cursor, "demo_name", "community int, kind text, i int, shown text, letters text", words)
    _table(cursor, "demo_sender", "i int, id int, name text, username text", _senders())
    _table(
        cursor,
        "demo_kind",
        "i int, engine text, message_type text, subject text, modes text[], audience float, scheduled bool,"
        " bodies jsonb, attachments jsonb, criteria jsonb, days_ago int",
        _kinds(),
    )
    _table(
        cursor,
        "demo_outcome",
        "mode text, low int, high int, status text, detail text, outcome text, code int, most_attempts int,"
        " email_outcome text, email_reason text",
        chances := _chances(outcomes()),
    )
    _table(cursor, "demo_hopeless", "mode text, chance int", _hopeless(chances))
    _table(cursor, "demo_fixed", "mode text, status text, detail text, outcome text, code int, attempts int", _fixed())
    _table(cursor, "demo_rank", "status text, rank int", [(str(status), rank) for status, rank in RANKS.items()])


def _table(cursor: Any, name: str, columns: str, rows: Iterable[Sequence[Any]]) -> None:
    cursor.execute(f"CREATE TEMP TABLE {name} ({columns}) ON COMMIT DROP")
    execute_values(cursor.cursor, f"INSERT INTO {name} VALUES %s", list(rows))  # noqa: S608  (our own names)
    cursor.execute(f"ANALYZE {name}")


def _senders() -> list[tuple[int, int, str, str]]:
    staff = {user.username: user for user in User.objects.filter(username__in=[person.username for person in STAFF])}
    senders = [staff[username] for username in SENDERS]
    return [(i, user.pk, user.listed_name, user.username) for i, user in enumerate(senders)]


def _kinds() -> list[tuple[Any, ...]]:
    """Return each kind once, and frequent kinds several times; then the drills."""
    again = [kind for kind in KINDS for _ in range(kind.often - 1)]
    return [
        (
            i,
            kind.engine,
            kind.message_type,
            kind.subject,
            list(kind.modes),
            kind.audience,
            kind.scheduled,
            json.dumps(dict.fromkeys(kind.modes, kind.body)),
            json.dumps([{"name": kind.attachment, "size": 48_000}] if kind.attachment else []),
            json.dumps(CRITERIA[kind.engine]),
            kind.drill_days_ago,
        )
        for i, kind in enumerate([*KINDS, *again, *DRILLS])
    ]


def _chances(all_outcomes: list[Becomes]) -> list[tuple[Any, ...]]:
    """Return each outcome with its range of the numbers from 0 to 999 of its mode. The last one gets the rest."""
    rows: list[tuple[Any, ...]] = []
    for mode in Mode:
        of_mode = [outcome for outcome in all_outcomes if outcome.mode == mode]
        low = 0
        for outcome in of_mode:
            high = 999 if outcome is of_mode[-1] else low + outcome.share - 1
            rows.append((str(mode), low, high, *map(_plain, outcome[2:])))
            low += outcome.share
        assert low <= 1000, f"{mode}: {low} of a thousand"
    return rows


def _hopeless(chances: list[tuple[Any, ...]]) -> Iterator[tuple[str, int]]:
    """Yield the result that a family's wrong number or dead mailbox has each time: its mode and its lowest chance."""
    for mode, low, _high, *_, code, _attempts, email_outcome, _reason in chances:
        if (mode, code) in ((Mode.VOICE, 3), (Mode.TEXT, -40)) or email_outcome == "failed-permanent":
            yield mode, low


def _fixed() -> list[tuple[Any, ...]]:
    """Return the results that have a fixed reason: the status, the code if there is one, and the number of attempts."""
    codes = {
        (Mode.VOICE, DeliveryStatus.DUPLICATE): -4,
        (Mode.TEXT, DeliveryStatus.DUPLICATE): -4,
        (Mode.TEXT, DeliveryStatus.OPT_OUT): -33,
        (Mode.VOICE, DeliveryStatus.FAILED): -35,
        (Mode.TEXT, DeliveryStatus.FAILED): -30,
        (Mode.TEXT, DeliveryStatus.VENDOR_RECEIVED): -39,
    }
    tried = {DeliveryStatus.FAILED, DeliveryStatus.VENDOR_RECEIVED, DeliveryStatus.IN_PROGRESS}
    fixed = [
        *(DeliveryStatus.NO_DEVICE, DeliveryStatus.DUPLICATE, DeliveryStatus.NOT_ELIGIBLE, DeliveryStatus.OPT_OUT),
        *(DeliveryStatus.WAITING, DeliveryStatus.CANCELED, DeliveryStatus.IN_PROGRESS, DeliveryStatus.FAILED),
        DeliveryStatus.VENDOR_RECEIVED,
    ]
    rows: list[tuple[Any, ...]] = []
    for mode in Mode:
        for status in fixed:
            code = codes.get((mode, status))
            detail = CODES[code].detail if code is not None else ""
            rows.append((str(mode), str(status), detail, str(OUTCOMES[status]), code, int(status in tried)))
    return rows


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, str) else value
