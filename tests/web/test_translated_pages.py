"""No page shows a text that does not pass through gettext.

The pages are opened in a language that is made for this: each text is itself in brackets, ⟦so⟧. What has letters and
stands in no brackets has to be data: a text of the database, or one of a few words that are the same in each language.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.db import connection, models
from django.test import Client
from django.utils.translation import trans_real
from lxml import html

from accounts.models import User
from core.text import texts_in
from demo.district import Size, make_district
from demo.staff import make_staff
from listings import cells
from listings.registry import registry
from messenger_logs.status_labels import CODE_NAMES
from tests.examples import often
from tests.web.test_crawl import Page, arguments_of, every_case, other_pages, pages_of, sample

LANGUAGE = "es"
# Attributes that people read, or hear.
READ = ("alt", "aria-label", "data-confirm", "data-label", "placeholder", "title")
# Elements whose text is code, or is in another language than the page on purpose.
NOT_READ = ("script", "style", "code", "kbd", "pre", "textarea", "*[@lang and not(self::html)]")
# The same in each language: names, units, forms of files, and what a provider calls things.
SAME = re.compile(
    r"""
    Messenger\ Logs | REST\ API | Mailgun | Voxology | OneRoster | Django
    | \b(?:PDF|CSV|DOCX|XLSX|ZIP|JSON|URL|DNS|SPF|DKIM|MX)\b
    | \d[\d/:.,\ ]*\ ?(?:AM|PM)? | \b(?:h|min|s|ms|MB|GB|KB|AM|PM|C[SD]T|UTC|W|R|id|OLR|ext)\b
    | \{*\b(?:student|recipient)\.\w+\}* | [\w.+-]+@[\w.-]+ | https?://\S+ | /[\w/.-]+ | [A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+
    """,
    re.VERBOSE,
)
TEXTS = (models.CharField, models.TextField, models.JSONField)
# Elements that may stand within a sentence.
INLINE = {"a", "abbr", "b", "bdi", "em", "i", "small", "span", "strong", "time", "wbr"}
# Stands where one node of text ends, and the next begins.
CUT = "\n"
WRAPPED = re.compile(r"⟦[^⟦⟧]*⟧")
LETTERS = re.compile(r"[^\W\d_]{2,}")
BETWEEN = re.compile(r"[\n,;:·—–|›‹>()/•†&…]+|\s-\s")


class Brackets:
    """A translation that only marks each text."""

    def gettext(self, message: str) -> str:
        text = message.rpartition("\x04")[2]
        return f"⟦{text}⟧" if text.strip() else text

    def ngettext(self, singular: str, plural: str, number: int) -> str:
        return self.gettext(singular if number == 1 else plural)

    def language(self) -> str:
        return LANGUAGE

    def to_language(self) -> str:
        return LANGUAGE


@pytest.fixture(scope="class")
def district(class_db: None) -> None:
    make_staff()
    make_district(Size(messages=60, recipients=400, events=60))
    connection.check_constraints()
    User.objects.update(language=LANGUAGE)


@pytest.fixture
def brackets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(trans_real._translations, LANGUAGE, Brackets())
    monkeypatch.setattr(cells, "_known", {})  # has words in it, which other tests would meet


def stored_texts() -> set[str]:
    """The words of no language, in small letters: the texts of the database, and the codes as the provider has them."""
    found = {settings.DISTRICT_NAME.lower(), *(part.lower() for name in CODE_NAMES.values() for part in rest_of(name))}
    for model in apps.get_models():
        fields = [field for field in model._meta.concrete_fields if isinstance(field, TEXTS) and model._meta.managed]
        for row in model._default_manager.values_list(*(field.attname for field in fields)) if fields else ():
            for text in (text for value in row if value for text in texts_in(value)):
                found |= {part.lower() for part in rest_of(text)}
    return found


def unmarked(page: html.HtmlElement, stored: set[str]) -> Iterator[str]:
    """Yield what of a page has letters, stands in no brackets, and is no data."""
    for element in page.xpath(" | ".join(f"//{name}" for name in NOT_READ)):
        element.drop_tree()
    # A text in brackets may have elements in it, and so be several nodes of one block.
    blocks = groupby(page.xpath("//text()"), key=lambda text: block_of(text.getparent(), text.is_tail))
    texts = [CUT.join(nodes) for _, nodes in blocks]
    texts += page.xpath(" | ".join(f"//*[not(self::time)]/@{name}" for name in READ))
    return (part for text in texts for part in rest_of(text) if part.lower() not in stored)


def block_of(element: html.HtmlElement, is_tail: bool) -> html.HtmlElement | None:
    """Return the nearest element around a text that is no part of a line."""
    around = element.getparent() if is_tail else element
    while around is not None and around.tag in INLINE:
        around = around.getparent()
    return around


def rest_of(text: str) -> Iterator[str]:
    before = ""
    while before != text:  # a value in brackets may stand within a text in brackets
        before, text = text, WRAPPED.sub("\n", text)
    parts = (part.strip(" .?!\"'“”") for part in BETWEEN.split(SAME.sub("\n", text)))
    return (part for part in parts if LETTERS.search(part))


def all_pages(user: User) -> Iterator[Page]:
    yield from other_pages()
    for entry in registry:
        if entry.path:
            yield Page(entry.url(**arguments_of(entry, user)))
    cases = (case for case in every_case() if case.part in ("page", "cancel", "report", "in doubt", "unreached people"))
    yield from pages_of(sample(cases, by=lambda case: (case.part, case.status), each=1), user_visitor(user))


def user_visitor(user: User) -> Any:
    return type("Visitor", (), {"user": user})


def faults_of(client: Client, pages: Iterable[Page]) -> dict[str, list[str]]:
    """Return what is not marked, each with the addresses where it stands."""
    shown: list[tuple[str, str]] = []
    for page in pages:
        response = client.get(page.address, headers={"HX-Request": "true"} if page.htmx else {})
        if response.headers.get("Content-Type", "").startswith("text/html") and response.content.strip():
            shown.append((page.address, response.text))
    # Afterwards, because each look is a row of the audit trail, which is a page as well.
    stored = stored_texts()
    found = [(text, address) for address, page in shown for text in unmarked(html.fromstring(page), stored)]
    by_text = groupby(sorted(set(found)), key=lambda pair: pair[0])
    return {text: [address for _, address in pairs][:2] for text, pairs in by_text}


@pytest.mark.django_db
@pytest.mark.usefixtures("district", "brackets")
class TestTranslatedPages:
    @pytest.mark.slow
    def test_every_text_of_a_page_passes_through_gettext(self) -> None:
        client, admin = Client(), User.objects.get(username="admin")
        client.force_login(admin)
        pages = [page for page in all_pages(admin) if not page.address.startswith("/api/")]

        faults = faults_of(client, sample(pages, by=lambda page: "", each=often(len(pages))))

        assert not faults, "\n".join(f"{text!r}: {', '.join(where)}" for text, where in faults.items())

    def test_pages_before_sign_in(self) -> None:
        client = Client()
        client.cookies["language"] = LANGUAGE
        addresses = ("/accounts/login/", "/accounts/help/", "/accounts/password/reset/", "/nothing/")

        assert faults_of(client, [Page(address) for address in addresses]) == {}


def test_what_is_not_marked_is_found(brackets: None) -> None:
    page = html.fromstring(
        "<p title='A title'>⟦in brackets, with <b>⟦12⟧</b> in it⟧ Vang, Mai<code>a.b</code> 8:30 AM</p>"
        "<p>Not in them: ⟦x⟧, half</p>"
    )
    assert list(unmarked(page, {"vang", "mai"})) == ["Not in them", "half", "A title"]
