import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from listings.saved_searches import KEPT
from tests.examples import examples
from tests.listings.conftest import NOW
from tests.listings.letter_log import LetterFilters, LetterLog, Shown, letter_view, make_letters

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}


@pytest.fixture
def client(make_user, signed_in):
    """Somebody who is signed in: an export is for a person."""
    return signed_in(make_user())


# Personal values stay out of addresses


def test_the_filter_form_is_answered_with_an_address_that_names_nobody(client):
    make_letters(5, newest=NOW)
    response = client.post(
        "/letters/", {"recipient": "parent3@", "status": "", "created_from": "2026-11-20", "rows": "25"}
    )
    assert response.status_code == 302
    assert "parent3" not in response.url
    assert "created_from=2026-11-20" in response.url
    assert "status" not in response.url
    page = Shown(client.get(response.url))
    assert page.subjects == ["Letter 3"]
    assert page.value("recipient") == "parent3@"
    assert page.value("rows") == "25"


def test_the_same_search_of_another_person_has_another_key(client, make_user, signed_in):
    other = signed_in(make_user())
    mine, again, theirs = (each.post("/letters/", {"recipient": "parent3@"}).url for each in (client, client, other))
    assert mine == again
    assert mine != theirs, "or the addresses of two people would tell that they searched for the same"
    assert "parent3@" not in other.get(mine).content.decode(), "nor does the key of somebody else find anything"


def test_no_link_of_the_page_names_anybody(client):
    make_letters(60, newest=NOW)
    page = Shown(client.post("/letters/", {"recipient": "parent"}, follow=True))
    addresses = page.root.xpath("//@href | //@action | //@hx-get | //@hx-post")
    assert any("find=" in address for address in addresses)
    assert not any("parent" in address for address in addresses)
    assert Shown(client.get(page.href("grid-next"))).count == "51–60 of 60"


def test_the_same_search_has_the_same_key_and_another_one_another(client):
    urls = [client.post("/letters/", {"recipient": text}).url for text in ("a@b.org", "c@d.org", "a@b.org")]
    assert urls[0] == urls[2] != urls[1]


def test_a_search_of_somebody_else_is_not_to_be_had(client):
    make_letters(5, newest=NOW)
    url = client.post("/letters/", {"recipient": "parent3@"}).url
    page = Shown(Client().get(url))
    assert "That search is not kept here any more" in page.message_text
    assert page.value("recipient") == ""


@pytest.mark.slow
def test_the_last_fifty_searches_are_kept(client):
    urls = [client.post("/letters/", {"recipient": f"{i}@example.org"}).url for i in range(KEPT + 1)]
    assert "not kept here any more" in Shown(client.get(urls[0])).message_text
    assert Shown(client.get(urls[1])).value("recipient") == "1@example.org"
    assert Shown(client.get(urls[-1])).value("recipient") == f"{KEPT}@example.org"


def test_a_search_of_a_log_with_other_filters_is_not_taken_over(rf, client):
    make_letters(5, newest=NOW)
    client.post("/letters/", {"recipient": "parent3@"})

    class OtherFilters(LetterFilters):
        personal = {"subject"}

    class OtherLog(LetterLog):
        filterset_class = OtherFilters

    url = client.post("/letters/", {"recipient": "parent3@"}).url
    request = rf.get(url)
    request.session, request.user = client.session, None
    page = Shown(letter_view(OtherLog)(request))
    assert "not kept here any more" in page.message_text


def test_a_person_in_an_address_is_not_searched_for(client):
    make_letters(5, newest=NOW)
    page = Shown(client.get("/letters/?recipient=parent3@"))
    assert "not read from an address" in page.message_text
    assert page.value("recipient") == ""
    assert not any("parent3" in address for address in page.root.xpath("//@href"))


def test_a_search_that_is_too_long_comes_back_in_words(client):
    page = Shown(client.post("/letters/", {"recipient": "x" * 10_000}, follow=True))
    assert page.message_text == "Recipient Email: enter 200 characters at most."


def test_the_form_needs_its_token():
    assert Client(enforce_csrf_checks=True).post("/letters/", {"subject": "x"}).status_code == 403


# One address, three answers


def test_htmx_gets_the_fragment_of_the_same_address(client):
    make_letters(5, newest=NOW)
    whole, fragment = client.get("/letters/"), client.get("/letters/", headers=HTMX)
    assert "<html" in whole.content.decode()
    assert "<html" not in fragment.content.decode()
    assert Shown(fragment).subjects == Shown(whole).subjects
    for response in (whole, fragment):
        assert "HX-Request" in response["Vary"]
        assert response["Cache-Control"] == "private, no-store"


def test_htmx_gets_the_whole_page_when_it_lost_it_from_its_history(client):
    response = client.get("/letters/", headers=HTMX | {"HX-History-Restore-Request": "true"})
    assert "<html" in response.content.decode()


def test_htmx_gets_the_answer_to_the_form_at_once_and_the_address_to_show(client):
    make_letters(5, newest=NOW)
    data = {"recipient": "parent3@", "status": "sent", "sort": "-pages", "rows": "100"}
    response = client.post("/letters/", data, headers=HTMX)
    assert Shown(response).subjects == ["Letter 3"]
    assert "parent3" not in response["HX-Push-Url"]
    again = Shown(client.get(response["HX-Push-Url"]))
    assert again.subjects == ["Letter 3"]
    assert again.value("sort") == "-pages"
    assert again.value("rows") == "100"


def test_the_fragment_says_the_count_to_screen_readers(client):
    make_letters(5, newest=NOW)
    (live,) = Shown(client.get("/letters/", headers=HTMX)).root.xpath("//*[@id='grid-live']")
    assert live.text == "Letters 1 to 5 of 5"
    assert live.get("hx-swap-oob") == "innerHTML"


# The table


def test_it_is_a_real_table_that_says_how_it_is_sorted(client):
    make_letters(5, newest=NOW)
    page = Shown(client.get("/letters/?sort=pages"))
    assert page.texts("//table/caption") == ["Letter Log on 11/20/2026"]
    assert page.root.xpath("//thead//th/@scope") == ["col"] * 6
    assert page.texts("//th[@aria-sort='ascending']") == ["Pages"]
    assert page.href("grid-sort-pages").endswith("sort=-pages")
    assert page.href("grid-sort-status").endswith("sort=status")
    assert "sort" not in page.href("grid-sort-posted_at"), "the usual order needs no words in the address"
    assert page.texts("//th[6]") == ["Remark"]
    assert not page.root.xpath("//th[6]/a")


def test_the_title_names_the_page_and_the_product(client):
    assert Shown(client.get("/letters/")).texts("//title") == ["Letter Log – Messenger Logs"]


def test_rows_per_page_are_remembered_in_the_address(client):
    make_letters(60, newest=NOW)
    page = Shown(client.get("/letters/?rows=25"))
    assert len(page.subjects) == 25
    for link in ("grid-next", "grid-sort-pages", "grid-quick-1"):
        assert "rows=25" in page.href(link)


@pytest.mark.parametrize(
    "sort", ["colour", "remark", "-remark", "--pages", "pages,status", "-", "id", "posted_at__year"]
)
def test_an_unknown_sort_key_is_told(client, sort):
    make_letters(3, newest=NOW)
    page = Shown(client.get("/letters/", {"sort": sort}))
    assert "cannot be sorted that way" in page.message_text
    assert page.subjects == ["Letter 0", "Letter 1", "Letter 2"]


@pytest.mark.parametrize("rows", ["0", "-1", "51", "1000000", "²", "x", "1" * 500])
def test_rows_per_page_that_are_not_offered_are_told(client, rows):
    make_letters(60, newest=NOW)
    page = Shown(client.get("/letters/", {"rows": rows}))
    assert "Rows per page can be 25, 50, 100, 200" in page.message_text
    assert len(page.subjects) == 50


def test_unknown_parameters_are_left_alone(client):
    make_letters(3, newest=NOW)
    page = Shown(client.get("/letters/?page=7&utm=x&status=sent"))
    assert page.message_text == ""
    assert page.subjects == ["Letter 0"]
    assert "utm" not in page.href("grid-sort-pages")


def test_a_page_that_takes_too_long_ends_in_words(rf):
    class SlowLog(LetterLog):
        seconds = 0.05

        def get_queryset(self):
            return super().get_queryset().extra(where=["pg_sleep(0.05) IS NOT NULL"])

    make_letters(40, newest=NOW)
    request = rf.get("/letters/")
    request.session, request.user = {}, None
    page = Shown(letter_view(SlowLog)(request))
    assert "took too long" in page.message_text
    assert page.subjects == []
    assert page.empty_text == ""


FILTERS = ["created_from", "created_to", "status", "recipient", "subject", "school"]
NAMES = [*FILTERS, "sort", "rows", "after", "before", "n", "unknown"]
NASTY = st.one_of(
    st.text(max_size=300),
    st.sampled_from(
        [
            "\x00",
            "\ud800",
            "%",
            "letter-1",
            "-",
            "2026-11-20",
            "9" * 40,
            "sent",
            "' OR 1=1 --",
            "\u202e",
            "csv",
            "\r\nX: y",
        ]
    ),
    st.integers().map(str),
    st.dates().map(str),
)


@pytest.mark.slow
@given(st.dictionaries(st.sampled_from([*NAMES, "find", "export"]), NASTY))
@examples(150)
def test_whatever_an_address_holds_a_page_answers(client, query):
    query = {name: text.encode("utf-8", "surrogatepass") for name, text in query.items()}
    response = client.get("/letters/", query)
    assert response.status_code == 200
    assert len(b"".join(response)) > 0


@pytest.mark.slow
@given(st.dictionaries(st.sampled_from(NAMES), NASTY))
@examples(100)
def test_whatever_a_form_holds_a_page_answers(client, data):
    data = {name: text.encode("utf-8", "surrogatepass") for name, text in data.items()}
    assert client.post("/letters/", data, follow=True).status_code == 200
    assert client.post("/letters/", data, headers=HTMX).status_code == 200
