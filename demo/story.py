"""What happened in the demo district: drills, a day of snow, a wrong message, a mailbox provider that refused all mail.

All times follow from the moment at which the district is made: days count back from it, and are days of school.
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import NamedTuple

from core.dates import start_of
from demo.kinds import ALL, CLASSIC, EMAIL, INBOX, OLR, TEXT, V2, VOICE
from messenger_logs.choices import MessageStatus, MessageType

REFUSING_PROVIDER = "familymail.example"
"""The mailbox provider that refused all mail of the district for a day."""

_FIRST_DAY, _LAST_DAY = (8, 25), (6, 9)
"""Month and day of the first and the last day of a school year."""
_WINTER = (11, 12, 1, 2, 3)


class Episode(NamedTuple):
    """A message of the story. `school` is "" for the whole district, `language` is "" for families of any."""

    sender: str
    at: datetime
    engine: str
    message_type: str
    subject: str
    body: str
    modes: tuple[str, ...]
    school: str = ""
    language: str = ""
    status: str = MessageStatus.SENT
    drill: bool = False


def school_day(latest: date) -> date:
    """Return the last day with school that is not after `latest`. Nothing is known of holidays within the year."""
    day = latest
    while day.weekday() > 4 or _LAST_DAY < (day.month, day.day) < _FIRST_DAY:
        day -= timedelta(days=1)
    return day


@dataclass(frozen=True)
class Story:
    """The days of the story, for a district that is made on the day `today` of its zone."""

    today: date

    @property
    def closed(self) -> date:
        """All schools were closed."""
        return school_day(self.today - timedelta(days=3))

    @property
    def refused(self) -> date:
        """REFUSING_PROVIDER took no mail."""
        return school_day(self.closed - timedelta(days=1))

    @property
    def mistake(self) -> date:
        """The wrong message began to go out."""
        return school_day(self.refused - timedelta(days=1))

    @property
    def drill(self) -> date:
        return school_day(min(self.closed - timedelta(days=6), self.mistake - timedelta(days=1)))

    @property
    def drill_before(self) -> date:
        return school_day(self.drill - timedelta(days=180))

    @property
    def mended_at(self) -> datetime:
        """Until then the front office had mended many contacts that the first drill had shown."""
        return start_of(self.drill_before + timedelta(days=14))

    def episodes(self) -> list[Episode]:
        """Return the messages of the story. Each member of the staff who signs in and sends has some in each log."""
        return [
            *(*self._drills(), *self._closing(), *self._wrong_message()),
            *(*self._newsletters(), *self._in_languages(), *self._scheduled()),
        ]

    def _drills(self) -> list[Episode]:
        body = "This is only a drill. We try whether we can reach you in an emergency. You need not do anything."
        return [
            Episode(
                *("admin", at(day, 10), V2, MessageType.EMERGENCY, f"Emergency drill, {day:%B}", body),
                modes=(VOICE, TEXT),
                drill=True,
            )
            for day in (self.drill_before, self.drill)
        ]

    def _closing(self) -> list[Episode]:
        if self.closed.month in _WINTER:
            subject, body = "All schools are closed today: snow", _CLOSED_FOR_SNOW
        else:
            subject, body = "All schools are closed today: no electricity", _CLOSED_WITHOUT_POWER
        return [Episode("admin", at(self.closed, 5, 40), V2, MessageType.EMERGENCY, subject, body, ALL)]

    def _wrong_message(self) -> list[Episode]:
        wrong = "Harrison Middle closes at 11:30 today. Buses leave at 11:40. Please meet {{student.firstName}}."
        right = "Our message of this morning about an early closing was sent by mistake. School ends at 3:05 as usual."
        school = "Harrison Middle"
        return [
            Episode(
                *("principal", at(self.mistake, 9, 2), V2, MessageType.PRIORITY, "Early closing today at 11:30", wrong),
                *(ALL, school),
                status=MessageStatus.CANCELED_IN_PROGRESS,
            ),
            Episode(
                *("principal", at(self.mistake, 9, 13), V2, MessageType.PRIORITY, "Correction: school ends at 3:05"),
                *(right, ALL, school),
            ),
        ]

    def _newsletters(self) -> list[Episode]:
        news = "<p>Dear families,</p><p>the news of our school this week, the lunch menu and the sports calendar.</p>"
        day = self.refused
        return [
            Episode(
                *("principal", at(day, 15, 10), CLASSIC, "Message Builder", "Harrison Middle: news of the week", news),
                *((INBOX, EMAIL), "Harrison Middle"),
            ),
            Episode(
                *("frontoffice", at(day, 11, 20), CLASSIC, "Message Builder", "Book fair in the library", news),
                *((INBOX, EMAIL), "Plainview Elementary"),
            ),
            Episode(
                *("counselor", at(day, 13, 5), CLASSIC, "Message Builder", "College applications: dates to know"),
                *("<p>The first applications are due soon. I am glad to help.</p>", (INBOX, EMAIL), "Harrison High"),
            ),
            Episode(
                *("admin", at(day, 8, 45), OLR, "Online Registration", "Registration for next year is open"),
                *("<p>Please register {{student.firstName}}.</p>", (EMAIL,), "Westside Learning Center"),
            ),
        ]

    def _in_languages(self) -> list[Episode]:
        def told(sender: str, days: int, subject: str, body: str, language: str, modes: tuple[str, ...]) -> Episode:
            day = school_day(self.closed - timedelta(days=days))
            return Episode(sender, at(day, 16, 30), V2, MessageType.GENERAL, subject, body, modes, language=language)

        return [
            told("frontoffice", 4, "Noche de familias", _FAMILY_NIGHT_IN_SPANISH, "es", (INBOX, EMAIL, TEXT)),
            told("counselor", 9, "Kulanka waalidka iyo macallimiinta", _CONFERENCES_IN_SOMALI, "so", (EMAIL, TEXT)),
            told("principal", 10, "Lub rooj sib tham nrog niam txiv", _CONFERENCES_IN_HMONG, "hmn", (EMAIL, VOICE)),
        ]

    def _scheduled(self) -> list[Episode]:
        """Return what is still to come: it is scheduled for one of the next days."""
        day = school_day(self.today - timedelta(days=1))

        def later(sender: str, hour: int, subject: str, body: str, school: str) -> Episode:
            start = (sender, at(day, hour), V2, MessageType.GENERAL, subject, body, (INBOX, EMAIL), school)
            return Episode(*start, status=MessageStatus.WAITING)

        return [
            later("principal", 9, "Open house for new families", "<p>See you in the gym.</p>", "Harrison Middle"),
            later("counselor", 10, "Course choices for next year", "<p>Please choose by Friday.</p>", "Harrison High"),
            later("frontoffice", 11, "School photos: a second date", "<p>Please smile!</p>", "Plainview Elementary"),
        ]


def at(day: date, hour: int, minute: int = 0) -> datetime:
    """Return a time of a day of the district's zone."""
    return datetime.combine(day, time(hour, minute), start_of(day).tzinfo)


_CLOSED_FOR_SNOW = (
    "All schools are closed today because of snow. Buses do not run. "
    "Hoy no hay clases en ninguna escuela por la nieve. "
    "Hnub no tag nrho cov tsev kawm ntawv kaw vim los daus. "
    "Maanta dugsiyada oo dhan way xiran yihiin baraf awgiis."
)
_CLOSED_WITHOUT_POWER = (
    "All schools are closed today because a storm cut the electricity. Buses do not run. "
    "Hoy no hay clases en ninguna escuela por falta de electricidad. "
    "Maanta dugsiyada oo dhan way xiran yihiin."
)
_FAMILY_NIGHT_IN_SPANISH = (
    "Estimadas familias: las esperamos el jueves a las 6 de la tarde en la cafetería. Habrá comida, e intérpretes "
    "para las preguntas sobre {{student.firstName}}."
)
_CONFERENCES_IN_SOMALI = "Waalidiinta sharafta leh: kulanka waalidka iyo macallimiintu waa Khamiista, 6-da fiidnimo."
_CONFERENCES_IN_HMONG = "Niam txiv: thaum hnub Thursday 6 teev tsaus ntuj peb sib tham txog {{student.firstName}}."
