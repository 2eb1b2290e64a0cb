"""The families of a made-up district: their names are realistic, and no mail can arrive at their addresses."""

import json
import random
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Any


class Mailbox(Enum):
    """How a mailbox treats mail."""

    GOOD = "good"
    SLOW = "slow"  # accepts mail from an unknown server only at the second try
    UNKNOWN = "unknown"
    BOUNCED_BEFORE = "bounced before"
    UNSUBSCRIBED = "unsubscribed"
    COMPLAINED_BEFORE = "complained before"
    FULL = "full"
    STRICT = "strict"  # refuses mail by its own policy


# The number of such mailboxes in a thousand.
MAILBOXES = {
    Mailbox.GOOD: 952,
    Mailbox.SLOW: 10,
    Mailbox.UNKNOWN: 10,
    Mailbox.BOUNCED_BEFORE: 8,
    Mailbox.UNSUBSCRIBED: 6,
    Mailbox.COMPLAINED_BEFORE: 3,
    Mailbox.FULL: 6,
    Mailbox.STRICT: 5,
}


@dataclass(frozen=True, slots=True)
class Person:
    """A person who gets mail."""

    person_id: str
    name: str
    address: str
    language: str
    mailbox: Mailbox
    refused: tuple[tuple[float, float], ...] = ()
    """When the provider of the mailbox takes no mail of the district: beginnings and ends, in epoch seconds."""

    @property
    def header(self) -> str:
        """Name and address in the form of a To header."""
        return f'"{self.name}" <{self.address}>'


@dataclass(frozen=True)
class Community:
    """Families with one language: their percentage, given names, family names.

    After a name in another script come `=` and its letters in an address.
    """

    language: str
    percent: int
    given: str
    family: str


COMMUNITIES = (
    Community(
        "en",
        38,
        "Aaron, Abigail, Brendan, Caitlin, Daniel, Deshawn, Ebony, Erin, Grzegorz, Hannah, Ingrid, Jamal, Jens, "
        "Keisha, Liam, Marguerite, Nathan, Oksana, Patrick, Renée, Siobhán, Tanisha, Valentina, Zoë",
        "Anderson, Baker, Carlson, Dvořák, Freeman, Johnson, Kowalski, Larsen, Lindqvist, Müller, Novak, O'Brien, "
        "Olson, Petrov, Robinson, Schmidt, St. Clair, Washington, Williams, Żak",
    ),
    Community(
        "es",
        20,
        "Ana Lucía, Carlos, Esperanza, Guadalupe, Ignacio, José Luis, Juan Pablo, Luz, María Fernanda, Miguel Ángel, "
        "Rocío, Sofía, Xiomara, Yesenia",
        "Álvarez, Castañeda, Domínguez, García López, Gutiérrez, Hernández, Ibáñez, Martínez, Núñez, Ortiz Vega, Peña, "
        "Quiñones, Ramírez, Sánchez",
    ),
    Community(
        "hmn",
        16,
        "Bee, Chue, Gao Nou, Kou, Mai See, Mee, Nhia, Pa Houa, Pao, Sheng, Tou, Xee, Ying, Youa",
        "Cha, Her, Lee, Lor, Moua, Thao, Vang, Vue, Xiong, Yang",
    ),
    Community(
        "so",
        10,
        "Abdi, Amina, Ayaan, Fadumo, Halima, Hodan, Ismail, Mohamed, Nasra, Sahra, Yusuf, Zahra",
        "Abdullahi, Ali, Farah, Hersi, Ibrahim, Jama, Mohamud, Nur, Omar, Warsame",
    ),
    Community(
        "vi",
        7,
        "Anh, Đức, Hương, Khánh, Linh, Minh, Phượng, Quân, Thảo, Tuấn",
        "Bùi, Đặng, Hoàng, Lê, Nguyễn, Phạm, Trần, Vũ",
    ),
    Community(
        "ar",
        5,
        "أحمد=ahmad, فاطمة=fatima, خالد=khalid, مريم=maryam, محمد=mohammad, نور=nour, Samira, Tariq",
        "الخطيب=alkhatib, العلي=alali, حداد=haddad, Mansour, Nasser, Saleh",
    ),
    Community(
        "zh",
        4,
        "伟=wei, 芳=fang, 小明=xiaoming, 秀英=xiuying, 静=jing, Jun, Mei",
        "陈=chen, 李=li, 王=wang, 张=zhang, Huang, Lin",
    ),
)

MAIL_DOMAINS = {
    "example.com": 34,
    "example.org": 18,
    "example.net": 14,
    "inbox.example": 14,
    "familymail.example": 10,
    "post.example": 6,
    "harrison.example": 4,
}


def make_people(number: int, seed: int) -> list[Person]:
    """Return `number` people, always the same for a seed."""
    rng = random.Random(f"people {seed}")
    communities = rng.choices(COMMUNITIES, [community.percent for community in COMMUNITIES], k=number)
    mailboxes = rng.choices(list(MAILBOXES), list(MAILBOXES.values()), k=number)
    domains = rng.choices(list(MAIL_DOMAINS), list(MAIL_DOMAINS.values()), k=number)
    people: dict[str, Person] = {}
    for index, (community, mailbox, domain) in enumerate(zip(communities, mailboxes, domains, strict=True)):
        given, given_letters = _name(rng.choice(community.given.split(", ")))
        family, family_letters = _name(rng.choice(community.family.split(", ")))
        shown = family + given if community.language == "zh" and given != given_letters else f"{given} {family}"
        address = f"{given_letters}.{family_letters}@{domain}"
        if address in people:
            address = f"{given_letters}.{family_letters}{index}@{domain}"
        people[address] = Person(str(100_000 + index), shown, address, community.language, mailbox)
    return list(people.values())


def read_people(lines: Iterable[str], seed: int) -> list[Person]:
    """Read people from a file: each line is a JSON object with person_id, name, address and language.

    `mailbox` and `refused` may be in it, too: see Person. Where there is no `mailbox`, the seed decides it.
    """
    given = [json.loads(line) for line in lines]
    mailboxes = random.Random(f"mailboxes {seed}").choices(list(MAILBOXES), list(MAILBOXES.values()), k=len(given))
    return [_person(fields, mailbox) for fields, mailbox in zip(given, mailboxes, strict=True)]


def _person(fields: dict[str, Any], mailbox: Mailbox) -> Person:
    refused = tuple((begin, end) for begin, end in fields.get("refused", ()))
    return Person(**{**fields, "mailbox": Mailbox(fields.get("mailbox", mailbox)), "refused": refused})


def _name(entry: str) -> tuple[str, str]:
    """Return a name for people, and its letters for an address."""
    shown, _, letters = entry.partition("=")
    plain = unicodedata.normalize("NFKD", (letters or shown).lower().replace("đ", "d"))
    return shown, "".join(letter for letter in plain if "a" <= letter <= "z")
