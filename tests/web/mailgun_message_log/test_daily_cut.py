"""The log shows the newest events of each day, and says so."""

import re
from datetime import timedelta
from urllib.parse import quote

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django import Settings

from mailgun_sync.models import MailgunEvent, RecipientAddress, SendingDomain
from tests.web.mailgun_message_log.conftest import ALL, NOON, exported_rows, page, recipients, text_of

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


class TestTheDailyCut:
    @pytest.fixture(autouse=True)
    def a_busy_day(self, settings: Settings, domain: SendingDomain) -> None:
        settings.MAILGUN_SHOWN_A_DAY = 60
        MailgunEvent.objects.bulk_create(
            MailgunEvent(
                domain=domain,
                event="delivered",
                event_id=f"{day}-{number}",
                occurred_at=NOON - timedelta(days=day, minutes=number // 2),
                recipient=f"d{day}n{number:03}@example.com",
                raw="{}",
            )
            for day, count in [(0, 100), (1, 60), (2, 130)]
            for number in range(count)
        )
        addresses = MailgunEvent.objects.values_list("recipient", flat=True).distinct()
        RecipientAddress.objects.bulk_create(RecipientAddress(address=address) for address in addresses)

    def walk(self, client: Client, **query: str) -> list[str]:
        """Follow the links from page to page, and return all recipients."""
        found: list[str] = []
        address = f"{reverse(ALL)}?rows=25&" + "&".join(f"{name}={quote(text)}" for name, text in query.items())
        while address:
            text = text_of(client.get(address))
            found += recipients(text)
            links = re.findall(r'href="([^"]*[?;&]after=[^"]*)"', text)
            address = links[0].replace("&amp;", "&") if links else ""
        return found

    @pytest.mark.parametrize("sort", ["-occurred_at", "occurred_at", "recipient", "-subject"])
    def test_the_grid_shows_the_newest_so_many_of_each_day(self, administrator: Client, sort: str) -> None:
        found = self.walk(administrator, created_from="2026-11-18", created_to="2026-11-20", sort=sort)

        assert len(found) == len({*found}) == 180
        for day in (0, 1, 2):
            # Two events share each minute; of the pair that the cut divides, the one stored later is the newer.
            assert {name for name in found if name.startswith(f"d{day}")} == {
                f"d{day}n{number:03}@example.com" for number in range(60)
            }

    def test_a_huge_day_is_not_counted_to_its_end(self, administrator: Client, settings: Settings) -> None:
        for shown, words in [(20, "20 of 100 on"), (19, "19 of more than 95 on")]:
            settings.MAILGUN_SHOWN_A_DAY = shown
            with CaptureQueriesContext(connection) as asked:
                assert words in page(administrator, created_from="2026-11-20", created_to="2026-11-20")
            counts = [query["sql"] for query in asked if "COUNT(*)" in query["sql"] and "mailgunevent" in query["sql"]]
            assert counts
            assert all("LIMIT" in sql for sql in counts)

    def test_it_says_so(self, administrator: Client) -> None:
        text = page(administrator, created_from="2026-11-20", created_to="2026-11-20")

        assert "60 of 100 on 11/20/2026" in text
        assert "Generate Report gives all of them" in text
        assert " on 11/19/2026 are shown" not in page(administrator, created_from="2026-11-19", created_to="2026-11-19")

    def test_the_report_has_all_of_them(self, administrator: Client) -> None:
        assert len(exported_rows(administrator, created_from="2026-11-18", created_to="2026-11-20")) == 290

    def test_what_a_search_finds_is_counted_for_itself(self, administrator: Client) -> None:
        response = administrator.post(reverse(ALL), {"recipient": "d0n09"}, follow=True)

        assert len(recipients(text_of(response))) == 10
