"""The mail of a plausible district, day by day, as events that become visible as time passes.

Only the seed and the date decide a day's events, so a restarted server has the same events. The store already has
future events; each becomes visible at its time.
"""

import random
import threading
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sandbox.announcements import (
    CLOSED,
    CLOSED_ELSEWHERE,
    REGULAR,
    SCHOOLS,
    SINGLE,
    WEEK_SHARE,
    Announcement,
    Sender,
    can_snow,
)
from sandbox.events import NewEvent
from sandbox.mails import Mail, Send
from sandbox.people import Person, make_people
from sandbox.provider import Provider

EVENTS_PER_MAIL = 2.12
"""The average number of events of a mail."""
TRICKLE_SECONDS = 12
"""Beside the day's waves, each of these intervals has one mail, so that every hour has new events."""
TRICKLE_BEFORE = timedelta(minutes=30)
TRICKLE_AHEAD = timedelta(minutes=2)


class Traffic:
    """Fills the provider's stores with past mail, and adds mail as the clock runs.

    `per_day` is the average number of events a day in all domains together, without the trickle. Without `people` it
    makes up people. On the days `closed` there is no school, and others send the news of it; None: on days of snow, by
    chance.
    """

    def __init__(
        self,
        provider: Provider,
        *,
        senders: Iterable[Sender],
        time_zone: ZoneInfo,
        history_days: int = 30,
        per_day: int = 3000,
        seed: int = 1,
        people: Sequence[Person] = (),
        schools: Sequence[str] = SCHOOLS,
        closed: Collection[date] | None = None,
    ) -> None:
        self._provider = provider
        self._senders = list(senders)
        self._zone = time_zone
        self._seed = seed
        self._mails_a_day = per_day * 7 / EVENTS_PER_MAIL / WEEK_SHARE / max(1, len(provider.stores))
        self._schools, self._closed = list(schools), closed
        self._people = list(people) or make_people(max(50, per_day * 3 // 4), seed)
        now = provider.clock.now()
        self._next_day = self._day_of(now) - timedelta(days=history_days)
        self._next_slot = int((now - TRICKLE_BEFORE.total_seconds()) // TRICKLE_SECONDS)
        self._lock = threading.Lock()

    def fill(self) -> None:
        """Make the events that are due by the provider's clock: whole days up to tomorrow, the trickle a bit ahead."""
        now = self._provider.clock.now()
        with self._lock:
            while self._next_day <= self._day_of(now) + timedelta(days=1):
                for domain, store in self._provider.stores.items():
                    store.add_all(self._events_of_day(domain, self._next_day))
                    store.forget_before(now - 2 * self._provider.retention.total_seconds())
                self._next_day += timedelta(days=1)
            slots = range(self._next_slot, int((now + TRICKLE_AHEAD.total_seconds()) // TRICKLE_SECONDS))
            if slots:
                self._provider.stores[self._provider.domain].add_all(
                    event for slot in slots for event in self._trickle(slot)
                )
                self._next_slot = slots.stop

    def _day_of(self, timestamp: float) -> date:
        return datetime.fromtimestamp(timestamp, self._zone).date()

    def _events_of_day(self, domain: str, day: date) -> Iterator[NewEvent]:
        rng = random.Random(f"{self._seed} {domain} {day}")
        for announcement in self._announcements(day, rng):
            if day.weekday() not in announcement.weekdays:
                continue
            earliest = datetime.combine(day, announcement.at, self._zone).timestamp()
            recipients = round(self._mails_a_day * announcement.share / announcement.sends)
            for _ in range(announcement.sends):
                begin = earliest + rng.uniform(0, announcement.spread * 60)
                people = rng.sample(self._people, min(recipients or 1, len(self._people)))
                yield from self._announce(announcement, domain, people, begin, rng)

    def _announcements(self, day: date, rng: random.Random) -> Sequence[Announcement]:
        if self._closed is None:
            return CLOSED if can_snow(day) and rng.random() < 1 / 15 else REGULAR
        return CLOSED_ELSEWHERE if day in self._closed else REGULAR

    def _trickle(self, slot: int) -> Iterator[NewEvent]:
        rng = random.Random(f"{self._seed} trickle {slot}")
        begin = slot * TRICKLE_SECONDS + rng.uniform(0, 4)
        yield from self._announce(SINGLE, self._provider.domain, [rng.choice(self._people)], begin, rng)

    def _announce(
        self, announcement: Announcement, domain: str, people: list[Person], begin: float, rng: random.Random
    ) -> Iterator[NewEvent]:
        """Write to these people, each in their language if it has a text: one send for each language."""
        fitting = [sender for sender in self._senders if sender.role in announcement.roles]
        sender = rng.choice(fitting or self._senders)
        school = rng.choice(self._schools)
        by_language: dict[str, list[Person]] = defaultdict(list)
        for person in people:
            by_language[person.language if person.language in announcement.subjects else "en"].append(person)
        day = datetime.fromtimestamp(begin, self._zone)
        for language, readers in by_language.items():
            subject = rng.choice(announcement.subjects[language])
            subject = subject.format(school=school, date=f"{day:%A, %B} {day.day}")
            send = self._send(domain, sender, school, subject, announcement.tag, begin, rng)
            for number, person in enumerate(readers):
                # The provider accepts about fifty a second.
                handed_over = begin + (number + rng.random()) / 50
                lists = self._provider.suppressions[domain]
                # The lists do not decide these events: a restarted server has the same.
                lists.note(person, handed_over)
                yield from Mail(send, person, rng, lists.learn).events(handed_over)

    @staticmethod
    def _send(
        domain: str, sender: Sender, school: str, subject: str, tag: str, begin: float, rng: random.Random
    ) -> Send:
        stamp = datetime.fromtimestamp(begin, ZoneInfo("UTC")).strftime("%Y%m%d%H%M%S")
        forms = ("object", "list", "null", "text", "error")
        return Send(
            domain=domain,
            message_id=f"{stamp}.{rng.getrandbits(64):016x}@{domain}",
            username=sender.username,
            from_=f"{school} <messenger@{domain}>",
            subject=subject,
            tag=tag,
            size=rng.randrange(1_500, 40_000),
            variables=rng.choices(forms, (940, 20, 15, 20, 5))[0],
        )
