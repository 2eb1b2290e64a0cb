"""A small log of letters, to try listings with: a table, a filterset, a listing and two addresses."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any, ClassVar

import lxml.html
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import connection, models
from django.db.models.functions import Upper
from django.http import HttpResponse
from django.urls import include, path

from core.statuses import Shape, Status, Tone
from listings.columns import ROW_LINK, Column, ListingTable, NumberColumn, StatusColumn, TimeColumn
from listings.filters import ContainsFilter, DateRangeFilter, ListingFilterSet, OptionFilter
from listings.listing import Listing
from listings.registry import Entry
from listings.views import ListingView
from web.exporter import exporter

STATUSES = {
    "sent": Status("Sent", Shape.CHECK, Tone.GOOD, "The post office has it."),
    "lost": Status("Lost", Shape.CROSS, Tone.BAD, "Nobody knows where it is."),
    "waiting": Status("Waiting", Shape.RING, Tone.NEUTRAL, "It lies in the tray."),
}


class Letter(models.Model):
    posted_at = models.DateTimeField()
    status = models.CharField(max_length=10, choices=[(key, status.word) for key, status in STATUSES.items()])
    recipient = models.TextField()
    subject = models.TextField(blank=True)
    pages = models.IntegerField()
    school = models.TextField(default="north")
    remark = models.TextField(null=True)  # noqa: DJ001

    objects: ClassVar[models.Manager[Any]] = models.Manager()

    class Meta:
        app_label = "listings_tests"
        indexes = [
            models.Index(fields=["posted_at", "id"], name="letter_posted_id"),
            GinIndex(OpClass(Upper("recipient"), "gin_trgm_ops"), name="letter_recipient"),
        ]

    def __str__(self) -> str:
        return self.subject

    def get_absolute_url(self) -> str:
        return f"/letters/{self.pk}/"


class LetterTable(ListingTable):
    status = StatusColumn(STATUSES)
    posted_at = TimeColumn(verbose_name="Posted")
    recipient = Column(verbose_name="Recipient Email")
    subject = Column(linkify=True, attrs=ROW_LINK)
    pages = NumberColumn()
    remark = Column(orderable=False)


class LetterFilters(ListingFilterSet):
    created = DateRangeFilter("posted_at", days_back=30)
    status = OptionFilter(choices=[(key, status.word) for key, status in STATUSES.items()])
    recipient = ContainsFilter(label="Recipient Email")
    subject = ContainsFilter()
    school = OptionFilter(choices=[("north", "North High"), ("south", "South High")])
    personal = {"recipient"}


class LetterLog(Listing):
    table_class = LetterTable
    filterset_class = LetterFilters
    default_sort = "-posted_at"
    export_name = "letters"
    row_name = "letters"

    def get_queryset(self) -> models.QuerySet[Letter]:
        return Letter.objects.exclude(subject="secret")


def letter_view(listing_class: type[Listing] = LetterLog) -> Callable[..., HttpResponse]:
    """The page of a listing of letters."""
    tool = SimpleNamespace(label="Letter Log", menu="Messenger")
    entry = Entry(name="letters", listing_class=listing_class, tool=tool, path="letters/")
    return ListingView.as_view(entry=entry, exporter=exporter)


urlpatterns = [
    path("letters/", letter_view(), name="letters"),
    path("", include("config.urls")),
]


@contextmanager
def letters_table() -> Iterator[None]:
    """The table of letters: its app is not installed, so no migration makes it."""
    with connection.schema_editor() as editor:
        editor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
        editor.execute("DROP TABLE IF EXISTS listings_tests_letter")
        editor.create_model(Letter)
    yield


def make_letters(
    number: int, *, newest: datetime, apart: timedelta = timedelta(minutes=1), **fields: Any
) -> list[Letter]:
    """Letters one `apart` from the next, the newest first."""
    return Letter.objects.bulk_create(
        Letter(
            **{
                "posted_at": newest - i * apart,
                "status": ("sent", "lost", "waiting")[i % 3],
                "recipient": f"parent{i}@example.org",
                "subject": f"Letter {i}",
                "pages": i,
            }
            | fields
        )
        for i in range(number)
    )


class Shown:
    """What an answer shows, read from its HTML."""

    def __init__(self, response: HttpResponse) -> None:
        assert response.status_code == 200
        self.html = response.content.decode()
        self.root = lxml.html.fromstring(self.html)

    def texts(self, xpath: str) -> list[str]:
        return [" ".join(element.text_content().split()) for element in self.root.xpath(xpath)]

    def column(self, number: int) -> list[str]:
        return self.texts(f"//form[@id='grid']//tbody/tr/td[{number}]")

    @property
    def subjects(self) -> list[str]:
        return self.column(4)

    @property
    def count(self) -> str:
        return self.texts("//*[@id='grid-count']")[0]

    @property
    def message_text(self) -> str:
        """Everything said above the table."""
        return " ".join(self.texts("//form[@id='grid']//*[@class='alert alert-warning' or @class='grid-notes']/p"))

    @property
    def empty_text(self) -> str:
        return " ".join(self.texts("//*[@class='grid-empty']/p | //*[@class='grid-empty']/ul/li"))

    def href(self, element_id: str) -> str:
        """Where a link leads; "" when it is not there."""
        return next(iter(self.root.xpath(f"//*[@id='{element_id}']/@href")), "")

    def value(self, name: str) -> str:
        """What a field of the form holds."""
        return str(self.root.xpath(f"//form[@id='grid']//*[@name='{name}']")[0].value or "")
