"""Makes the families and messages of the demo district inside the database: a million devices take minutes.

The seed and the time decide what is made: days count back from that time.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone
from django.utils.html import strip_tags
from psycopg2.extensions import quote_ident
from psycopg2.extras import execute_values

from accounts.models import User
from alerts.models import Alert
from core.dates import start_of
from demo import kinds, names
from demo.kinds import KINDS, REPLIES, Becomes, criteria, outcomes
from demo.staff import COLLEAGUES, SENDERS, STAFF
from demo.story import REFUSING_PROVIDER, Story
from messenger_logs.choices import PHONE, ContactState, DeliveryStatus, MessageStatus, MessageType, Mode, Outcome
from messenger_logs.models import ContactToFix, Delivery, Reply, SentMessage, TextConsent
from messenger_logs.services.contacts import set_contact_state
from messenger_logs.services.derive_contacts import derive_contacts, note_all_contacts
from messenger_logs.services.message_status import status_from
from messenger_logs.services.repair import extend_dispatches
from messenger_logs.services.replies import record_reply
from messenger_logs.services.totals import recount_all
from messenger_logs.statuses import CODES, OUTCOMES, RANKS
from messenger_logs.totals import totals_of_many
from messenger_logs.troubles import troubles

SQL = Path(__file__).with_name("sql")
AUDIT = SQL / "after" / "audit.sql"
EVENTS_DOMAIN = "mg.harrison.example"
# A family has one parent or two, and messages are dealt out by the places for two.
PEOPLE_A_SLOT = 0.85
_TABLES = ("school", "calendar", "sentmessage", "recipient", "delivery", "deviceattempt", "personreach", "reachtotals")


@dataclass(frozen=True)
class Size:
    """The size of the district. `recipients` counts those of all messages together."""

    messages: int = 300
    recipients: int = 36_000
    events: int = 0
    seed: int = 1

    @property
    def families(self) -> int:
        """The number of families: enough for a story, and of a large district more."""
        return max(200, min(names.FAMILIES, self.recipients // 6), self.recipients // 40)


def make_district(size: Size, *, now: datetime | None = None) -> None:
    """Make families, messages that the staff sent, and what happened to them, all in one transaction."""
    now = (now or timezone.now()).replace(microsecond=0)
    with transaction.atomic(), connection.cursor() as cursor:
        _join_staff(now)
        _make_word_lists(cursor, now)
        given = _given(size, now)
        for file in sorted(SQL.glob("*.sql")):
            # Braces in these statements only name values.
            cursor.execute(file.read_text().format_map({name: f"%({name})s" for name in given}), given)
        cursor.execute("SELECT id FROM demo_message ORDER BY id")
        messages = [pk for (pk,) in cursor.fetchall()]
        _settle(messages)
        cursor.execute(AUDIT.read_text().format_map({name: f"%({name})s" for name in given}), given)
    with connection.cursor() as cursor:
        for table in _TABLES:
            cursor.execute(f"ANALYZE {quote_ident(f'messenger_logs_{table}', cursor.cursor)}")
    _make_contacts()
    _make_replies(now)
    _make_alerts(now)


def _join_staff(now: datetime) -> None:
    """Let the staff be here for longer than the oldest message, each at the own school; all but the newcomer."""
    staff = User.objects.filter(username__in=[person.username for person in [*STAFF, *COLLEAGUES]])
    staff.exclude(username="newcomer").update(date_joined=now - timedelta(days=900))


def _make_replies(now: datetime) -> None:
    """Let some families text back, a few minutes after an emergency text reached them, and the last opt out."""
    reached = Delivery.objects.filter(
        message__message_type=MessageType.EMERGENCY, message__drill=False, mode=Mode.TEXT, outcome=Outcome.SUCCESS
    )
    every_third = reached.order_by("-message", "address")[: 3 * len(REPLIES) : 3]
    for minutes, (text, delivery) in enumerate(zip(REPLIES, every_third, strict=False), 2):
        at = min(now, (delivery.last_attempt_at or now) + timedelta(minutes=minutes))
        record_reply(number=delivery.address, text=text, at=at, taken_as="", raw="{}")
    for consent in TextConsent.objects.filter(opted_out=True).order_by("-said_at", "number")[:3]:
        record_reply(number=consent.number, text="STOP", at=consent.said_at, taken_as=Reply.TakenAs.STOP, raw="{}")


def _make_alerts(now: datetime) -> None:
    """Make the alerts that the messages of the last weeks would have fired. They are over."""
    reader = User.objects.get(username="messenger")
    for days in range(20, 1, -1):
        for trouble in troubles(now - timedelta(days=days)):
            fired = (trouble.since or now) + timedelta(minutes=10)
            over = fired + timedelta(days=1)
            if not Alert.objects.filter(key=trouble.key).exists():
                Alert.objects.create(
                    **{name: getattr(trouble, name) for name in ("key", "part", "words", "to_do", "urgent", "since")},
                    fired_at=fired,
                    last_seen_at=over,
                    quiet_since=over,
                    cleared_at=over,
                    acknowledged_at=fired + timedelta(minutes=25),
                    acknowledged_by=reader,
                    acknowledged_by_name=reader.listed_name,
                )


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
        message.status = status_from(totals[message.pk].modes.values())
    SentMessage.objects.bulk_update(sent, ["status"], batch_size=1000)


def _given(size: Size, now: datetime) -> dict[str, Any]:
    """Return the values for the names in the statements."""
    today = timezone.localdate(now)
    new_year = date(today.year - (today.month < 7), 7, 1)
    years = [f"{year}-{(year + 1) % 100:02}" for year in (new_year.year - 1, new_year.year)]
    story = Story(today)
    return {
        "seed": size.seed,
        "messages": size.messages,
        "recipients": size.recipients,
        "people_a_slot": PEOPLE_A_SLOT,
        "events": size.events,
        "people": 2 * size.families,
        "households": size.families,
        "now": now,
        "zone": settings.TIME_ZONE,
        "new_year": start_of(new_year),
        "years": years,
        "schools": list(names.SCHOOLS),
        "percents": list(names.SCHOOL_SHARES.values()),
        "kinds": sum(kind.often for kind in KINDS),
        "kinds_2": [i for i, kind in enumerate(KINDS) if kind.message_type.startswith("Messenger 2.0")],
        "episodes": len(story.episodes()),
        "mended_at": story.mended_at,
        "refusing": REFUSING_PROVIDER,
        "refused_on": story.refused,
        "senders": len(SENDERS),
        "landline": names.LANDLINE_AREA_CODE,
        "areas": list(names.AREA_CODES),
        "area_count": len(names.AREA_CODES),
        "domains": list(names.MAIL_DOMAINS),
        "domain_count": len(names.MAIL_DOMAINS),
        "domain": EVENTS_DOMAIN,
        **_wrong_devices(),
    }


def _wrong_devices() -> dict[str, int]:
    """Return the chances by which the statements say what is wrong with a device."""
    rows = _chances(outcomes())
    mail = {(row[8], row[9]): row[1] for row in rows if row[0] == Mode.EMAIL}
    codes = {(row[0], row[6]): row[1] for row in rows}
    return {
        "no_mailbox": mail["failed-permanent", kinds.NO_MAILBOX],
        "mailbox_full": mail["failed-permanent", kinds.MAILBOX_FULL],
        "refused": mail["failed-permanent", kinds.REFUSED],
        "suppressed": mail["suppressed", kinds.SUPPRESSED],
        "not_in_service": codes[Mode.VOICE, 3],
        "unknown_number": codes[Mode.TEXT, -40],
    }


def _make_word_lists(cursor: Any, now: datetime) -> None:
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
    _table(cursor, "demo_sender", "i int, id int, name text, username text, school text", _senders())
    _table(
        cursor,
        "demo_episode",
        "n int, sender text, created_at timestamptz, engine text, message_type text, subject text, modes text[],"
        " bodies jsonb, criteria jsonb, school text, language text, status text, drill bool",
        _episodes(now),
    )
    _table(
        cursor,
        "demo_kind",
        "i int, engine text, message_type text, subject text, modes text[], audience float, scheduled bool,"
        " bodies jsonb, attachments jsonb, criteria jsonb",
        _kinds(),
    )
    _table(
        cursor,
        "demo_outcome",
        "mode text, low int, high int, status text, detail text, outcome text, code int, most_attempts int,"
        " email_outcome text, email_reason text",
        _chances(outcomes()),
    )
    _table(cursor, "demo_fixed", "mode text, status text, detail text, outcome text, code int, attempts int", _fixed())
    _table(cursor, "demo_rank", "status text, rank int", [(str(status), rank) for status, rank in RANKS.items()])


def _table(cursor: Any, name: str, columns: str, rows: Iterable[Sequence[Any]]) -> None:
    cursor.execute(f"CREATE TEMP TABLE {name} ({columns}) ON COMMIT DROP")
    execute_values(cursor.cursor, f"INSERT INTO {name} VALUES %s", list(rows))  # noqa: S608  (our own names)
    cursor.execute(f"ANALYZE {name}")


def _senders() -> list[tuple[int, int, str, str, str]]:
    staff = {user.username: user for user in User.objects.filter(username__in=[person.username for person in SENDERS])}
    found = [(staff[person.username], person.school) for person in SENDERS]
    return [(i, user.pk, user.listed_name, user.username, school) for i, (user, school) in enumerate(found)]


def _episodes(now: datetime) -> list[tuple[Any, ...]]:
    return [
        (
            *(n, one.sender, one.at, one.engine, str(one.message_type), one.subject, list(one.modes)),
            *(_bodies(one.body, one.modes), json.dumps(criteria(one.engine, one.language))),
            *(one.school, one.language, str(one.status), one.drill),
        )
        for n, one in enumerate(Story(timezone.localdate(now)).episodes())
    ]


def _bodies(body: str, modes: Sequence[str]) -> str:
    """Return the text for each mode as JSON. A telephone gets it without HTML."""
    return json.dumps({mode: strip_tags(body) if mode in PHONE else body for mode in modes})


def _kinds() -> list[tuple[Any, ...]]:
    """Return each kind once, and frequent kinds several times."""
    again = [kind for kind in KINDS for _ in range(kind.often - 1)]
    return [
        (
            *(i, kind.engine, kind.message_type, kind.subject, list(kind.modes), kind.audience, kind.scheduled),
            _bodies(kind.body, kind.modes),
            json.dumps([{"name": kind.attachment, "size": 48_000}] if kind.attachment else []),
            json.dumps(criteria(kind.engine)),
        )
        for i, kind in enumerate([*KINDS, *again])
    ]


def _chances(all_outcomes: list[Becomes]) -> list[tuple[Any, ...]]:
    """Return each outcome with its range of the numbers from 0 to 999 of its mode. The last one gets the rest.

    One without a share has a number of its own from 1000 on: the statements say when it happens.
    """
    rows: list[tuple[Any, ...]] = []
    for mode in Mode:
        of_mode = [outcome for outcome in all_outcomes if outcome.mode == mode]
        low = 0
        for number, outcome in enumerate(of_mode, 1000):
            span = (low, low + outcome.share - 1) if outcome.share else (number, number)
            span = (low, 999) if outcome is of_mode[-1] else span
            rows.append((str(mode), *span, *map(_plain, outcome[2:])))
            low += outcome.share
        assert low <= 1000, f"{mode}: {low} of a thousand"
    return rows


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
