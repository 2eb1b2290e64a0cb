"""The messages that a district sends to its families: their texts, their times, and their share of the families."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, time

SCHOOL_DAYS = frozenset(range(5))
TUESDAY, THURSDAY, FRIDAY, SUNDAY = 1, 3, 4, 6


@dataclass(frozen=True)
class Announcement:
    """A kind of message that goes out again and again.

    `subjects` are by language; a family whose language is missing gets the English one. `share` is its part of an
    average school day's mail on each of its days. Its `sends` start within `spread` minutes from `at`.
    """

    tag: str
    roles: frozenset[str]
    weekdays: frozenset[int]
    at: time
    spread: int
    share: float
    sends: int
    subjects: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Sender:
    """A sender: the username in the product, and the role."""

    username: str
    role: str

    @classmethod
    def parse(cls, text: str) -> "Sender":
        """Read `username` or `username:role`. Without a role, the username is the role."""
        username, _, role = text.strip().partition(":")
        return cls(username, role or username)


ATTENDANCE = {
    "en": (
        "Your student was marked absent on {date}",
        "Absence recorded on {date}: please call the attendance line",
    ),
    "es": ("Su estudiante tiene una ausencia registrada hoy",),
    "hmn": ("Koj tus me nyuam tsis tuaj kawm ntawv hnub no",),
    "so": ("Ardaygaagu maanta dugsiga ma uusan iman",),
    "vi": ("Hôm nay con của quý vị vắng mặt ở trường",),
    "ar": ("تم تسجيل غياب ابنكم أو ابنتكم اليوم",),
    "zh": ("您的孩子今天缺课",),
}

MISSING_WORK = {
    "en": ("Missing assignments as of {date}", "Some classwork has not been turned in yet"),
    "es": ("Tareas pendientes de su estudiante",),
    "hmn": ("Koj tus me nyuam tseem tshuav ntaub ntawv tsis tau xa",),
    "vi": ("Bài tập con của quý vị chưa nộp",),
}

NEWSLETTER = {
    "en": (
        "{school} news for the week of {date}",
        "What is happening at {school} next week",
        "From the principal: thank you for a good week at {school}",
    ),
    "es": ("Noticias de la semana en {school}",),
    "so": ("Wararka toddobaadka ee {school}",),
}

SNOW_DAY = {
    "en": ("All schools are closed today, {date}, because of snow",),
    "es": ("Hoy no hay clases en ninguna escuela por la nieve",),
    "hmn": ("Hnub no tag nrho cov tsev kawm ntawv kaw vim los daus",),
    "so": ("Maanta dugsiyada oo dhan way xiran yihiin baraf awgiis",),
    "vi": ("Hôm nay tất cả các trường đóng cửa vì tuyết",),
    "ar": ("جميع المدارس مغلقة اليوم بسبب الثلوج",),
    "zh": ("因下雪,今天所有学校停课",),
}

CLASS_MESSAGES = (
    "Reminder: the field trip to the science museum needs a signed form",
    "Spelling words for this week",
    "Room 114: we are looking for helpers on Friday",
    "Unit test in Algebra 1 moved to Thursday",
    "Orchestra rehearsal ends at 4:30 today",
    "Girls basketball: bus leaves at 3:15",
    "Please send a pair of indoor shoes",
    "Reading log is due tomorrow",
    "Photos from our farm visit",
    "Bus 27 is running 20 minutes late this afternoon",
    "Chess club does not meet this week",
    "Sign up for parent-teacher conferences",
)

SINGLE_MESSAGES = (
    "Your student visited the health office today",
    "Early pick-up confirmed",
    "Your conference time is confirmed",
    "Answer to your question about the schedule",
    "A library book is overdue",
    "Lost jacket found in the gym",
    "Permission slip received, thank you",
    "Change of address received",
    "Transcript request is ready",
    "Immunization record still missing",
    "Locker combination for your student",
    "Meeting notes from this morning",
)

EVERYBODY: frozenset[str] = frozenset()

REGULAR = (
    Announcement("attendance", frozenset({"attendance"}), SCHOOL_DAYS, time(9), 4, 0.16, 1, ATTENDANCE),
    Announcement("attendance", frozenset({"attendance"}), SCHOOL_DAYS, time(14), 4, 0.12, 1, ATTENDANCE),
    Announcement(
        "missing-work",
        frozenset({"teacher", "counselor"}),
        SCHOOL_DAYS - {FRIDAY},
        time(18, 30),
        20,
        0.22,
        2,
        MISSING_WORK,
    ),
    Announcement("newsletter", frozenset({"principal"}), frozenset({FRIDAY}), time(15, 5), 50, 0.9, 2, NEWSLETTER),
    Announcement(
        "lunch-balance",
        frozenset({"office"}),
        frozenset({TUESDAY, THURSDAY}),
        time(16),
        5,
        0.15,
        1,
        {"en": ("Lunch account is running low",), "es": ("Queda poco saldo en la cuenta del almuerzo",)},
    ),
    Announcement("class", EVERYBODY, SCHOOL_DAYS, time(7), 600, 0.28, 16, {"en": CLASS_MESSAGES}),
    Announcement("single", EVERYBODY, SCHOOL_DAYS, time(7, 30), 570, 0.05, 60, {"en": SINGLE_MESSAGES}),
    Announcement("single", EVERYBODY, frozenset(range(7)), time(0), 1439, 0.01, 12, {"en": SINGLE_MESSAGES}),
    Announcement(
        "week-ahead",
        frozenset({"principal"}),
        frozenset({SUNDAY}),
        time(17),
        10,
        0.15,
        1,
        {"en": ("The week ahead at {school}",), "es": ("La semana que viene en {school}",)},
    ),
)

CLOSED = (
    Announcement("closing", frozenset({"principal", "admin"}), SCHOOL_DAYS, time(5, 30), 3, 1.2, 1, SNOW_DAY),
    Announcement("single", EVERYBODY, SCHOOL_DAYS, time(8), 600, 0.01, 12, {"en": SINGLE_MESSAGES}),
)

CLOSED_ELSEWHERE = CLOSED[1:]
"""Such a day, if others send the news that the schools are closed."""

SINGLE = Announcement("single", EVERYBODY, frozenset(range(7)), time(0), 0, 0.0, 1, {"en": SINGLE_MESSAGES})

SCHOOLS = (
    "Harrison High School",
    "Washburn Middle School",
    "Maple Grove Elementary",
    "Lakeside Elementary",
    "Phalen Community School",
)

WEEK_SHARE = sum(announcement.share * len(announcement.weekdays) for announcement in REGULAR)
"""The sum of all shares in a week without snow."""


def can_snow(day: date) -> bool:
    """Whether this day is a school day in winter."""
    return day.weekday() in SCHOOL_DAYS and (day.month in (12, 1, 2) or (day.month == 11 and day.day >= 10))
