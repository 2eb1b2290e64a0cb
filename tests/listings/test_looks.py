from datetime import UTC, datetime

import lxml.html
import pytest
from django.template import Context, Template
from django.utils import timezone

from listings.columns import time_element, time_text
from tests.listings.letter_log import STATUSES

MOMENT = datetime(2026, 11, 20, 16, 31, 7, tzinfo=UTC)


def render(source: str, **context: object) -> lxml.html.HtmlElement:
    html = Template("{% load listings %}" + source).render(Context(context))
    return lxml.html.fragment_fromstring(html, create_parent=True)


def test_a_time_is_written_as_the_district_writes_it():
    assert time_text(MOMENT) == "11/20/2026 10:31 AM"
    assert time_text(MOMENT, seconds=True) == "11/20/2026 10:31:07 AM"


def test_a_time_on_a_page_names_its_zone():
    (time,) = render("{{ moment|local_time }}", moment=MOMENT)
    assert time.tag == "time"
    assert time.get("datetime") == "2026-11-20T10:31:07-06:00"
    assert time.get("title") == "CST (America/Chicago)"


def test_the_zone_is_the_districts():
    with timezone.override("America/Denver"):
        assert "11/20/2026 9:31 AM" in time_element(MOMENT)


def test_no_time_is_a_dash():
    assert render("{{ moment|local_time }}", moment=None).text == "—"
    assert render("{{ moment|local_time_seconds }}", moment=None).text == "—"


def test_a_status_is_a_word_a_shape_and_a_color_with_its_meaning_at_hand():
    html = render("{% status status %}", status=STATUSES["lost"])
    (status,) = html.xpath("./*[contains(@class, 'status')]")
    assert " ".join(status.text_content().split()) == "✕ Lost"
    assert "status-bad" in status.get("class")
    assert status.xpath("./*[@aria-hidden='true']")[0].text == "✕"
    (button,) = html.xpath(".//button")
    assert button.get("aria-label") == "What Lost means"
    (explanation,) = html.xpath(f".//*[@id='{button.get('popovertarget')}'][@popover]")
    assert "Nobody knows where it is." in explanation.text_content()


def test_no_two_explanations_share_an_id():
    html = render("{% status status %}{% status status %}", status=STATUSES["lost"])
    assert len(set(html.xpath(".//@popovertarget"))) == 2


def test_no_two_statuses_of_a_log_look_alike():
    assert len({status.shape for status in STATUSES.values()}) == len(STATUSES)


@pytest.mark.django_db
def test_no_page_has_inline_scripts_or_styles(client):
    page = lxml.html.fromstring(client.get("/letters/").content)
    assert page.xpath("//@style | //style") == []
    assert all(script.get("src", "").startswith("/static/") for script in page.xpath("//script"))
    assert all(href.startswith("/static/") for href in page.xpath("//link/@href"))
    assert not [name for element in page.iter() for name in element.attrib if name.startswith("on")]
